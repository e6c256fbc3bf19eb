"""Metrics: predictions beside references -> named, signed scores with per-sample values."""

from radtrace.metrics.pairs import Pair, read_pairs
from radtrace.metrics.presets import PRESETS, Preset, preset
from radtrace.metrics.scores import Score
from radtrace.metrics.scoring import METRICS, Metric, Scored, metric, score

__all__ = [
    "METRICS",
    "PRESETS",
    "Metric",
    "Pair",
    "Preset",
    "Score",
    "Scored",
    "metric",
    "preset",
    "read_pairs",
    "score",
]
