"""Bootstrap of corpus metrics: samples are drawn again, and their sufficient statistics summed; nothing is rescored."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.scores import Corpus, FloatArray

IntervalMethod = Literal["percentile", "bca"]
_CELLS = 1 << 20
"""Of the table of counts held at once: 8 MB."""


@dataclass(frozen=True, slots=True)
class Interval:
    """low, high: bounds of the two-sided confidence interval."""

    low: float
    high: float


def resampled_sums(
    statistics: FloatArray, resamples: int, seed: int, strata: NDArray[np.int64] | None = None
) -> FloatArray:
    """Sums of the statistics over samples drawn with replacement.

    Args:    statistics: (N, K); columns of several models and metrics may stand side by side and are drawn together.
             strata: (N,) of integers: each stratum keeps its number of samples; None draws from all.
    Returns: (resamples, K).
    """
    rng = np.random.default_rng(seed)
    groups = (
        [np.arange(len(statistics))] if strata is None else [np.flatnonzero(strata == s) for s in np.unique(strata)]
    )
    sums = np.zeros((resamples, statistics.shape[1]))
    for group in groups:
        rows = statistics[group]
        start = 0
        for counts in _counts(len(group), resamples, rng):
            sums[start : start + len(counts)] += counts @ rows
            start += len(counts)
    return sums


def _counts(n: int, resamples: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """How often each of n samples was drawn, (resamples, n), some resamples at a time."""
    at_once = max(1, _CELLS // max(n, 1))
    for start in range(0, resamples, at_once):
        counts = np.empty((min(at_once, resamples - start), n))
        for row in counts:  # one by one: a row stays in the processor's cache
            row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
        yield counts


def jackknife_sums(statistics: FloatArray) -> FloatArray:
    """Sums (N, K) that leave out one sample each."""
    left: FloatArray = statistics.sum(axis=0) - statistics
    return left


def interval(
    values: FloatArray,
    level: float = 0.95,
    method: IntervalMethod = "percentile",
    estimate: float = 0.0,
    jackknife: FloatArray | None = None,
) -> Interval | None:
    """Confidence interval from bootstrap values.

    Args:    values: of the resamples, (R,). estimate, jackknife: the value itself and those that leave out one sample,
             which "bca" needs. NaN among them (F1 of a draw without any positive) is left out.
    Returns: None where more than half of the resamples have no value.
    Source:  Efron and Tibshirani, An Introduction to the Bootstrap, 13.3 (percentile) and 14.3 (BCa).
    """
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values):
        return None
    if method == "bca":
        if jackknife is None:
            raise ValueError("bca needs the jackknife values")
        tails = _bca_tails(tails, known, estimate, jackknife[~np.isnan(jackknife)])
    low, high = np.quantile(known, tails)
    return Interval(float(low), float(high))


def _bca_tails(tails: FloatArray, values: FloatArray, estimate: float, jackknife: FloatArray) -> FloatArray:
    """The percentiles, corrected for bias (half of the ties count as below) and for skew."""
    normal = NormalDist()
    below = (np.sum(values < estimate) + np.sum(values <= estimate)) / (2 * len(values))
    if not 0 < below < 1:  # the estimate lies outside of all resamples: there is no finite correction
        return tails
    bias = normal.inv_cdf(float(below))
    spread = jackknife.mean() - jackknife
    scale = np.sum(spread**2) ** 1.5
    skew = float(np.sum(spread**3) / (6 * scale)) if scale > 0 else 0.0
    scores = [bias + normal.inv_cdf(float(tail)) for tail in tails]
    return np.array([normal.cdf(bias + score / (1 - skew * score)) for score in scores])


def corpus_interval(
    statistics: FloatArray,
    corpus: Corpus,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    method: IntervalMethod = "percentile",
    strata: NDArray[np.int64] | None = None,
) -> Interval | None:
    """Bootstrap confidence interval of one corpus metric.

    Args:    statistics: (N, K) of the scored samples.
    Returns: None with fewer than two samples, which say nothing about their spread.
    """
    if len(statistics) < 2:
        return None
    values = corpus(resampled_sums(statistics, resamples, seed, strata))
    if method == "percentile":
        return interval(values, level)
    estimate = float(corpus(statistics.sum(axis=0)))
    return interval(values, level, "bca", estimate, corpus(jackknife_sums(statistics)))


def bootstrap_p(differences: FloatArray, observed: float) -> float:
    """Two-sided p of a paired difference: how often a resample, moved to a mean of no difference, is as far from 0.

    (k + 1) / (R + 1) over R resamples. Ties count as being as far, so that two equal systems get 1, and so do NaN.

    Source:  Riezler and Maxwell 2005, Sec. 4 (the shift method); Koehn 2004.
    """
    known = differences[~np.isnan(differences)]
    near = np.abs(known - known.mean()) < abs(observed) - tolerance(observed) if len(known) else np.zeros(0, bool)
    hits = len(differences) - int(near.sum())
    return (hits + 1) / (len(differences) + 1)


def tolerance(observed: float) -> float:
    """What sums in another order may differ by: smaller gaps are ties."""
    return 1e-12 + 1e-9 * abs(observed)
