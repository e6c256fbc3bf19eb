"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Test processes share the cores: threads that wait for each other are slower than one. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on the machine.
settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real films and reports; tests that need it skip where it is not named."""
    folder = os.environ.get("RADTRACE_DATA")
    if not folder:
        pytest.skip("RADTRACE_DATA is unset: it names the folder with the real films and reports")
    return Path(folder)
