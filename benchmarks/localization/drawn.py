"""The finding boxes that radiologists drew on NIH films (NIH 2017, RSNA 2018)."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import films
from localization.floors import Boxes
from localization.located import Shot, size
from radtrace.geometry import Box


@dataclass(frozen=True, slots=True)
class Drawn:
    """One finding box. label: as the table has it."""

    patient: str
    shot: Shot
    label: str
    box: Box


def finding_boxes(data: Path) -> list[Drawn]:
    """All boxes of `boxes/nih`, the films' aspect restored as `radtrace build` does."""
    folder = data / "boxes/nih"
    rows = {row["file"]: row for row in films.rows(folder / "labels.csv")}
    return [
        Drawn(
            rows[film["file"]]["patient_id"],
            Shot(folder / film["file"], size(rows[film["file"]])),
            box["label"],
            Box.of(box["xyxy_norm"]),
        )
        for film in json.loads((folder / "boxes.json").read_text("utf-8"))
        for box in film["boxes"]
    ]


def corners(drawn: list[Drawn]) -> Boxes:
    """(N, 4)."""
    return np.array([each.box.xyxy for each in drawn])
