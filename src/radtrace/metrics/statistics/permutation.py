"""Paired permutation test: under no difference, each sample's two results may as well have been swapped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from radtrace.metrics.scores import Corpus, FloatArray
from radtrace.metrics.statistics.bootstrap import tolerance

_CELLS = 1 << 20
"""Of the table of swaps held at once: 8 MB."""


@dataclass(frozen=True, slots=True)
class Permutation:
    """p: two-sided. swaps: how many ways of swapping were tried besides the observed one; exact: those were all."""

    p: float
    swaps: int
    exact: bool


def permutation_test(
    first: FloatArray, second: FloatArray, corpus: Corpus, *, resamples: int = 10_000, seed: int = 0
) -> Permutation:
    """Paired approximate randomisation of a corpus metric; for a mean it is the sign-flip test.

    p = (k + 1) / (n + 1), k of n random swaps with a difference at least as large as the observed one. Where all 2^m
    swaps of the m samples that differ are no more than `resamples` + 1, each is tried once and p is exact.

    Args:    first, second: (N, K) statistics of the same samples.
    Source:  Noreen 1989; Riezler and Maxwell 2005, Sec. 3; Phipson and Smyth 2010 (p is never 0).
    """
    step = second - first
    moving = np.flatnonzero(np.any(step != 0, axis=1))
    step = step[moving]
    if not len(step):
        return Permutation(1.0, 0, True)
    sums = first.sum(axis=0), second.sum(axis=0)
    observed = abs(float(corpus(sums[1]) - corpus(sums[0])))
    exact = len(step) < 63 and 2 ** len(step) <= resamples + 1
    tables = _all_swaps(len(step)) if exact else _random_swaps(len(step), resamples, seed)
    hits = 0
    for swaps in tables:
        moved = swaps @ step
        gaps = np.abs(corpus(sums[1] - moved) - corpus(sums[0] + moved))
        hits += len(gaps) - int(np.sum(gaps < observed - tolerance(observed)))  # NaN counts as large
    tried = 2 ** len(step) - 1 if exact else resamples
    return Permutation((hits + 1) / (tried + 1), tried, exact)


def _all_swaps(count: int) -> Iterator[FloatArray]:
    """Every way but that of swapping none, (2^count - 1, count)."""
    numbers = np.arange(1, 2**count)
    yield ((numbers[:, None] >> np.arange(count)) & 1).astype(np.float64)


def _random_swaps(count: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(count, 1))
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-size * count // 8)), np.uint8), count=size * count)
        yield bits.reshape(size, count).astype(np.float64)
