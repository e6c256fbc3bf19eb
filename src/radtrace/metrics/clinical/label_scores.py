"""Labels of predictions beside labels of references: F1, sensitivity, specificity, normal studies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.scores import FloatArray, Score, divided, mean_score, ratio, signature, summed_score

LabelArray = NDArray[np.int8]
BoolArray = NDArray[np.bool_]

PRESENT, NOT_PRESENT, UNCERTAIN = 1, 0, -1
NO_FINDING = "No Finding"
DEVICES = "Support Devices"
TOP5 = ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion")
"""The five classes of CheXbert's and the CheXpert competition's averages."""
SUPPORT = 10
"""Reference positives that a class needs for the average that is compared between models."""
_TP, _FP, _FN, _TN, _NEGATIVE = range(5)


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a labeller read.

    labeller: the name that its scores begin with; names: of the C classes.
    predicted, wanted: (N, C) of PRESENT, NOT_PRESENT (absent or not mentioned), UNCERTAIN.
    scored, failed: (N,) of the pairs, as `Pair` has them.
    normal: (N,) which studies are normal; None where the class "No Finding" of the references says it.
    """

    labeller: str
    names: Sequence[str]
    predicted: LabelArray
    wanted: LabelArray
    scored: BoolArray
    failed: BoolArray
    normal: BoolArray | None = None

    @property
    def normals(self) -> BoolArray | None:
        """(N,) the scored normal studies; None where nothing says which they are."""
        if self.normal is not None:
            return self.scored & self.normal
        if NO_FINDING not in self.names:
            return None
        given: BoolArray = self.scored & (self.wanted[:, self.names.index(NO_FINDING)] == PRESENT)
        return given


def label_scores(
    labels: Labelled,
    uncertain: Literal["present", "absent", "ignored"],
    macro: Literal["occurring", "all"],
    **settings: object,
) -> list[Score]:
    """Micro and macro F1 over all and over five classes, then each class, then normal and other studies; all 0-1.

    A failed prediction misses what is there, keeps nothing of what is not, and is a false alarm on a normal study. A
    pair's own value is the F1 of its label sets; of a class 1 or 0 where the figure sees the pair, else None.

    Args:    uncertain: what an uncertain label counts as; "ignored" leaves that cell out.
        macro: whether a class that never occurs counts as an F1 of 0 ("all", as scikit-learn and F1CheXbert have it).
        settings: further parts of the signatures.
    """
    said = {**settings, "uncertain": uncertain}
    counts = _counts(labels, uncertain)
    return [
        *_averages(labels, counts, macro, said),
        *_abnormal_and_normal(labels, counts, said),
        *(score for index in range(len(labels.names)) for score in _of_class(labels, counts, index, said)),
    ]


def _counts(labels: Labelled, uncertain: str) -> FloatArray:
    """(N, C, 5): true positive, false positive, false negative, true negative, negative; zero where unscored."""
    known = labels.scored[:, None] & np.ones(labels.wanted.shape, bool)
    if uncertain == "ignored":
        known &= (labels.wanted != UNCERTAIN) & ((labels.predicted != UNCERTAIN) | labels.failed[:, None])
    positive = (PRESENT, UNCERTAIN) if uncertain == "present" else (PRESENT,)
    wanted = np.isin(labels.wanted, positive)
    predicted = np.isin(labels.predicted, positive) & ~labels.failed[:, None]
    kept = ~predicted & ~labels.failed[:, None]
    columns = (wanted & predicted, ~wanted & predicted, wanted & ~predicted, ~wanted & kept, ~wanted)
    return np.stack([known & column for column in columns], axis=-1).astype(np.float64)


def _averages(labels: Labelled, counts: FloatArray, macro: str, said: dict[str, object]) -> list[Score]:
    columns = counts[..., :3].reshape(len(counts), 3 * len(labels.names))
    kinds = {"": labels.names, "_top5": [name for name in labels.names if name in TOP5]}
    scores = []
    for suffix, names in kinds.items():
        classes = [labels.names.index(name) for name in names]
        values = _per_sample(f1(counts[:, classes].sum(axis=1)), labels.scored, labels.failed)
        corpora = {
            "micro_f1": partial(micro_f1, classes=classes),
            "macro_f1": partial(macro_f1, classes=classes, absent=0.0 if macro == "all" else np.nan),
        }
        if not suffix:
            corpora["macro_f1_supported"] = partial(macro_f1, classes=classes, absent=np.nan, support=SUPPORT)
        for kind, corpus in corpora.items():
            name = f"{labels.labeller}_{kind}{suffix}"
            average = {"macro_f1": macro, "macro_f1_supported": f"support>={SUPPORT}"}.get(kind)
            signed = signature(name, classes=len(classes), **({"macro": average} if average else {}), **said)
            scores.append(summed_score(name, values, signed, columns, corpus))
    return scores


