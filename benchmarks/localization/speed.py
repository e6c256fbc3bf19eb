"""Films a second."""

import time
from pathlib import Path
from typing import Any

from localization.located import Shot
from localization.regions import shenzhen
from radtrace.localize import Localizer

_FILMS = 100
_ROUNDS = 3


def speed(data: Path) -> dict[str, Any]:
    """Decoded films through one process, best of three rounds: every thread that torch takes, and one thread."""
    import torch

    localizer = Localizer.load()
    held_out, _ = shenzhen(data)
    films = [Shot(data / "anatomy" / row["file"]).pixels() for row in held_out[:_FILMS]]
    threads = torch.get_num_threads()
    figures: dict[str, Any] = {"films": len(films)}
    try:
        for count in dict.fromkeys((threads, 1)):
            torch.set_num_threads(count)
            localizer(films[:4])
            rounds = []
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                localizer(films)
                rounds.append(time.perf_counter() - start)
            figures[f"films_per_second_{count}_thread{'s' * (count > 1)}"] = len(films) / min(rounds)
    finally:
        torch.set_num_threads(threads)
    return figures
