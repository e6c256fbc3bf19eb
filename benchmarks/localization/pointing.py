"""Does the region of a sentence point at what the sentence is about?

For every label that has boxes on a film, a sentence is written as a report would say it: the label, and the side of the
film's middle on which the centres of its boxes lie ("Right lung opacity."; boxes on both sides: "Bilateral lung
opacities."; a heart has no side). A second wording also names the zone of each box: the third of the film's height in
which its centre lies. Neither looks at what the localizer says. The sentence goes through the rules and the steps of
`radtrace build`, and the boxes of the regions that it names are compared with each finding box of its label.

Of several regions ("both lungs"), the one whose centre is nearest to the finding box's centre is compared.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from localization.drawn import Drawn, corners, finding_boxes
from localization.floors import Boxes, best_constant
from localization.located import Locator
from localization.stats import by_group, interval, p_no_better
from radtrace.anatomy import REGIONS
from radtrace.build.annotate import steps_of
from radtrace.geometry import Box
from radtrace.localize import Localization
from radtrace.records import Region, Report

MEASURES = ("pointing", "centre_inside", "iou", "covered")
"""The region's centre lies in the finding box; the finding box's centre lies in the region; their IoU; the share of the
finding box that the region covers."""

ZONES = ("upper", "mid", "lower")


class Wording(NamedTuple):
    """A label on one side, on both, and in one zone of one lung (None: zones are not said of it)."""

    one: str
    both: str
    zoned: str | None = None


def _in_lung(noun: str, one: str, both: str) -> Wording:
    return Wording(one, both, f"{noun} in the {{side}} {{zone}} lung.")


WORDINGS: dict[str, Wording] = {
    "Lung Opacity": _in_lung("Opacity", "{Side} lung opacity.", "Bilateral lung opacities."),
    "Infiltrate": _in_lung("Infiltrate", "{Side} lung infiltrate.", "Bilateral lung infiltrates."),
    "Pneumonia": _in_lung("Pneumonia", "{Side} pneumonia.", "Bilateral pneumonia."),
    "Atelectasis": _in_lung("Atelectasis", "{Side} atelectasis.", "Bilateral atelectasis."),
    "Mass": _in_lung("Mass", "{Side} lung mass.", "Bilateral lung masses."),
    "Nodule": _in_lung("Nodule", "{Side} lung nodule.", "Bilateral lung nodules."),
    "Effusion": Wording("{Side} pleural effusion.", "Bilateral pleural effusions."),
    "Pneumothorax": Wording("{Side} pneumothorax.", "Bilateral pneumothoraces."),
    "Cardiomegaly": Wording("Cardiomegaly.", "Cardiomegaly."),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A finding box and the sentences about it. sides: those that its sentence names, none for the heart.

    side, zone: where the box itself lies; "" where no sentence says it.
    """

    drawn: Drawn
    sides: tuple[str, ...]
    side: str
    zone: str
    sentence: str
    zoned_sentence: str


def targets(drawn: Sequence[Drawn]) -> list[Target]:
    """Every finding box with its sentences."""
    groups: dict[tuple[Any, str], set[str]] = {}
    for each in drawn:
        groups.setdefault((each.shot, each.label), set()).add(_side(each))
    return [_target(each, groups[each.shot, each.label]) for each in drawn]


def _side(drawn: Drawn) -> str:
    if drawn.label == "Cardiomegaly":
        return ""
    return "right" if drawn.box.x1 + drawn.box.x2 < 1 else "left"  # the patient's right is the image's left


def _target(drawn: Drawn, named: set[str]) -> Target:
    wording, side = WORDINGS[drawn.label], _side(drawn)
    zone = ZONES[min(int(3 * (drawn.box.y1 + drawn.box.y2) / 2), 2)] if wording.zoned else ""
    sides = tuple(name for name in ("right", "left") if name in named)
    sentence = (wording.both if len(sides) == 2 else wording.one).format(Side=side.capitalize())
    zoned = wording.zoned.format(side=side, zone=zone) if wording.zoned else sentence
    return Target(drawn, sides, side, zone, sentence, zoned)


def emitted(sentence: str, regions: dict[str, Box]) -> tuple[Box, ...]:
    """The boxes of the regions that `radtrace build` gives to a sentence; none where the film is refused."""
    located = {name: Region(name=name, box=box, view_id="", origin="localizer") for name, box in regions.items()}
    steps = steps_of(Report(findings=sentence), located)
    return tuple(region.box for step in steps for region in step.regions if region.box)


def compared(boxes: Sequence[Box], truth: Box) -> tuple[float, float, float, float]:
    """`MEASURES` of the box that is nearest to the finding box; all 0 without a box."""
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    x, y = centre(truth)
    box = min(boxes, key=lambda one: (centre(one)[0] - x) ** 2 + (centre(one)[1] - y) ** 2)
    shared = box.intersection(truth)
    return float(truth.contains(*centre(box))), float(box.contains(x, y)), box.iou(truth), shared / truth.area


def centre(box: Box) -> tuple[float, float]:
    """(x, y)."""
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


Emit = Callable[[Target, Localization], Sequence[Box]]
"""The boxes that a way of placing a sentence gives for a target."""


