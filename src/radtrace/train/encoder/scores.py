"""How well findings are told: AUROC with intervals, calibration, thresholds by false positives on normal studies."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from radtrace.anatomy import FINDINGS
from radtrace.models.encoder import ABNORMAL
from radtrace.train.encoder.targets import LIKELY

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_RIDGE = 2.0
"""How strongly a label's calibration is held at doing nothing: a few positives settle little."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Logits of N studies beside what is known of them.

    logits: (N, L); truth, known: bool (N, L). What is uncertain is unknown here.
    """

    labels: tuple[str, ...]
    logits: Floats
    truth: Bools
    known: Bools

    @classmethod
    def of(cls, labels: tuple[str, ...], logits: Floats, values: Floats, known: Bools) -> "Judged":
        """values: (N, L) in [0, 1], as in `Targets`."""
        return cls(labels, logits, values >= LIKELY, known & ((values >= LIKELY) | (values == 0)))

    def column(self, label: str) -> tuple[Floats, Bools]:
        """Logits and truth of the studies of which this label is known."""
        at = self.labels.index(label)
        rows = self.known[:, at]
        return self.logits[rows, at], self.truth[rows, at]

    def enough(self, least: int) -> tuple[str, ...]:
        """Labels with as many positives and negatives."""
        return tuple(name for name in self.labels if _supports(*self.column(name)) >= least)

    def taken(self, rows: npt.NDArray[np.intp]) -> "Judged":
        """Some of the studies."""
        return Judged(self.labels, self.logits[rows], self.truth[rows], self.known[rows])


def _supports(_: Floats, truth: Bools) -> int:
    return int(min(truth.sum(), (~truth).sum()))


def auroc(scores: Floats, truth: Bools) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney); nan without both."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = stats.rankdata(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def mean_auroc(judged: Judged, labels: Sequence[str]) -> float:
    """Over the labels that have both positives and negatives; nan without any."""
    values = [auroc(*judged.column(name)) for name in labels]
    return float(np.nanmean(values)) if values and not np.isnan(values).all() else float("nan")


def interval(judged: Judged, labels: Sequence[str], resamples: int, seed: int = 0) -> tuple[float, float]:
    """95% percentile bootstrap interval of `mean_auroc` over studies; nan where it is."""
    rng = np.random.default_rng(seed)
    count = len(judged.logits)
    if np.isnan(mean_auroc(judged, labels)):
        return float("nan"), float("nan")
    draws = [mean_auroc(judged.taken(rng.integers(0, count, count)), labels) for _ in range(resamples)]
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return float(low), float(high)


def calibration(judged: Judged) -> dict[str, tuple[float, float]]:
    """Label -> (slope, intercept) of the line from logit to calibrated logit (Platt 1999), its slope held near 1."""
    return {name: _platt(*judged.column(name)) for name in judged.labels}


def _platt(logits: Floats, truth: Bools) -> tuple[float, float]:
    def loss(line: Floats) -> float:
        sure = np.exp(line[0]) * logits + line[1]
        return float(np.logaddexp(0, np.where(truth, -sure, sure)).sum() + _RIDGE * line[0] ** 2)

    if not truth.any() or truth.all():
        return 1.0, 0.0
    found = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(found[0])), float(found[1])


def probabilities(judged: Judged, lines: Mapping[str, tuple[float, float]]) -> Floats:
    """Calibrated, (N, L)."""
    slopes, intercepts = (np.array([lines[name][at] for name in judged.labels]) for at in (0, 1))
    sure: Floats = 1 / (1 + np.exp(-(judged.logits * slopes + intercepts)))
    return sure


def reliability(judged: Judged, sure: Floats, bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean probability, share that is true, count) of bins of equal width over all known pairs of study and label."""
    values, truth = sure[judged.known], judged.truth[judged.known]
    place = np.minimum((values * bins).astype(int), bins - 1)
    return [
        (float(values[place == b].mean()), float(truth[place == b].mean()), int((place == b).sum()))
        for b in range(bins)
        if (place == b).any()
    ]


def calibration_error(curve: Sequence[tuple[float, float, int]]) -> float:
    """Expected calibration error of `reliability` (Naeini et al. 2015)."""
    total = sum(count for _, _, count in curve)
    return sum(abs(said - true) * count for said, true, count in curve) / total


def thresholds(judged: Judged, false_positives: float) -> dict[str, float]:
    """Label -> the logit that this share of the normal studies exceeds, each label for itself; inf without any."""
    normal = normals(judged)
    if not len(normal):
        return dict.fromkeys(judged.labels, math.inf)
    quantiles = np.quantile(normal, 1 - false_positives, axis=0)
    return dict(zip(judged.labels, quantiles.tolist(), strict=True))


def joint_thresholds(judged: Judged, labels: Sequence[str], false_positives: float) -> tuple[float, dict[str, float]]:
    """As `thresholds`, at the largest share a label at which all these labels together accuse this share of normals."""
    columns = [judged.labels.index(name) for name in labels]
    normal = normals(judged)[:, columns]
    if not len(normal):
        return 0.0, dict.fromkeys(labels, math.inf)
    ordered = np.sort(normal, axis=0)
    best = ordered[-1]
    share = 0.0
    for row in range(len(ordered) - 1, -1, -1):
        if (normal > ordered[row]).any(1).mean() > false_positives:
            break
        best, share = ordered[row], 1 - (row + 1) / len(ordered)
    return share, dict(zip(labels, best.tolist(), strict=True))


def normals(judged: Judged) -> Floats:
    """Logits of the studies that are known to be normal."""
    at = judged.labels.index(ABNORMAL)
    return judged.logits[judged.known[:, at] & ~judged.truth[:, at]]


def against_normal(judged: Judged, label: str) -> float:
    """AUROC of positives against normal studies alone."""
    logits, truth = judged.column(label)
    normal = normals(judged)[:, judged.labels.index(label)]
    return auroc(np.concatenate([logits[truth], normal]), np.arange(truth.sum() + len(normal)) < truth.sum())


def findings_of(judged: Judged, least: int) -> tuple[str, ...]:
    """The findings, no sums and no sides, with as many positives and negatives."""
    return tuple(name for name in judged.enough(least) if name in FINDINGS)
