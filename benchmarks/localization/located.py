"""Films through the localizer in worker processes, each film once however many questions are asked about it."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from radtrace.geometry import Box
from radtrace.images import Pixels, load_film
from radtrace.localize import Localization, Localizer
from radtrace.runs import progress

_CHUNK = 16


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """A film as it is shown to the localizer.

    true_size: (width, height) whose aspect is restored. turns: quarter turns counter-clockwise.
    """

    path: Path
    true_size: tuple[int, int] = (0, 0)
    turns: int = 0
    inverted: bool = False

    def pixels(self) -> Pixels:
        """The film, decoded, turned and inverted."""
        film = np.rot90(_decoded(self.path, self.true_size), self.turns)
        return np.ascontiguousarray(1 - film if self.inverted else film)


@lru_cache(maxsize=4)
def _decoded(path: Path, true_size: tuple[int, int]) -> Pixels:
    return load_film(path, true_size if all(true_size) else None).pixels


_worker: Localizer


def _start() -> None:
    import torch

    torch.set_num_threads(1)
    global _worker
    _worker = Localizer.load()


def _localize(shots: list[Shot]) -> list[Localization]:
    return _worker([shot.pixels() for shot in shots])


class Locator:
    """Shots to localizations; what was asked before is remembered.

    workers: processes of one thread each, which on few cores outrun one process of many threads.
    """

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start)
        self._known: dict[Shot, Localization] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, shots: Sequence[Shot], what: str) -> list[Localization]:
        """One localization a shot. what: the name of the progress line."""
        new = sorted(set(shots) - self._known.keys())
        parts = [new[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
        with progress(what, len(new)) as advance:
            for part, found in zip(parts, self._pool.map(_localize, parts), strict=True):
                self._known.update(zip(part, found, strict=True))
                advance(len(part))
        return [self._known[shot] for shot in shots]


def upright(localization: Localization) -> dict[str, Box]:
    """The regions on the film turned back."""
    return {name: box.turned(-localization.rotation % 360) for name, box in localization.regions.items()}


def size(row: dict[str, str]) -> tuple[int, int]:
    """`Shot.true_size` of a table's row; (0, 0) where it does not say."""
    if not row["orig_width"] or not row["orig_height"]:
        return 0, 0
    return round(float(row["orig_width"])), round(float(row["orig_height"]))
