"""Films a second."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localization.located import Shot
from localization.regions import shenzhen
from radtrace.images import Pixels
from radtrace.localize import Localizer

_FILMS = 100
_BATCH = 10
_PATIENCE = 15.0
"""Seconds after which the rest is not measured: many threads on a busy machine can be slower by far than one."""


def speed(data: Path) -> dict[str, Any]:
    """Decoded films through one process, with as many threads as torch takes by itself, and with one."""
    import torch

    localizer = Localizer.load()
    held_out, _ = shenzhen(data)
    films = [Shot(data / "anatomy" / row["file"]).pixels() for row in held_out[:_FILMS]]
    threads = torch.get_num_threads()
    figures: dict[str, Any] = {}
    try:
        for count in dict.fromkeys((1, threads)):
            torch.set_num_threads(count)
            localizer(films[:1])
            figures[f"{count} thread{'s' * (count > 1)}"] = _timed(localizer, films)
    finally:
        torch.set_num_threads(threads)
    return figures


def _timed(localizer: Localizer, films: Sequence[Pixels]) -> dict[str, Any]:
    start, done = time.perf_counter(), 0
    while done < len(films) and time.perf_counter() - start < _PATIENCE:
        done += len(localizer(films[done : done + _BATCH]))
    return {"films": done, "films_per_second": done / (time.perf_counter() - start)}
