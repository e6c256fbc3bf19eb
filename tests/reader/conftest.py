"""Films on which stated things are found, and a model that really decodes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.images import Film, encode_png
from radtrace.localize import Localization
from radtrace.reader import Manner, Mind

BOXES = {name: Box.of((0.1, 0.2, 0.3 + number / 100, 0.6)) for number, name in enumerate(REGIONS)}
FRONTAL = Localization("frontal", regions=BOXES)
FOUND = {
    0.25: FRONTAL,
    0.5: Localization("lateral", rotation=90, warnings=("lateral",)),
    0.75: Localization("other", warnings=("not a chest film",)),
}
GREYS = {"f": 0.25, "l": 0.5, "o": 0.75}
Write = Callable[[str], list[Path]]


@pytest.fixture(scope="session")
def mind() -> Mind:
    """Random weights, loaded once."""
    from tests.reader.tiny import TinyMind

    return TinyMind(Manner())


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a small reader with random weights."""
    from tests.reader.whole import save_tiny

    path = tmp_path_factory.mktemp("reader")
    save_tiny(path)
    return path


@pytest.fixture
def films(tmp_path: Path) -> Write:
    """Writes films, named by a letter each for what is found on them: frontal, lateral or other."""

    def write(names: str) -> list[Path]:
        paths = [tmp_path / f"{number}{name}.png" for number, name in enumerate(names)]
        for path in paths:
            path.write_bytes(encode_png(np.full((80, 60), GREYS[path.stem[-1]], np.float32)))
        return paths

    return write


def locate(films: Sequence[Film]) -> list[Localization]:
    """By how bright a film is."""
    return [FOUND[round(float(film.pixels.mean()) * 4) / 4] for film in films]
