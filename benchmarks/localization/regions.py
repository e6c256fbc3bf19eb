"""Boxes of lungs and of all 35 regions against what people drew, each beside the best constant box."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import films
from extents import extents
from localization.floors import Boxes, best_constant, ious
from localization.located import Locator, Shot
from localization.stats import holm, interval, p_no_better
from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.localize.outlines import Lung, Outline
from radtrace.localize.regions import Chest, boxes
from radtrace.runs import progress

LUNGS = ("right lung", "left lung")
_CONTROL = 0.05


def lungs(data: Path, locate: Locator) -> dict[str, Any]:
    """Both lungs on held-out Shenzhen and on covid_lungbox (other hospitals, looser boxes by convention)."""
    anatomy = data / "anatomy"
    held_out, seen = shenzhen(data)
    floor = np.stack([best_constant(side) for side in _drawn(seen)])
    sets = {"shenzhen": held_out, "covid_lungbox": films.rows(anatomy / "covid_lungbox.csv")}
    return {name: _lungs(anatomy, rows, floor, locate, name) for name, rows in sets.items()}


def shenzhen(data: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of the films that training never sees, and of the others."""
    rows = films.rows(data / "anatomy/shenzhen.csv")
    held_out = [row for row in rows if films.held_out_shenzhen(row["file"])]
    return held_out, [row for row in rows if row not in held_out]


def _drawn(rows: Sequence[dict[str, str]]) -> Boxes:
    """(2, N, 4): the boxes of right and left lungs."""
    import json

    return np.array([[json.loads(row[f"{side}_lung_box"]) for row in rows] for side in ("right", "left")])


def _lungs(folder: Path, rows: list[dict[str, str]], floor: Boxes, locate: Locator, what: str) -> dict[str, Any]:
    truth = _drawn(rows)
    found = locate([Shot(folder / row["file"]) for row in rows], what)
    scores, constant = np.zeros((2, len(rows))), np.zeros((2, len(rows)))
    for side, name in enumerate(LUNGS):
        scores[side] = _scores([result.regions.get(name) for result in found], truth[side])
        constant[side] = ious(floor[side], truth[side])
    swapped = sum(_middle(result.regions) for result in found if result.regions)
    mean = scores.mean(0)
    return {
        "films": len(rows),
        "iou": interval(range(len(rows)), lambda chosen: float(mean[chosen].mean())),
        "iou_right": scores[0].mean(),
        "iou_left": scores[1].mean(),
        "iou_worst_tenth": np.sort(mean)[: max(1, len(rows) // 10)].mean(),
        "films_below_.80": int((mean < 0.8).sum()),
        "floor_iou": constant.mean(),
        "floor_iou_right": constant[0].mean(),
        "floor_iou_left": constant[1].mean(),
        "p_no_better_than_floor": p_no_better(mean, constant.mean(0)),
        "refused": sum(not result.regions for result in found),
        "sides_swapped": swapped,
    }


def _middle(regions: dict[str, Box]) -> bool:
    """Whether the right lung lies right of the left one on the image."""
    right, left = (regions[name] for name in LUNGS)
    return right.x1 + right.x2 >= left.x1 + left.x2


def _scores(found: Sequence[Box | None], truth: Boxes) -> Boxes:
    """IoU a film; 0 where there is no box."""
    drawn = np.array([box.xyxy if box else (0.0, 0.0, 0.0, 0.0) for box in found])
    return ious(drawn, truth)


def all_regions(data: Path, locate: Locator) -> dict[str, Any]:
    """The localizer's 35 regions on held-out Shenzhen against the same geometry run on the lungs that people outlined.

    This measures the network, not the geometry: both sides share the rules that lead from lungs to regions, and heart
    and mediastinum are what lies between the outlined lungs. The floor of each region is its best constant box on the
    training films' outlines; p by sign flips over films, Holm's correction over the regions.
    """
    anatomy = data / "anatomy"
    held_out, seen = shenzhen(data)
    truth, trained = _from_masks(anatomy, held_out, "outlines"), _from_masks(anatomy, seen, "training outlines")
    found = locate([Shot(anatomy / row["file"]) for row in held_out], "shenzhen")
    ours, floor = {}, {}
    for name in REGIONS:
        ours[name] = _scores([result.regions.get(name) for result in found], truth[name])
        floor[name] = ious(best_constant(trained[name]), truth[name])
    adjusted = holm([p_no_better(ours[name], floor[name]) for name in REGIONS])
    rows = {
        name: {"iou": ours[name].mean(), "floor_iou": floor[name].mean(), "p_holm": p}
        for name, p in zip(REGIONS, adjusted, strict=True)
    }
    return {
        "films": len(held_out),
        "training_films": len(seen),
        "iou": np.mean([row["iou"] for row in rows.values()]),
        "floor_iou": np.mean([row["floor_iou"] for row in rows.values()]),
        "regions_that_beat_the_floor": sum(
            row["iou"] > row["floor_iou"] and row["p_holm"] < _CONTROL for row in rows.values()
        ),
        "regions": rows,
    }


def _from_masks(anatomy: Path, rows: list[dict[str, str]], what: str) -> dict[str, Boxes]:
    """Region -> (N, 4): the geometry on the outlined lungs of some films."""
    drawn: dict[str, list[list[float]]] = {name: [] for name in REGIONS}
    with progress(what, len(rows)) as advance:
        for row in rows:
            right, left = (side > 0 for side in films.lung_sides(anatomy / row["mask"]))
            height, width = right.shape
            central = extents(right, left)
            heart, mediastinum = map(Outline, central) if central else (None, None)
            view = (0.0, 0.0, float(width), float(height))
            found = boxes(Chest(Lung(right), Lung(left), view, heart, mediastinum))
            for name in REGIONS:
                x1, y1, x2, y2 = found[name]
                drawn[name].append([x1 / width, y1 / height, x2 / width, y2 / height])
            advance()
    return {name: np.array(corners) for name, corners in drawn.items()}
