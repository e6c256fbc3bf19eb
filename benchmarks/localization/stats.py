"""Figures with their uncertainty: area under the curve, paired tests, confidence intervals over patients."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
DRAWS = 9999
_RESAMPLES = 2000


def auc(scores: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counted half; nan without positives or without negatives."""
    n, p = int((~positive).sum()), int(positive.sum())
    if not n or not p:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - p * (p + 1) / 2) / (n * p))


def interval(
    groups: Sequence[Any], statistic: Callable[[npt.NDArray[np.intp]], float], draws: int = _RESAMPLES
) -> tuple[float, float, float]:
    """A statistic with its 95% percentile interval, bootstrapped over groups (patients, studies).

    Args:    groups: of each item; statistic: of the items at some indices; resamples where it is nan are left out.
    """
    members: dict[Any, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    parts = [np.array(part, np.intp) for part in members.values()]
    random = np.random.default_rng(0)
    picks = (random.integers(len(parts), size=len(parts)) for _ in range(draws))
    drawn = [statistic(np.concatenate([parts[i] for i in pick])) for pick in picks]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return statistic(np.arange(len(groups))), float(low), float(high)


def p_no_better(ours: Floats, floor: Floats, draws: int = DRAWS) -> float:
    """One-sided sign-flip test of paired scores (N,), (k + 1) / (draws + 1)."""
    difference = ours - floor
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (draws, len(difference)))
    # The slack keeps a draw that equals what was seen from being lost to rounding.
    reached = signs @ difference >= difference.sum() - 1e-9
    return float((reached.sum() + 1) / (draws + 1))


def by_group(values: Floats, groups: Sequence[Any]) -> Floats:
    """Sums of the values of each group, for tests over patients."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(index, weights=values)


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted for their number. Source: Holm 1979."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(np.asarray(p)[order] * (len(p) - np.arange(len(p)))))
    return [float(value) for value in adjusted]
