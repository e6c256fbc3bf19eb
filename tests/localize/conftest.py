"""The localizer with the real weights, or a skip that says why."""

import pytest

from radtrace.errors import InputError
from radtrace.localize import Localizer


@pytest.fixture(scope="session")
def localizer() -> Localizer:
    """The bundled localizer; tests that need it skip where the weights are not installed."""
    pytest.importorskip("torch")
    try:
        return Localizer.load()
    except InputError as error:
        pytest.skip(str(error))