def _per_sample(values: FloatArray, scored: BoolArray, failed: BoolArray) -> list[float | None]:
    """The F1 of each pair's label sets: 1 where both are empty, 0 where the prediction failed."""
    filled = np.where(failed, 0.0, np.where(np.isnan(values), 1.0, values))
    return [value if known else None for value, known in zip(filled.tolist(), scored.tolist(), strict=True)]


def f1(counts: FloatArray) -> FloatArray:
    """F1 of counts (..., 3 or more): true positives, false positives, false negatives; NaN where all are 0."""
    return divided(2 * counts[..., _TP], 2 * counts[..., _TP] + counts[..., _FP] + counts[..., _FN])


def micro_f1(sums: FloatArray, classes: Sequence[int]) -> FloatArray:
    """F1 of the classes' counts taken together, of statistics (..., 3C)."""
    return f1(_by_class(sums)[..., classes, :].sum(axis=-2))


def macro_f1(sums: FloatArray, classes: Sequence[int], absent: float, support: int = 0) -> FloatArray:
    """Mean F1 of the classes with enough positives in the references; one that never occurs counts as `absent`."""
    counts = _by_class(sums)[..., classes, :]
    values = f1(counts)
    values = np.where(np.isnan(values), absent, values)
    enough = ~np.isnan(values) & (counts[..., _TP] + counts[..., _FN] >= support)
    return divided(np.where(enough, values, 0.0).sum(axis=-1), enough.sum(axis=-1).astype(np.float64))


def _by_class(sums: FloatArray) -> FloatArray:
    return sums.reshape(*sums.shape[:-1], -1, 3)


def _of_class(labels: Labelled, counts: FloatArray, index: int, said: dict[str, object]) -> list[Score]:
    """F1, sensitivity and specificity of one class."""
    of_class, name = counts[:, index], labels.names[index]
    ending = name.lower().replace(" ", "_")
    scores = []
    for figure, seen, right in (
        ("f1", of_class[:, :3].sum(axis=-1), _TP),
        ("sensitivity", of_class[:, _TP] + of_class[:, _FN], _TP),
        ("specificity", of_class[:, _NEGATIVE], _TN),
    ):
        full = f"{labels.labeller}_{figure}_{ending}"
        hits = of_class[:, right].tolist()
        values = [hit if sees else None for hit, sees in zip(hits, seen.tolist(), strict=True)]
        statistics = of_class[:, :3] if figure == "f1" else np.stack([of_class[:, right], seen], axis=-1)
        signed = signature(full, **said)
        scores.append(summed_score(full, values, signed, statistics, f1 if figure == "f1" else ratio))
    return scores


def _abnormal_and_normal(labels: Labelled, counts: FloatArray, said: dict[str, object]) -> list[Score]:
    """F1 over the findings of studies that are not normal, and how many normal ones are called abnormal."""
    normal = labels.normals
    if normal is None:
        return []
    others = labels.scored & ~normal
    findings = [index for index, name in enumerate(labels.names) if name != NO_FINDING]
    alarming = [index for index in findings if labels.names[index] != DEVICES]
    statistics = counts[:, findings, :3].sum(axis=1) * others[:, None]
    values = _per_sample(f1(statistics), others, labels.failed)
    abnormal, alarms = (f"{labels.labeller}_{ending}" for ending in ("f1_not_normal", "false_alarms_on_normal"))
    alarmed = (counts[:, alarming, _FP].any(axis=1) | labels.failed).astype(np.float64).tolist()
    false = [alarm if known else None for alarm, known in zip(alarmed, normal.tolist(), strict=True)]
    return [
        summed_score(abnormal, values, signature(abnormal, classes=len(findings), **said), statistics, f1),
        mean_score(alarms, false, signature(alarms, better="lower", **said)),
    ]
