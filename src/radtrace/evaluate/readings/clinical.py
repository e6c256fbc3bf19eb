"""The headline: what is present, against given labels, and what the same reports are worth on other films."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.anatomy import FINDINGS
from radtrace.evaluate.readings.beside import Figure, figure, scores_of
from radtrace.findings import findings_of
from radtrace.metrics.clinical.gold import Gold, GoldLabels
from radtrace.metrics.clinical.label_scores import NOT_PRESENT, PRESENT
from radtrace.metrics.clinical.rules import SCHEMES, labels_of
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score
from radtrace.reports import has_words

HEADLINE = (
    "gold_f1_not_normal",
    "gold_macro_f1_not_normal",
    "gold_false_alarms_on_normal",
    "gold_micro_f1",
    "gold_macro_f1_supported",
)
DEALS = 2000
_DEVICES = "Support Devices"
BoolArray = npt.NDArray[np.bool_]


def gold_scores(pairs: Sequence[Pair], preset: Preset, gold: Gold) -> dict[str, Score]:
    """Every score against the labels, and the macro F1 of the studies that are not normal."""
    others = replace(gold, rows={name: row for name, row in gold.rows.items() if name not in gold.normal})
    macro = scores_of(pairs, (), preset, GoldLabels(others))["gold_macro_f1_supported"]
    name = "gold_macro_f1_not_normal"
    signed = f"{name}|{macro.signature.split('|', 1)[1]}"
    return {**scores_of(pairs, (), preset, GoldLabels(gold)), name: replace(macro, name=name, signature=signed)}


def of_classes(own: Mapping[str, Score], names: Sequence[str]) -> dict[str, dict[str, Figure]]:
    """Sensitivity, specificity and F1 of each class."""
    kinds = ("sensitivity", "specificity", "f1")
    return {name: {kind: figure(own[f"gold_{kind}_{name.lower()}"], {}) for kind in kinds} for name in names}


def dealt_exactly(pairs: Sequence[Pair], gold: Gold, seed: int = 0) -> dict[str, Any]:
    """The same reports on other films, dealt many times: what they reach, and p that ours are no better placed.

    One-sided permutation test: of micro F1 on the studies that are not normal (higher), and of false alarms on normal
    ones (lower). Uncertain counts as absent, a failed prediction as one that says nothing.
    """
    known = [pair for pair in pairs if pair.id in gold.rows]
    said = labels_of([pair.predicted for pair in known], gold.scheme) == PRESENT
    wanted = np.array([gold.rows[pair.id] for pair in known], np.int8).reshape(said.shape) != NOT_PRESENT
    normal = np.array([pair.id in gold.normal for pair in known], bool)
    if not len(known):
        return {}
    rng = np.random.default_rng(seed)
    own = _placed(said, wanted, normal)
    dealt = np.array([_placed(said[rng.permutation(len(known))], wanted, normal) for _ in range(DEALS)])
    names = ("f1_not_normal", "false_alarms_on_normal")
    better = (dealt[:, 0] >= own[0], dealt[:, 1] <= own[1])
    return {
        name: {
            "value": own[at],
            "dealt_mean": float(dealt[:, at].mean()),
            "p": (int(better[at].sum()) + 1) / (DEALS + 1),
        }
        for at, name in enumerate(names)
    } | {"deals": DEALS, "classes": len(SCHEMES[gold.scheme])}


def _placed(said: BoolArray, wanted: BoolArray, normal: BoolArray) -> tuple[float, float]:
    """Micro F1 where not normal, and the share of normal studies with any finding; 0 where there is nothing."""
    right, claimed, there = (each[~normal].sum() for each in (said & wanted, said, wanted))
    f1 = 2 * right / (claimed + there) if claimed + there else 0.0
    return float(f1), float(said[normal].any(1).mean()) if normal.any() else 0.0


def any_alarm(texts: Mapping[str, str], normal: Sequence[str]) -> float | None:
    """Share of normal studies in whose report our rules read any present finding at all, devices aside.

    A report without words is a failure and an alarm, as in `gold_false_alarms_on_normal`.

    Args:    texts: study -> report; a study that is not among them is in no denominator.
    Returns: None without such a study.
    """
    said = [texts[study] for study in normal if study in texts]
    return sum(map(_alarms, said)) / len(said) if said else None


def _alarms(text: str) -> bool:
    found = [each.label for each in findings_of(text) if each.status == "present"]
    return not has_words(text) or any(FINDINGS[label].chexpert != _DEVICES for label in found)
