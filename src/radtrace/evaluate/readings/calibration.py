"""Is the stated confidence true: reliability, calibration error and Brier score of each finding's probability."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.anatomy import FINDINGS
from radtrace.findings import NIH14
from radtrace.metrics.clinical.gold import Gold
from radtrace.metrics.scores import FloatArray, divided
from radtrace.metrics.statistics.bootstrap import Interval, corpus_interval
from radtrace.records import Study, Trace
from radtrace.reports import has_words
from radtrace.train.encoder.targets import LIKELY, OMITTED, read_study

BINS = 10
SUPPORT = 10
_RESAMPLES = 1000
_COUNT, _SAID, _TRUE = range(3)
_CLASSES = tuple(name for name in NIH14 if name not in OMITTED)
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stated:
    """Probabilities of N studies beside what is known of them.

    probabilities: (N, L), NaN where a finding was not assessed. truth, known: bool (N, L).
    """

    names: tuple[str, ...]
    probabilities: FloatArray
    truth: BoolArray
    known: BoolArray

    @property
    def judged(self) -> BoolArray:
        """(N, L) what can be judged."""
        assessed: BoolArray = ~np.isnan(self.probabilities)
        return self.known & assessed


def against_gold(traces: Mapping[str, Trace], gold: Gold) -> Stated:
    """The gold file's classes: a class is as probable as the most probable of the findings that it covers."""
    ids = [study for study in traces if study in gold.rows]
    said = np.full((len(ids), len(_CLASSES)), np.nan)
    for row, study in enumerate(ids):
        for each in traces[study].assessments:
            name = FINDINGS[each.label].nih14 if each.label in FINDINGS else None
            if name in _CLASSES and each.probability is not None:
                said[row, _CLASSES.index(name)] = np.nanmax([said[row, _CLASSES.index(name)], each.probability])
    columns = [NIH14.index(name) for name in _CLASSES]
    truth = np.array([[gold.rows[study][column] > 0 for column in columns] for study in ids], bool)
    truth = truth.reshape(-1, len(_CLASSES))
    return Stated(_CLASSES, said, truth, np.ones(truth.shape, bool))


def against_reports(traces: Mapping[str, Trace], studies: Sequence[Study]) -> Stated:
    """What our rules read in the radiologists' reports; uncertain mentions are unknown, silence is absence.

    Of a study whose report has no words nothing is known, whatever its labels say.
    """
    chosen = [study for study in studies if study.id in traces]
    names = tuple(FINDINGS)
    said, truth = np.full((len(chosen), len(names)), np.nan), np.zeros((len(chosen), len(names)), bool)
    known = np.ones(truth.shape, bool)
    for row, study in enumerate(chosen):
        for each in traces[study.id].assessments:
            if each.label in FINDINGS and each.probability is not None:
                said[row, names.index(each.label)] = each.probability
        if study.report is None or not has_words(study.report.findings + study.report.impression):
            known[row] = False
            continue
        for label, value in read_study(study, True, None).said.items():
            if label in FINDINGS:
                truth[row, names.index(label)] = value >= LIKELY
                known[row, names.index(label)] = value >= LIKELY or value == 0
    return Stated(names, said, truth, known)


def bins_of(stated: Stated, columns: Sequence[int]) -> FloatArray:
    """(N, 3 * BINS): for each study and bin of equal width how many findings, their probabilities, the true ones."""
    judged, said = stated.judged[:, columns], stated.probabilities[:, columns]
    place = np.minimum((np.where(judged, said, 0) * BINS).astype(int), BINS - 1)
    cells = [
        np.stack([inside.sum(1), (inside * np.where(judged, said, 0)).sum(1), (inside & truth).sum(1)], 1)
        for inside, truth in ((judged & (place == b), stated.truth[:, columns]) for b in range(BINS))
    ]
    return np.concatenate(cells, 1).astype(np.float64)


def calibration_error(sums: FloatArray) -> FloatArray:
    """Expected calibration error (Naeini et al. 2015) of sums (..., 3 * BINS)."""
    each = sums.reshape(*sums.shape[:-1], BINS, 3)
    return divided(np.abs(each[..., _SAID] - each[..., _TRUE]).sum(-1), each[..., _COUNT].sum(-1))


def curve(sums: FloatArray) -> list[tuple[float, float, int]]:
    """(mean probability, share that is true, count) of each bin with any, of sums (3 * BINS,)."""
    return [(float(s / n), float(t / n), int(n)) for n, s, t in sums.reshape(BINS, 3).tolist() if n]


def brier_rows(stated: Stated, columns: Sequence[int]) -> FloatArray:
    """(N, 3) squared errors of the probabilities, those of each finding's own prevalence, how many."""
    judged, truth = stated.judged[:, columns], stated.truth[:, columns]
    prevalence = divided((judged & truth).sum(0).astype(float), judged.sum(0).astype(float))
    errors = [
        (np.where(judged, each - truth, 0.0) ** 2).sum(1)
        for each in (np.nan_to_num(stated.probabilities[:, columns]), np.nan_to_num(prevalence)[None])
    ]
    return np.stack([*errors, judged.sum(1).astype(float)], 1)


def brier(sums: FloatArray) -> FloatArray:
    """Mean squared error (Brier 1950) of sums (..., 3)."""
    return divided(sums[..., 0], sums[..., 2])


def skill(sums: FloatArray) -> FloatArray:
    """1 - the error over that of stating each finding's prevalence every time; 0 says nothing, below it harms."""
    return 1 - divided(sums[..., 0], sums[..., 1])


def summary(stated: Stated) -> dict[str, Any]:
    """JSON-ready: all findings together, those with enough positives together and each alone, and the coverage."""
    everything = list(range(len(stated.names)))
    positives = (stated.judged & stated.truth).sum(0)
    supported = [column for column in everything if positives[column] >= SUPPORT]
    assessed = ~np.isnan(stated.probabilities)
    never = [name for column, name in enumerate(stated.names) if not assessed[:, column].any()]
    true = stated.known & stated.truth
    return {
        "studies": len(stated.probabilities),
        "assessed": float(assessed.mean()) if assessed.size else None,
        "never_assessed": never,
        "positives_assessed": float(assessed[true].mean()) if true.any() else None,
        "all": _figures(stated, everything),
        "supported": _figures(stated, supported),
        "findings": {stated.names[column]: _figures(stated, [column]) for column in supported},
    }


def _figures(stated: Stated, columns: Sequence[int]) -> dict[str, Any]:
    seen = stated.judged[:, columns].any(1)
    cells, errors = bins_of(stated, columns)[seen], brier_rows(stated, columns)[seen]
    if not len(cells):
        return {"judged": 0}
    said: dict[str, Any] = {"judged": int(cells[:, ::3].sum()), "positives": int(cells[:, 2::3].sum())}
    figures = {"ece": (cells, calibration_error), "brier": (errors, brier), "brier_skill": (errors, skill)}
    for name, (rows, corpus) in figures.items():
        bounds = corpus_interval(rows, corpus, resamples=_RESAMPLES)
        said[name] = {"value": _known(float(corpus(rows.sum(0)))), "ci": _plain(bounds)}
    said["mean_probability"] = float(cells[:, 1::3].sum() / cells[:, ::3].sum())
    return said | {"curve": curve(cells.sum(0))}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _plain(bounds: Interval | None) -> list[float] | None:
    return [bounds.low, bounds.high] if bounds else None
