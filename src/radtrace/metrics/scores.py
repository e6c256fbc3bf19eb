"""What a metric answers: the corpus value, a value a pair, a signature, and what a bootstrap may resample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radtrace import __version__

FloatArray = NDArray[np.float64]
Corpus = Callable[[FloatArray], FloatArray]
"""Summed sufficient statistics (..., K) -> corpus values (...)."""


@dataclass(frozen=True, slots=True)
class Score:
    """One figure over N pairs.

    name: as it stands in the output ("bleu_4"); value: of the corpus, unrounded, 0-1 unless the metric says otherwise;
        None where no pair could be scored.
    per_sample: one value a pair, in their order; None where the pair has no reference.
    signature: how it was computed, "name|key:value|…|v:radtrace VERSION".
    statistics: float64 (N, K), sufficient statistics of each pair, zero where unscored; corpus: their sum over any
        resample -> its corpus value, so that a bootstrap rescores nothing. None where a value is no function of sums.
    """

    name: str
    value: float | None
    per_sample: tuple[float | None, ...]
    signature: str
    statistics: FloatArray | None = field(default=None, repr=False, compare=False)
    corpus: Corpus | None = field(default=None, repr=False, compare=False)


def signature(metric: str, **settings: object) -> str:
    """The one line that says how a score was computed, e.g. "bleu_4|variant:coco|tok:r2gen|v:radtrace 0.1.0"."""
    parts = [metric, *(f"{key}:{value}" for key, value in settings.items()), f"v:radtrace {__version__}"]
    return "|".join(parts)


def ratio(sums: FloatArray) -> FloatArray:
    """Corpus value of statistics (..., 2): the first sum over the second, 0 where the second is 0."""
    top, bottom = sums[..., 0], sums[..., 1]
    return np.divide(top, bottom, out=np.zeros_like(top, dtype=np.float64), where=bottom != 0)


def mean_score(name: str, per_sample: Sequence[float | None], signed: str) -> Score:
    """A Score whose corpus value is the plain mean over the pairs that have one."""
    statistics = np.array([(0.0, 0.0) if value is None else (value, 1.0) for value in per_sample], np.float64)
    statistics = statistics.reshape(-1, 2)
    return summed_score(name, per_sample, signed, statistics, ratio)


def summed_score(
    name: str, per_sample: Sequence[float | None], signed: str, statistics: FloatArray, corpus: Corpus
) -> Score:
    """A Score whose corpus value is a function of the summed statistics; None where no pair is scored."""
    scored = any(value is not None for value in per_sample)
    value = float(corpus(statistics.sum(axis=0))) if scored else None
    return Score(name, value, tuple(per_sample), signed, statistics, corpus)
