"""Metrics: predictions beside references -> named, signed scores with per-sample values."""

from collections.abc import Callable, Sequence

from radtrace.config import resolve
from radtrace.metrics.pairs import Pair, read_pairs
from radtrace.metrics.presets import PRESETS, Preset, preset
from radtrace.metrics.scores import Score

Metric = Callable[[Sequence[Pair], Preset], list[Score]]

METRICS: dict[str, str] = {}
"""name -> "module:attr" of a `Metric`; one metric may answer several scores."""


def metric(name: str) -> Metric:
    """The metric of this name, imported now. Raises RecipeError with a hint where there is none."""
    found: Metric = resolve(METRICS, name, "metric")
    return found


__all__ = ["METRICS", "PRESETS", "Metric", "Pair", "Preset", "Score", "metric", "preset", "read_pairs"]