def pointing(data: Path, locate: Locator) -> dict[str, Any]:
    """All measures of the localizer and of the floors, over finding boxes; intervals over patients."""
    aims = targets(finding_boxes(data))
    found = locate([aim.drawn.shot for aim in aims], "finding boxes")
    refused = {aim.drawn.shot for aim, result in zip(aims, found, strict=True) if not result.regions}
    return {
        "boxes": len(aims),
        "films": len({aim.drawn.shot for aim in aims}),
        "patients": len({aim.drawn.patient for aim in aims}),
        "refused_films": len(refused),
        "sentences_without_a_region": len({aim.sentence for aim in aims if not emitted(aim.sentence, _ANYWHERE)}),
        "boxes_by_label": dict(Counter(aim.drawn.label for aim in aims).most_common()),
        "label and side": _compared(aims, found, _ways(aims, zoned=False)),
        "label, side and zone": _compared(aims, found, _ways(aims, zoned=True)),
    }


_ANYWHERE = dict.fromkeys(REGIONS, Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0))


def _ways(aims: Sequence[Target], *, zoned: bool) -> dict[str, Emit]:
    """The localizer's two ways of placing a sentence, and the floors that know as much of the sentence."""
    constants = _Constants(aims)
    name = "constant box per label, side and zone" if zoned else "constant box per label and side"
    return {
        "localizer": partial(_named, zoned=zoned),
        "localizer, hull of the step": lambda aim, found: _hull(_named(aim, found, zoned=zoned)),
        "whole lung": _whole_lung,
        name: partial(constants.fitted, zoned=zoned),
        "mean box": constants.mean,
    }


def _named(aim: Target, found: Localization, *, zoned: bool) -> Sequence[Box]:
    return emitted(aim.zoned_sentence if zoned else aim.sentence, found.regions)


def _hull(boxes: Sequence[Box]) -> Sequence[Box]:
    return (Box.hull(boxes),) if boxes else ()


def _whole_lung(aim: Target, found: Localization) -> Sequence[Box]:
    """The lung of each side that is named; the hull of both where none is."""
    lungs = [found.regions[f"{side} lung"] for side in aim.sides or ("right", "left") if found.regions]
    return lungs if aim.sides else _hull(lungs)


class _Constants:
    """Boxes fitted on the finding boxes of all other patients."""

    def __init__(self, aims: Sequence[Target]) -> None:
        self._aims = aims
        self._corners = corners([aim.drawn for aim in aims])
        self._patients = np.array([aim.drawn.patient for aim in aims])
        self._fitted: dict[tuple[str, ...], Box] = {}

    def fitted(self, aim: Target, _: Localization, *, zoned: bool) -> Sequence[Box]:
        """The best constant box of the label on each side that is named; of the side where the label has no other."""
        zone = aim.zone if zoned else ""
        sides = (aim.side,) if zone else aim.sides or ("",)
        return [self._fit(aim.drawn.patient, aim.drawn.label, side, zone) for side in sides]

    def mean(self, aim: Target, _: Localization) -> Sequence[Box]:
        """The mean of all boxes."""
        return [Box.of(self._corners[self._patients != aim.drawn.patient].mean(0).tolist())]

    def _fit(self, patient: str, label: str, side: str, zone: str) -> Box:
        key = (patient, label, side, zone)
        if key not in self._fitted:
            self._fitted[key] = Box.of(best_constant(self._others(*key)).tolist())
        return self._fitted[key]

    def _others(self, patient: str, label: str, side: str, zone: str) -> Boxes:
        placed = np.array([aim.side == side and zone in ("", aim.zone) for aim in self._aims])
        labelled = np.array([aim.drawn.label == label for aim in self._aims])
        others = self._patients != patient
        chosen = others & placed & labelled
        return self._corners[chosen if chosen.any() else others & placed]


def _compared(aims: Sequence[Target], found: Sequence[Localization], ways: dict[str, Emit]) -> dict[str, Any]:
    patients = [aim.drawn.patient for aim in aims]
    scores = {
        name: np.array([compared(emit(aim, result), aim.drawn.box) for aim, result in zip(aims, found, strict=True)])
        for name, emit in ways.items()
    }
    scores["random region"] = np.array([_random(aim, result) for aim, result in zip(aims, found, strict=True)])
    labels = np.array([aim.drawn.label for aim in aims])
    return {
        name: {
            **_summary(values, patients),
            "p_localizer_points_no_better": p_no_better(
                by_group(scores["localizer"][:, 0], patients), by_group(values[:, 0], patients)
            ),
            "pointing_by_label": {
                label: values[labels == label, 0].mean() for label, _ in Counter(labels.tolist()).most_common()
            },
        }
        for name, values in scores.items()
    }


def _random(aim: Target, found: Localization) -> npt.NDArray[np.float64]:
    """What a region drawn evenly from the 35 scores on average."""
    boxes = found.regions.values()
    return np.mean([compared([box], aim.drawn.box) for box in boxes] or [compared([], aim.drawn.box)], axis=0)


def _summary(values: npt.NDArray[np.float64], patients: Sequence[str]) -> dict[str, Any]:
    return {
        measure: interval(patients, lambda chosen, column=column: float(values[chosen, column].mean()))
        for column, measure in enumerate(MEASURES)
    }
