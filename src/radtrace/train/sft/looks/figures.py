"""What is told of the reports of a look: how many differ, how long they are, and whether they say what they should."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from radtrace.findings import findings_of
from radtrace.metrics.clinical.gold import Gold, GoldLabels
from radtrace.metrics.clinical.label_scores import f1
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import PRESETS
from radtrace.records import Report

_PRESET = PRESETS["r2gen"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is told of one study's findings. present: those that are there, surest first; absent: all others."""

    present: tuple[str, ...]
    absent: tuple[str, ...]


def figures_of(
    studies: Sequence[str], reports: Sequence[Report], told: Sequence[Told] | None, gold: Gold | None
) -> dict[str, float]:
    """Figures of a look's reports.

    Returns: `different_reports`, how many; `report_words`, on average; `f1_said_of_told`, micro F1 of the findings that
        our rules read as present in a report against those that the model was told are there: whether it writes what
        it is told, nothing of what is on the film; `f1_gold_nih14` (or `_chexpert`), micro F1 of the file's labels.
        Without one that is undefined, since nothing is present in either.

    Args:    told: of each study; None for a model that is told nothing.
    """
    texts = [f"{report.findings}\n{report.impression}".strip() for report in reports]
    figures = {
        "different_reports": float(len(set(texts))),
        "report_words": fmean(len(text.split()) for text in texts),
        "f1_said_of_told": _said_of_told(texts, told) if told else None,
    }
    if gold:
        pairs = [Pair(study, text, None) for study, text in zip(studies, texts, strict=True)]
        values = {score.name: score.value for score in GoldLabels(gold)(pairs, _PRESET)}
        figures[f"f1_gold_{gold.scheme}"] = values["gold_micro_f1"]
    return {name: value for name, value in figures.items() if value is not None}


def _said_of_told(texts: Sequence[str], told: Sequence[Told]) -> float | None:
    """None where no finding is said and none was told; one that the model is never told of does not count."""
    counts = np.zeros(3)
    for text, each in zip(texts, told, strict=True):
        said = {finding.label for finding in findings_of(text) if finding.status == "present"}
        there = set(each.present)
        counts += len(said & there), len(said & set(each.absent)), len(there - said)
    return float(f1(counts)) if counts.any() else None
