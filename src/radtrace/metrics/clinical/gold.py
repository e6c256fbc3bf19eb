"""Predictions beside labels that were given: our rules read the prediction only, never the reference."""

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from radtrace.errors import InputError
from radtrace.metrics.clinical.label_scores import (
    NO_FINDING,
    NOT_PRESENT,
    PRESENT,
    SUPPORT,
    UNCERTAIN,
    Labelled,
    label_scores,
)
from radtrace.metrics.clinical.rules import SCHEMES, Scheme, labels_of
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset, Uncertain
from radtrace.metrics.scores import Score

IDS = ("id", "uid", "study_id")
"""Columns that may hold the id; the first of these that a file has does."""
NORMAL = "normal"
"""The column, if there is one, that says which studies are normal."""
_LEFT_OUT = frozenset({"gold_macro_f1", "gold_micro_f1_top5", "gold_macro_f1_top5"})
_GIVEN = {"0": NOT_PRESENT, "0.0": NOT_PRESENT, "1": PRESENT, "1.0": PRESENT}
_GIVEN_CHEXPERT = {**_GIVEN, "": NOT_PRESENT, "-1": UNCERTAIN, "-1.0": UNCERTAIN}
"""CheXpert's own files leave blank what is not mentioned, and write -1 for uncertain."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A file of given labels.

    scheme: whose 14 classes; rows: id -> the labels in the order of `SCHEMES`; normal: the ids of normal studies.
    normal_by: "column", "no_finding" (that class of CheXpert), or "none_of_14" where the file does not say.
    """

    sha256: str
    scheme: Scheme
    rows: dict[str, tuple[int, ...]]
    normal: frozenset[str]
    normal_by: str


def read_gold(path: Path) -> Gold:
    """Labels of a CSV: an id (`IDS`), the 14 columns of NIH or of CheXpert as 0 or 1, perhaps `normal`.

    Raises:  InputError naming file and line for a header without these, another value, a doubled id, no CSV in UTF-8.
    """
    try:
        content = path.read_bytes()
        lines = csv.reader(content.decode("utf-8-sig").splitlines())
        header = [name.strip() for name in next(lines, [])]
        cells = [(f"{path}: line {lines.line_num}", [cell.strip() for cell in row]) for row in lines if row]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not CSV in UTF-8") from error
    scheme, key = _scheme(path, header), _key(path, header)
    rows: dict[str, tuple[int, ...]] = {}
    normal = set()
    for where, given in cells:
        if len(given) != len(header):
            raise InputError(f"{where}: {len(given)} cells under {len(header)} columns")
        row = dict(zip(header, given, strict=True))
        name = row[key]
        if not name or name in rows:
            raise InputError(f"{where}: doubled id {name!r}" if name else f"{where}: no id")
        rows[name] = _labels(row, scheme, where)
        if _is_normal(row, rows[name], scheme, where):
            normal.add(name)
    by = "column" if NORMAL in header else "no_finding" if scheme == "chexpert" else "none_of_14"
    return Gold(hashlib.sha256(content).hexdigest(), scheme, rows, frozenset(normal), by)


def _scheme(path: Path, header: Sequence[str]) -> Scheme:
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise InputError(f"{path}: doubled column {doubled[0]!r}")
    lacking = {scheme: [name for name in names if name not in header] for scheme, names in SCHEMES.items()}
    scheme = min(lacking, key=lambda one: len(lacking[one]))
    if lacking[scheme]:
        raise InputError(f"{path}: lacks columns of the 14 classes of {scheme}: {', '.join(lacking[scheme])}")
    return scheme


def _key(path: Path, header: Sequence[str]) -> str:
    found = next((name for name in IDS if name in header), None)
    if found is None:
        raise InputError(f"{path}: no column of ids: one of {', '.join(IDS)}")
    return found


def _labels(row: dict[str, str], scheme: Scheme, where: str) -> tuple[int, ...]:
    codes = _GIVEN_CHEXPERT if scheme == "chexpert" else _GIVEN
    for name in SCHEMES[scheme]:
        if row[name] not in codes:
            raise InputError(f"{where}: {name} is not {'0, 1, -1 or blank' if scheme == 'chexpert' else '0 or 1'}")
    return tuple(codes[row[name]] for name in SCHEMES[scheme])


def _is_normal(row: dict[str, str], labels: Sequence[int], scheme: Scheme, where: str) -> bool:
    if NORMAL in row:
        if row[NORMAL] not in _GIVEN:
            raise InputError(f"{where}: {NORMAL} is not 0 or 1")
        return _GIVEN[row[NORMAL]] == PRESENT
    if scheme == "chexpert":
        return labels[SCHEMES[scheme].index(NO_FINDING)] == PRESENT
    return PRESENT not in labels


@dataclass(slots=True)
class GoldLabels:
    """The metric of a file of labels, and what it has seen so far.

    A pair counts where its id has labels, whether or not its reference has words.

    uncertain: what an uncertain label counts as; None: absent beside NIH's classes, as in the gold standard published
        with NegBio, whose labels leave "may be" out; the preset's beside CheXpert's.
    n, failed, missing: pairs with labels, those of them without a prediction, pairs without labels.
    positives: of each class, over the pairs with labels; normals: normal studies among them.
    """

    gold: Gold
    uncertain: Uncertain | None = None
    n: int = 0
    failed: int = 0
    missing: int = 0
    normals: int = 0
    positives: Counter[str] = field(default_factory=Counter)

    def __call__(self, pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        """Micro F1, macro F1 of classes with support, F1 where not normal, false alarms on normals, each class."""
        gold, names = self.gold, SCHEMES[self.gold.scheme]
        nothing = (NOT_PRESENT,) * len(names)
        labels = Labelled(
            "gold",
            names,
            labels_of([pair.predicted if pair.id in gold.rows else "" for pair in pairs], gold.scheme),
            np.array([gold.rows.get(pair.id, nothing) for pair in pairs], np.int8).reshape(-1, len(names)),
            np.array([pair.id in gold.rows for pair in pairs], bool),
            np.array([pair.failed for pair in pairs], bool),
            np.array([pair.id in gold.normal for pair in pairs], bool),
        )
        uncertain = self.counted_as(preset)
        self._tally(labels, uncertain)
        said = {"labeller": f"radtrace.findings/{gold.scheme}", "gold": f"sha256-{gold.sha256}"}
        scores = label_scores(labels, uncertain, "occurring", **said, normal=gold.normal_by)
        return [score for score in scores if score.name not in _LEFT_OUT]

    def counted_as(self, preset: Preset) -> Uncertain:
        """What an uncertain label counts as."""
        return self.uncertain or ("absent" if self.gold.scheme == "nih14" else preset.uncertain)

    def _tally(self, labels: Labelled, uncertain: Uncertain) -> None:
        wanted = labels.wanted[labels.scored]
        positive = np.isin(wanted, (PRESENT, UNCERTAIN) if uncertain == "present" else (PRESENT,))
        self.positives.update(dict(zip(labels.names, positive.sum(axis=0).tolist(), strict=True)))
        self.n += len(wanted)
        self.failed += int((labels.scored & labels.failed).sum())
        self.missing += int((~labels.scored).sum())
        self.normals += 0 if labels.normals is None else int(labels.normals.sum())

    @property
    def supported(self) -> list[str]:
        """The classes with enough positives to stand in the macro F1."""
        return [name for name, count in self.positives.items() if count >= SUPPORT]
