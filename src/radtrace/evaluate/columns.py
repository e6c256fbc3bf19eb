"""What a metric is called in a table, and where it stands: clinical columns before language."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from radtrace.errors import InputError, did_you_mean

Group = Literal["Clinical", "Consistency", "Reasoning", "Answers", "Other", "Language"]
GROUPS: tuple[Group, ...] = ("Clinical", "Consistency", "Reasoning", "Answers", "Other", "Language")
"""In the order in which they stand."""

_GROUPS: tuple[tuple[str, Group], ...] = (
    (r"bleu|rouge|meteor|cider|bertscore|sacrebleu", "Language"),
    (r"gen$|gen_|grd|sem$|sem_|ssim|iou|grounding|consistency", "Consistency"),
    (r"radrscore|relevance|correctness|reasoning|step", "Reasoning"),
    (r"vqa", "Answers"),
    (
        r"chex|label|nih|gold|radgraph|rate|green|gema|radcliq|radfact|prior|sensitivity|specificity|f1|precision|"
        r"recall|false|normal|positive|micro|macro|error_counts",
        "Clinical",
    ),
)
"""How a metric's name begins -> its group; the first that fits."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. metrics: names, the first one that was scored is shown; title, group: its heading."""

    metrics: tuple[str, ...]
    title: str
    group: str


def group(metric: str) -> Group:
    """The group that a metric's name says."""
    return next((name for pattern, name in _GROUPS if re.match(rf"({pattern})", metric)), "Other")


def ordered(metrics: Iterable[str]) -> list[str]:
    """Metrics with the clinical ones first, in the order given within a group."""
    return sorted(metrics, key=lambda metric: GROUPS.index(group(metric)))


def _titled(heading: str, *columns: tuple[str, tuple[str, ...]]) -> tuple[Column, ...]:
    return tuple(Column(names, title, heading) for title, names in columns)


_BLEU = tuple((f"B-{n}", (f"bleu_{n}",)) for n in range(1, 5))
_METEOR = ("MTR", ("meteor", "meteor_nltk", "meteor_nltk_nosyn"))
_ROUGE = ("R-L", ("rouge_l",))
_RADGRAPH = tuple((f"RG_{kind}", (f"radgraph_{kind}",)) for kind in ("e", "er", "ber"))


def _labels(average: str, classes: int) -> tuple[str, tuple[str, ...]]:
    ending = "_top5" if classes == 5 else ""
    return f"{average.title()}-{classes}", tuple(f"{by}_{average}_f1{ending}" for by in ("chexbert", "chexpert_rules"))


def _radrscore(part: str = "") -> tuple[str, ...]:
    return tuple(f"radrscore_{judge}{part}" for judge in ("llm", "rules"))


SHAPES: dict[str, tuple[Column, ...]] = {
    "mmrad2": _titled("CE", *_RADGRAPH) + _titled("NLG", *_BLEU, _METEOR, _ROUGE),
    "mmrad3": _titled("CE", *_RADGRAPH[1:])
    + _titled(
        "Consist.",
        ("Gen.", ("gen",)),
        ("Sem.", ("sem",)),
        ("Grd.", ("grd",)),
    )
    + _titled("NLG", _BLEU[0], _METEOR, _ROUGE),
    "deepmedix": _titled(
        "Clinical",
        *(_labels(average, classes) for classes in (5, 14) for average in ("micro", "macro")),
        ("RadGraph", ("radgraph_er",)),
    )
    + _titled("Language", *_BLEU, _METEOR, _ROUGE),
    "chestx-reasoner": _titled(
        "Reasoning",
        ("Factuality", _radrscore("_factuality")),
        ("Completeness", _radrscore("_completeness")),
        ("Effectiveness", _radrscore("_effectiveness")),
        ("RadRScore", _radrscore()),
    )
    + _titled("Outcome", ("Accuracy", ("vqa_accuracy",)), ("RaTEScore", ("ratescore",))),
}
"""Columns of the papers' result tables, clinical ones moved to the front."""

_FIGURES = {"Sensitivity": "sensitivity", "Specificity": "specificity", "F1": "f1"}
_OF_CLASS = re.compile(rf"(.+)_({'|'.join(_FIGURES.values())})_(.+)")


def of_classes(metrics: Iterable[str]) -> dict[str, tuple[Column, ...]]:
    """The columns of each class of which sensitivity, specificity and F1 were scored, by "class (labeller)"."""
    every = list(metrics)
    found: dict[str, tuple[Column, ...]] = {}
    for match in filter(None, map(_OF_CLASS.fullmatch, every)):
        labeller, _, ending = match.groups()
        names = {title: f"{labeller}_{figure}_{ending}" for title, figure in _FIGURES.items()}
        if all(name in every for name in names.values()):
            title = f"{ending.replace('_', ' ').title()} ({labeller})"
            found[title] = tuple(Column((name,), heading, "") for heading, name in names.items())
    return found


def chosen(every: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The metrics that are shown: those of the patterns (`bleu_*`) in their order; without any, clinical ones first.

    Without patterns the figures of single classes, of which there are dozens, are left out.

    Raises:  InputError for a pattern that fits no metric.
    """
    if not patterns:
        single = {name for columns in of_classes(every).values() for column in columns for name in column.metrics}
        return [name for name in ordered(every) if name not in single]
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in every if fnmatchcase(name, pattern)]
        if not fitting:
            raise InputError(f"no file has the metric {pattern!r}: {did_you_mean(pattern, every)}")
        found |= dict.fromkeys(fitting)
    return list(found)
