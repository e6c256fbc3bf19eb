"""The films that the localizer learns from, with the parts that are held out of training."""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from extents import extents
from radtrace.images import load_film
from radtrace.localize.weights import MASKS

CANVAS = 288
"""Pixels a side of the letterboxed films that training keeps in memory."""


@dataclass(frozen=True, slots=True)
class Item:
    """One film to learn from. part: "train", or "val" for the part that chooses nothing but tells how it goes."""

    path: Path
    source: str
    kind: str
    part: str
    mask: Path | None = None
    true_size: tuple[int, int] | None = None
    projection: str | None = None


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def held_out_shenzhen(file: str) -> bool:
    """Whether a row's `file` belongs to the fifth that no training sees."""
    return _hash(file) % 5 == 0


def held_out_study(uid: str) -> bool:
    """Whether an Open-I study belongs to the tenth that no training sees."""
    return _hash(uid) % 10 == 0


def held_out_patient(patient_id: str) -> bool:
    """Whether an NIH or Hannover patient belongs to the fifth that no training sees."""
    return _hash(patient_id) % 5 == 0


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV table with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _part(name: str) -> str:
    return "val" if _hash(f"val {name}") % 12 == 0 else "train"


def training_items(data: Path) -> list[Item]:
    """Every film that may be learnt from; `rotation_qc`, `covid_lungbox` and `dicom` are for evaluation only."""
    anatomy, openi, nih, hannover = (data / name for name in ("anatomy", "openi", "boxes/nih", "hannover_cr"))
    items = [
        Item(anatomy / row["file"], "shenzhen", "frontal", _part(row["file"]), anatomy / row["mask"])
        for row in rows(anatomy / "shenzhen.csv")
        if not held_out_shenzhen(row["file"])
    ]
    items += _openi(openi)
    items += _nih(nih, tested={row["file"].partition("_")[0] for row in rows(data / "rotation_qc/labels.csv")})
    for row in rows(hannover / "data.csv"):
        if not held_out_patient(row["patient_id"]):
            part, projection = _part(row["patient_id"]), row["projection"].upper()
            items.append(Item(hannover / row["file"], "hannover", "frontal", part, projection=projection))
    return items


def _openi(folder: Path) -> list[Item]:
    """A study with a lateral film had a PA film too: portable AP films come alone. What comes alone is left open."""
    table = [row for row in rows(folder / "reports.csv") if not held_out_study(row["uid"])]
    with_lateral = {row["uid"] for row in table if row["projection"] == "Lateral"}
    items = []
    for row in table:
        if row["projection"] not in ("Frontal", "Lateral"):
            continue
        size = (round(float(row["orig_width"])), round(float(row["orig_height"]))) if row["orig_width"] else None
        kind = row["projection"].lower()
        projection = "PA" if kind == "frontal" and row["uid"] in with_lateral else None
        items.append(Item(folder / row["file"], "openi", kind, _part(row["uid"]), None, size, projection))
    return items


def _nih(folder: Path, tested: set[str]) -> list[Item]:
    """Without the patients of the rotation test and those whose findings have boxes."""
    boxed = {entry["nih_image"].partition("_")[0] for entry in json.loads((folder / "boxes.json").read_text())}
    items = []
    for row in rows(folder / "labels.csv"):
        if row["nih_image"].partition("_")[0] in tested | boxed or held_out_patient(row["patient_id"]):
            continue
        part = _part(row["patient_id"])
        items.append(Item(folder / row["file"], "nih", "frontal", part, projection=row["view"]))
    return items


@dataclass(frozen=True, slots=True)
class Canvas:
    """Letterboxed films in memory.

    films: uint8 (N, CANVAS, CANVAS); masks: uint8 (N, 4, CANVAS, CANVAS), 0 or 255, as `weights.MASKS`.
    sizes: (N, 2) width and height of the film on its canvas, centred.
    has_mask, has_heart: bool (N,), whether lungs are drawn, and whether heart and mediastinum are, too.
    """

    items: tuple[Item, ...]
    films: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int64]
    has_mask: npt.NDArray[np.bool_]
    has_heart: npt.NDArray[np.bool_]


def _letterboxed(image: Image.Image, canvas: npt.NDArray[np.uint8]) -> tuple[int, int]:
    scale = CANVAS / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    left, top = (CANVAS - width) // 2, (CANVAS - height) // 2
    canvas[top : top + height, left : left + width] = np.asarray(image.resize((width, height), Image.Resampling.BOX))
    return width, height


def lung_sides(path: Path) -> list[npt.NDArray[np.uint8]]:
    """The right and the left lung of a mask of both: each column pixel goes to the nearer lung's component."""
    from scipy import ndimage

    lungs = np.asarray(Image.open(path)) > 0
    labels, count = ndimage.label(lungs)
    sizes = ndimage.sum_labels(lungs, labels, range(1, count + 1))
    centres = [centre[1] for centre in ndimage.center_of_mass(lungs, labels, range(1, count + 1))]
    middle = np.average(centres, weights=sizes)
    right = np.isin(labels, [i + 1 for i, x in enumerate(centres) if x < middle])
    return [(part * np.uint8(255)).astype(np.uint8) for part in (right, lungs & ~right)]


def save_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Write arrays whole or not at all."""
    partial = path.with_suffix(".part.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def load(items: list[Item]) -> Canvas:
    """Decode every film (a minute or two for 7,000)."""
    from radtrace.runs import progress

    films = np.zeros((len(items), CANVAS, CANVAS), np.uint8)
    masks = np.zeros((len(items), len(MASKS), CANVAS, CANVAS), np.uint8)
    sizes = np.zeros((len(items), 2), np.int64)
    with progress("films", len(items)) as advance:
        for index, item in enumerate(items):
            pixels = load_film(item.path, item.true_size).pixels
            sizes[index] = _letterboxed(Image.fromarray(np.rint(pixels * 255).astype(np.uint8)), films[index])
            if item.mask is not None:
                for side, part in enumerate(lung_sides(item.mask)):
                    _letterboxed(Image.fromarray(part), masks[index, side])
                central = extents(*(masks[index, :2] > 127))
                if central:
                    masks[index, 2:] = np.uint8(255) * np.stack(central)
            advance()
    has_mask = np.array([item.mask is not None for item in items])
    return Canvas(tuple(items), films, masks, sizes, has_mask, masks[:, 2].any((1, 2)))
