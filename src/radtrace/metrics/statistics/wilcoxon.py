"""One-tailed Wilcoxon signed-rank test, with its treatment of zeros and ties stated."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.scores import FloatArray

ZeroMethod = Literal["wilcox", "pratt"]
_EXACT = 200
"""Most differences whose null distribution is enumerated."""

_DECIMALS = 12
"""Differences are rounded to these, so that what is equal but for rounding is a tie or a zero."""


@dataclass(frozen=True, slots=True)
class Wilcoxon:
    """statistic: sum of the ranks of the differences above 0. p: one-tailed, that they are not larger than 0.

    n: differences that are not 0; zeros: those that are. method: exact (the distribution over all signs of the ranks as
    they are, ties included) or normal (with the variance of those ranks, without continuity correction).
    """

    statistic: float
    p: float
    n: int
    zeros: int
    method: Literal["exact", "normal"]
    zero_method: ZeroMethod


def wilcoxon(differences: FloatArray, zero_method: ZeroMethod = "wilcox") -> Wilcoxon:
    """Whether paired differences (N,) tend to be above 0.

    Args:    zero_method: "wilcox" leaves out zeros before ranking (Wilcoxon 1945); "pratt" ranks them and leaves them
             out of the sums (Pratt 1959). With nothing but zeros p is 1.
    """
    rounded = np.round(differences, _DECIMALS)
    zeros = int(np.sum(rounded == 0))
    if zero_method == "wilcox":
        rounded = rounded[rounded != 0]
    ranks = _midranks(np.abs(rounded))
    ranks, signs = ranks[rounded != 0], rounded[rounded != 0]
    statistic = float(ranks[signs > 0].sum())
    method: Literal["exact", "normal"] = "exact" if len(ranks) <= _EXACT else "normal"
    p = _exact_p(ranks, statistic) if method == "exact" else _normal_p(ranks, statistic)
    return Wilcoxon(statistic, p, len(ranks), zeros, method, zero_method)


def _midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; what ties shares the mean of its ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: FloatArray = (last - (counts - 1) / 2)[place]
    return ranks


def _exact_p(ranks: FloatArray, statistic: float) -> float:
    """P(sum of the ranks with a random sign above 0 >= statistic); midranks are whole when doubled."""
    doubled: NDArray[np.int64] = np.round(2 * ranks).astype(np.int64)
    chance = np.zeros(int(doubled.sum()) + 1)
    chance[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[: len(chance) - rank]
        chance = (chance + shifted) / 2
    return min(1.0, float(chance[round(2 * statistic) :].sum()))


def _normal_p(ranks: FloatArray, statistic: float) -> float:
    spread = math.sqrt(float(np.sum(ranks**2))) / 2
    return math.erfc((statistic - float(ranks.sum()) / 2) / spread / math.sqrt(2)) / 2
