"""What the encoder is to find: columns of findings, read from reports by our rules or given as labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from radtrace.anatomy import FINDINGS, REGIONS
from radtrace.findings import NIH14, annotate
from radtrace.metrics.clinical.gold import Gold
from radtrace.models.encoder import ABNORMAL, DEVICES
from radtrace.records import Finding, Report, Study

SIDES = ("right", "left")
_OTHER_SIDE = {"right": "left", "left": "right"}
LIKELY, UNCERTAIN = 0.8, 0.5
MINED = (0.1, 0.9)
"""What a label that was mined from an unpublished report is worth: absent, present."""
OMITTED = frozenset({"Hernia"})
"""Columns that the gold file leaves empty for every study."""


def _named_by(column: str) -> str:
    """The finding that a column of NIH's is about: the one of its name, else the first of its kind."""
    name = column.replace("_", " ")
    return name if name in FINDINGS else next(label for label, kind in FINDINGS.items() if kind.nih14 == column)


GOLD_OF: dict[str, str] = {_named_by(column): column for column in NIH14 if column not in OMITTED}
"""Finding -> the gold file's column that settles it."""

Said = Mapping[str, float]
"""Column -> how sure it is that it is there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one study.

    said: columns that something is known of; closed: whether all other columns are known to be absent.
    places: column -> the regions where it is.
    """

    said: Said
    closed: bool
    places: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Targets:
    """values: float32 (N, L) in [0, 1]; known: bool (N, L); readings: of the N studies."""

    labels: tuple[str, ...]
    values: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    readings: tuple[Reading, ...]


def read_study(study: Study, silent_is_absent: bool, gold: Gold | None) -> Reading:
    """A study's findings: by its report's words, else by its labels; the gold file has the last word on its columns."""
    if not study.report or not f"{study.report.findings}{study.report.impression}".strip():
        return _of_labels(study)
    said, places = read_report(study.report)
    if gold is not None and study.id in gold.rows:
        row = dict(zip(NIH14, gold.rows[study.id], strict=True))
        said |= {label: float(row[column] > 0) for label, column in GOLD_OF.items()}
        said[ABNORMAL] = float(study.id not in gold.normal)
    return Reading(said, silent_is_absent or not said[ABNORMAL], places)


def read_report(report: Report) -> tuple[dict[str, float], dict[str, frozenset[str]]]:
    """Column -> how sure the report's words are of it, and column -> the regions where it is present."""
    said: dict[str, float] = {}
    places: dict[str, set[str]] = {}
    for annotation in (a for section in (report.findings, report.impression) for a in annotate(section)):
        for finding, likely in zip(annotation.findings, annotation.likely, strict=True):
            for column in _columns(finding):
                said[column] = max(said.get(column, 0.0), _sureness(finding, likely))
                if finding.status == "present":
                    places.setdefault(column, set()).update(finding.regions)
    said[ABNORMAL] = float(any(value > 0 for value in said.values()))
    return said, {column: frozenset(found) for column, found in places.items() if found}


def _sureness(finding: Finding, likely: bool) -> float:
    if finding.status == "present":
        return 1.0
    return 0.0 if finding.status == "absent" else LIKELY if likely else UNCERTAIN


def _columns(finding: Finding) -> Iterable[str]:
    """The columns that a mention speaks of; one whose side is unsaid leaves the sides open."""
    yield finding.label
    if FINDINGS[finding.label].chexpert == DEVICES:
        yield DEVICES
    if finding.status != "absent":
        for side in SIDES:
            if finding.laterality in (side, "bilateral"):
                yield sided(finding.label, side)


def sided(label: str, side: str) -> str:
    """The column of a finding on one side."""
    return f"{label}, {side}"


def _of_labels(study: Study) -> Reading:
    said = {label.label: MINED[1] for label in study.labels}
    return Reading(said, False, {})


def choose_labels(readings: Iterable[Reading], least: int, least_sided: int) -> tuple[str, ...]:
    """The columns with enough positives, in the order of `FINDINGS`; a finding before its sides."""
    counts = Counter(column for reading in readings for column, value in reading.said.items() if value >= LIKELY)
    chosen = [name for name in (ABNORMAL, DEVICES) if counts[name] >= least]
    for label in FINDINGS:
        if counts[label] >= least:
            chosen.append(label)
            names = [sided(label, side) for side in SIDES]
            chosen += names if min(counts[name] for name in names) >= least_sided else []
    return tuple(chosen)


def targets_of(readings: Sequence[Reading], mined: Sequence[bool], labels: tuple[str, ...]) -> Targets:
    """The readings as arrays.

    Args:    mined: for each study whether it has mined labels; of these, the labels that any has are known of all.
    """
    values = np.zeros((len(readings), len(labels)), np.float32)
    known = np.zeros(values.shape, bool)
    some = {name for reading, is_mined in zip(readings, mined, strict=True) if is_mined for name in reading.said}
    for row, (reading, is_mined) in enumerate(zip(readings, mined, strict=True)):
        said: Said = reading.said
        if is_mined:
            said = {ABNORMAL: float(bool(said))} | dict.fromkeys(some, MINED[0]) | dict(said)
        for column, label in enumerate(labels):
            if label in said:
                values[row, column], known[row, column] = said[label], True
            elif reading.closed:
                known[row, column] = _side_is_told(label, said)
    return Targets(labels, values, known, tuple(readings))


def _side_is_told(label: str, said: Said) -> bool:
    """Whether an unmentioned column is absent: not the side of a finding whose sides nobody told."""
    name, comma, _ = label.partition(", ")
    return not comma or said.get(name, 0.0) == 0 or any(sided(name, side) in said for side in SIDES)


def region_boxes(reading: Reading, column: str, regions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Boxes (K, 4) of the places of a finding, where the film's regions (35, 4) are known."""
    name, comma, side = column.partition(", ")
    places = reading.places.get(column, reading.places.get(name, frozenset()) if comma else frozenset())
    rows = [REGIONS.index(place) for place in places if not comma or _OTHER_SIDE[side] not in place.split()]
    boxes = regions[rows]
    return boxes[~np.isnan(boxes[:, 0])]
