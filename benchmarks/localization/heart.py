"""The cardiothoracic ratio against cardiomegaly, and the heart's box against those that radiologists drew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import films
from localization.drawn import corners, finding_boxes
from localization.floors import best_constant, ious
from localization.located import Locator, Shot, size
from localization.stats import auc, by_group, interval, p_no_better
from radtrace.findings import annotate, nih14_labels

CONVENTION = 0.5
"""A ratio above which a heart on a PA film is called enlarged."""


@dataclass(frozen=True, slots=True)
class Hearts:
    """Films with a cardiothoracic ratio each (nan: none could be told) and whether the heart is said to be enlarged."""

    studies: tuple[str, ...]
    ratios: npt.NDArray[np.float64]
    enlarged: npt.NDArray[np.bool_]


def cardiothoracic(data: Path, locate: Locator) -> dict[str, Any]:
    """Against the gold labels of Open-I, their held-out part, and what our rules read in the reports of val studies."""
    openi = data / "openi"
    rows = [row for row in films.rows(openi / "reports.csv") if row["projection"] == "Frontal"]
    gold = {row["uid"]: row["Cardiomegaly"] == "1" for row in films.rows(openi / "gold_labels_nih14.csv")}
    read = {row["uid"]: _says_enlarged(row) for row in films.rows(openi / "studies.csv") if row["r2gen_split"] == "val"}
    unseen = {uid: label for uid, label in gold.items() if films.held_out_study(uid)}
    labels = {"gold": gold, "gold, held-out studies": unseen, "reports by our rules, val": read}
    return {name: _figures(_hearts(openi, rows, label, locate)) for name, label in labels.items()}


def _says_enlarged(study: dict[str, str]) -> bool:
    """Whether the findings or the impression call the heart enlarged; what they leave open is no."""
    text = " ".join(study[name] for name in ("findings", "impression"))
    return nih14_labels(annotate(text))["Cardiomegaly"] == "present"


def _hearts(openi: Path, rows: Sequence[dict[str, str]], labels: Mapping[str, bool], locate: Locator) -> Hearts:
    chosen = [row for row in rows if row["uid"] in labels]
    found = locate([Shot(openi / row["file"], size(row)) for row in chosen], "frontal films")
    return Hearts(
        tuple(row["uid"] for row in chosen),
        np.array([nan if result.cardiothoracic_ratio is None else result.cardiothoracic_ratio for result in found]),
        np.array([labels[row["uid"]] for row in chosen]),
    )


def _figures(hearts: Hearts) -> dict[str, Any]:
    """Films without a ratio stand at the median."""
    refused = np.isnan(hearts.ratios)
    ratios = np.where(refused, np.nanmedian(hearts.ratios), hearts.ratios)
    called = ratios > CONVENTION
    return {
        "films": len(ratios),
        "studies": len(set(hearts.studies)),
        "enlarged": int(hearts.enlarged.sum()),
        "without_ratio": int(refused.sum()),
        "without_ratio_enlarged": int((refused & hearts.enlarged).sum()),
        "auc": interval(hearts.studies, lambda chosen: auc(ratios[chosen], hearts.enlarged[chosen])),
        f"sensitivity_above_{CONVENTION:.2f}": called[hearts.enlarged].mean(),
        f"specificity_above_{CONVENTION:.2f}": (~called[~hearts.enlarged]).mean(),
        "mean_ratio_enlarged": ratios[hearts.enlarged].mean(),
        "mean_ratio_others": ratios[~hearts.enlarged].mean(),
    }


def heart_boxes(data: Path, locate: Locator) -> dict[str, Any]:
    """The cardiac silhouette against the boxes of cardiomegaly; the floor is fitted on the other patients' boxes."""
    drawn = [each for each in finding_boxes(data) if each.label == "Cardiomegaly"]
    truth = corners(drawn)
    found = locate([each.shot for each in drawn], "hearts")
    boxes = [result.regions.get("cardiac silhouette") for result in found]
    ours = np.array([box.iou(each.box) if box else 0.0 for box, each in zip(boxes, drawn, strict=True)])
    patients = np.array([each.patient for each in drawn])
    floor = np.array(
        [ious(best_constant(truth[patients != each.patient]), truth[[i]])[0] for i, each in enumerate(drawn)]
    )
    return {
        "boxes": len(drawn),
        "patients": len(set(patients)),
        "iou": interval(list(patients), lambda chosen: float(ours[chosen].mean())),
        "floor_iou": floor.mean(),
        "p_no_better_than_floor": p_no_better(by_group(ours, patients), by_group(floor, patients)),
        "refused": sum(box is None for box in boxes),
    }
