"""Does a reader point at findings where people drew boxes: its steps' boxes, and where its encoder looks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.geometry import Box
from radtrace.metrics.scores import FloatArray, ratio
from radtrace.metrics.statistics.bootstrap import corpus_interval
from radtrace.metrics.statistics.permutation import permutation_test
from radtrace.records import Study, Trace

_GRID = 64
"""Cells a side of the map on which constant points are sought."""
_RESAMPLES = 2000
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finding that people drew on a film: boxes of one label. patient: who is left out when constants are fitted."""

    study: str
    patient: str
    label: str
    boxes: tuple[Box, ...]

    def holds(self, point: Point | None) -> bool:
        """Whether a point lies in one of the boxes."""
        return point is not None and any(box.contains(*point) for box in self.boxes)


def drawn_findings(studies: Iterable[Study]) -> list[Drawn]:
    """The drawn findings of a source's studies."""
    found: list[Drawn] = []
    for study in studies:
        boxes: dict[str, list[Box]] = defaultdict(list)
        for label in study.labels:
            if label.box:
                boxes[label.label].append(label.box)
        patient = study.patient_id or study.id
        found += [Drawn(study.id, patient, label, tuple(each)) for label, each in boxes.items()]
    return found


def stated(trace: Trace | None, label: str) -> Box | None:
    """The box of the step that says that a finding is present: of its own regions, where these are located."""
    for step in trace.steps if trace else ():
        for finding in step.findings:
            if finding.label == label and finding.status == "present":
                boxes = [region.box for region in step.regions if region.box and region.name in finding.regions]
                return Box.hull(boxes) if boxes else step.box
    return None


def constant_points(aims: Sequence[Drawn]) -> list[Point]:
    """For each finding the point that most boxes of the same label hold, of the other patients."""
    maps = [_inside(aim.boxes) for aim in aims]
    points = []
    for aim in aims:
        others = [
            one
            for other, one in zip(aims, maps, strict=True)
            if other.label == aim.label and other.patient != aim.patient
        ] or [one for other, one in zip(aims, maps, strict=True) if other.patient != aim.patient]
        total = np.sum(others, axis=0) if others else np.zeros((_GRID, _GRID))
        best = np.argwhere(total == total.max()).mean(axis=0)
        points.append(((float(best[1]) + 0.5) / _GRID, (float(best[0]) + 0.5) / _GRID))
    return points


def _inside(boxes: Iterable[Box]) -> npt.NDArray[np.bool_]:
    """Which cells have their centre in a box, (_GRID, _GRID)."""
    centres = (np.arange(_GRID) + 0.5) / _GRID
    inside = np.zeros((_GRID, _GRID), bool)
    for x1, y1, x2, y2 in (box.xyxy for box in boxes):
        inside |= ((centres >= y1) & (centres <= y2))[:, None] & ((centres >= x1) & (centres <= x2))
    return inside


def cell_centre(cell: int, cells: int, width: int, height: int) -> Point | None:
    """Where a cell of a map over a letterboxed film lies on the film; None in the letterbox's margin."""
    row, column = divmod(cell, cells)
    side = max(width, height)
    x = ((column + 0.5) / cells * side - (side - width) / 2) / width
    y = ((row + 0.5) / cells * side - (side - height) / 2) / height
    return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else None


def pointing(
    aims: Sequence[Drawn], traces: Mapping[str, Trace], looked: Callable[[Drawn], Point | None] | None = None
) -> dict[str, Any]:
    """JSON-ready: how often the stated box's centre lies in a drawn box (a finding that is not stated misses).

    Args:    traces: of the films, empty where they were not read. looked: where the encoder looks for a finding; None
        where there is none.
    """
    if not aims or not (traces or looked):
        return {"absent": "no film with drawn boxes was read"}
    boxes = [stated(traces.get(aim.study), aim.label) for aim in aims]
    rows = {"constant": [aim.holds(point) for aim, point in zip(aims, constant_points(aims), strict=True)]}
    if traces:
        rows["stated"] = [aim.holds(_centre(box)) for aim, box in zip(aims, boxes, strict=True)]
    if looked:
        rows["attention"] = [aim.holds(looked(aim)) for aim in aims]
    where: dict[str, Any] = {name: _share(aims, values) for name, values in rows.items()}
    told = [at for at, box in enumerate(boxes) if box is not None]
    if told:
        few = [aims[at] for at in told]
        where |= {f"{name}_where_told": _share(few, [rows[name][at] for at in told]) for name in ("stated", "constant")}
    return {
        "findings": len(aims),
        "films": len({aim.study for aim in aims}),
        **({"told": len(told) / len(aims)} if traces else {}),
        "chance": float(np.mean([_inside(aim.boxes).mean() for aim in aims])),
        **where,
        "p_against_constant": {
            name: _p(aims, rows[name], rows["constant"]) for name in ("stated", "attention") if name in rows
        },
        "by_label": _by_label(aims, rows),
        "note": "drawn boxes are of NIH and RSNA, another hospital's; constants are of the same set's other patients",
    }


def _centre(box: Box | None) -> Point | None:
    return None if box is None else ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


def _rows(aims: Sequence[Drawn], values: Sequence[bool]) -> FloatArray:
    """(patients, 2) hits and findings."""
    patients = {name: row for row, name in enumerate(dict.fromkeys(aim.patient for aim in aims))}
    sums = np.zeros((len(patients), 2))
    for aim, value in zip(aims, values, strict=True):
        sums[patients[aim.patient]] += (value, 1)
    return sums


def _share(aims: Sequence[Drawn], values: Sequence[bool]) -> dict[str, Any]:
    rows = _rows(aims, values)
    bounds = corpus_interval(rows, ratio, resamples=_RESAMPLES)
    return {
        "value": float(ratio(rows.sum(0))),
        "ci": [bounds.low, bounds.high] if bounds else None,
        "n": len(aims),
    }


def _p(aims: Sequence[Drawn], first: Sequence[bool], second: Sequence[bool]) -> float:
    return permutation_test(_rows(aims, first), _rows(aims, second), ratio, resamples=_RESAMPLES).p


def _by_label(aims: Sequence[Drawn], rows: Mapping[str, Sequence[bool]]) -> dict[str, dict[str, list[int]]]:
    """Label -> who points -> [hits, findings]."""
    found: dict[str, dict[str, list[int]]] = {}
    for at, aim in enumerate(aims):
        for name, values in rows.items():
            counts = found.setdefault(aim.label, {}).setdefault(name, [0, 0])
            counts[0] += bool(values[at])
            counts[1] += 1
    return found
