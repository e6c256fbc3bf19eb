"""What the film is and how it lies: frontal or lateral, AP or PA, turns, inverted grays, films that are no chest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import films
from localization.located import Locator, Shot, size, upright
from localization.regions import shenzhen
from radtrace.anatomy import REGIONS
from radtrace.localize import Localization


def kinds(data: Path, locate: Locator) -> dict[str, Any]:
    """Frontal or lateral on Open-I studies that training never saw, squashed as the files lie and with their aspect."""
    rows = [row for row in films.rows(data / "openi/reports.csv") if films.held_out_study(row["uid"])]
    rows = [row for row in rows if row["projection"] in ("Frontal", "Lateral")]
    shots = [Shot(data / "openi" / row["file"], size(row)) for row in rows]
    squashed = [Shot(shot.path) for shot in shots]
    return {
        name: _kinds(rows, locate(shown, f"openi {name}"))
        for name, shown in (("aspect restored", shots), ("as stored", squashed))
    }


def _kinds(rows: Sequence[dict[str, str]], found: Sequence[Localization]) -> dict[str, Any]:
    said = np.array([result.kind for result in found])
    truth = np.array([row["projection"].lower() for row in rows])
    right = said == truth
    return {
        "films": len(rows),
        "accuracy": right.mean(),
        "frontal": right[truth == "frontal"].mean(),
        "lateral": right[truth == "lateral"].mean(),
        "frontal_without_regions": sum(
            not result.regions for result, kind in zip(found, truth, strict=True) if kind == "frontal"
        ),
        "said_to_be_turned": [row["file"] for row, result in zip(rows, found, strict=True) if result.rotation],
        "wrong": [row["file"] for row, ok in zip(rows, right, strict=True) if not ok],
    }


def projections(data: Path, locate: Locator) -> dict[str, Any]:
    """AP or PA of held-out patients of NIH and Hannover, and of covid_lungbox, which training never sees."""
    nih, hannover, covid = data / "boxes/nih", data / "hannover_cr", data / "anatomy"
    unseen = films.held_out_patient
    sets = {
        "nih": [
            (Shot(nih / row["file"], size(row)), row["view"])
            for row in films.rows(nih / "labels.csv")
            if unseen(row["patient_id"])
        ],
        "hannover": [
            (Shot(hannover / row["file"]), row["projection"].upper())
            for row in films.rows(hannover / "data.csv")
            if unseen(row["patient_id"])
        ],
        "covid_lungbox": [(Shot(covid / r["file"]), r["view"][:2]) for r in films.rows(covid / "covid_lungbox.csv")],
    }
    return {
        name: told(
            [found.projection for found in locate([shot for shot, _ in rows], name)], [truth for _, truth in rows]
        )
        for name, rows in sets.items()
    }


def told(said: Sequence[str], truth: Sequence[str]) -> dict[str, Any]:
    """How often a projection is told at all, and how often it is then right."""
    answers, views = np.array(said), np.array(truth)
    known, right = answers != "unknown", answers == views
    figures = {"films": len(views), "told": known.mean(), "accuracy_of_told": _share(right[known])}
    for view in ("AP", "PA"):
        figures[f"{view}_films"] = int((views == view).sum())
        figures[f"{view}_right_of_told"] = _share(right[known & (views == view)])
    return figures | {"right_of_all": right.mean()}


def _share(of: npt.NDArray[np.bool_]) -> float | None:
    return float(of.mean()) if len(of) else None


def warnings(data: Path, locate: Locator) -> dict[str, Any]:
    """What is said against held-out frontal films, most of which are sound."""
    held_out, _ = shenzhen(data)
    reports = [row for row in films.rows(data / "openi/reports.csv") if films.held_out_study(row["uid"])]
    sets = {
        "shenzhen": [Shot(data / "anatomy" / row["file"]) for row in held_out],
        "openi": [Shot(data / "openi" / row["file"], size(row)) for row in reports if row["projection"] == "Frontal"],
    }
    return {name: _warned(locate(shots, name)) for name, shots in sets.items()}


def _warned(found: Sequence[Localization]) -> dict[str, Any]:
    counts = Counter(said for result in found for said in result.warnings)
    return {"films": len(found), "without_a_warning": np.mean([not result.warnings for result in found]), **counts}


def rotation(data: Path, locate: Locator) -> dict[str, Any]:
    """Quarter turns of rotation_qc."""
    folder = data / "rotation_qc"
    rows = films.rows(folder / "labels.csv")
    found = locate([Shot(folder / row["file"]) for row in rows], "rotation_qc")
    turned = [90 * int(row["rotated90_ccw"]) for row in rows]
    wrong = [row["file"] for row, result, true in zip(rows, found, turned, strict=True) if result.rotation != true]
    return {"films": len(rows), "accuracy": 1 - len(wrong) / len(rows), "wrong": wrong}


def changed(data: Path, locate: Locator) -> dict[str, Any]:
    """Held-out frontal films of Shenzhen and every fifth one of Open-I, turned or inverted, beside the same as is.

    box_iou: mean over films and regions of the boxes turned back with those of the film as it is; films that give
    regions only one way count 0, those that give none either way are left out.
    """
    held_out, _ = shenzhen(data)
    reports = [row for row in films.rows(data / "openi/reports.csv") if films.held_out_study(row["uid"])]
    sets = {
        "shenzhen": [Shot(data / "anatomy" / row["file"]) for row in held_out],
        "openi": [Shot(data / "openi" / r["file"], size(r)) for r in reports if r["projection"] == "Frontal"][::5],
    }
    return {
        f"{source} {name}": _changed(
            locate(shots, source), locate([replace(shot, **how) for shot in shots], f"{source} {name}"), how
        )
        for source, shots in sets.items()
        for name, how in (
            *((f"turned by {90 * turns}", {"turns": turns}) for turns in range(4)),
            ("inverted", {"inverted": True}),
        )
    }


def _changed(plain: Sequence[Localization], other: Sequence[Localization], how: dict[str, Any]) -> dict[str, Any]:
    scores = [_agreement(before, after) for before, after in zip(plain, other, strict=True)]
    known = np.array([score for score in scores if score is not None])
    expected = 90 * how.get("turns", 0)
    figures = {
        "films": len(plain),
        "rotation_right": np.mean([result.rotation == expected for result in other]),
        "frontal": np.mean([result.kind == "frontal" for result in other]),
        "with_regions": sum(bool(result.regions) for result in other),
        "with_regions_as_it_is": sum(bool(result.regions) for result in plain),
        "box_iou": known.mean(),
        "films_with_box_iou_below_.90": int((known < 0.9).sum()),
    }
    if "inverted" in how:
        figures["told_inverted"] = np.mean([any("inverted" in said for said in result.warnings) for result in other])
    return figures


def _agreement(first: Localization, second: Localization) -> float | None:
    """Mean IoU of the regions on the upright film; None where neither has any."""
    if not first.regions and not second.regions:
        return None
    if not first.regions or not second.regions:
        return 0.0
    one, two = upright(first), upright(second)
    return float(np.mean([one[name].iou(two[name]) for name in REGIONS]))


def hips(data: Path, locate: Locator) -> dict[str, Any]:
    """Films of no chest: refused."""
    paths = sorted((data / "dicom/negative_not_chest").glob("*.dcm"))
    found = locate([Shot(path) for path in paths], "no chest")
    return {"films": len(found), "refused": sum(result.kind == "other" for result in found)}
