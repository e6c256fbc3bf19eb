"""How well the bundled localizer finds lungs, tells frontal from lateral films, and sees that a film is turned.

    python benchmarks/localize.py --data $RADTRACE_DATA [--json]

Lungs: mean IoU of the lung boxes on the Shenzhen films that training never saw and on covid_lungbox (other hospitals,
boxes drawn by people, looser than those of masks); a refused film counts 0. Beside it stands the floor: one constant
box a lung, fitted on the Shenzhen films that training did see, and the p-value of a paired sign-flip test (one-sided,
9,999 draws) that the localizer is no better. Kind: Open-I studies that training never saw, files as they lie.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "weights"))

import films
from radtrace.geometry import Box
from radtrace.images import load_film
from radtrace.localize import Localization, Localizer
from radtrace.runs import progress

LUNGS = ("right lung", "left lung")
BATCH = 32


def localized(localizer: Localizer, paths: list[Path], what: str) -> Iterator[Localization]:
    with progress(what, len(paths)) as advance:
        for start in range(0, len(paths), BATCH):
            part = paths[start : start + BATCH]
            yield from localizer([load_film(path).pixels for path in part])
            advance(len(part))


def lung_boxes(rows: list[dict[str, str]]) -> list[tuple[Box, Box]]:
    return [(Box.of(json.loads(row["right_lung_box"])), Box.of(json.loads(row["left_lung_box"]))) for row in rows]


def constant_boxes(truth: list[tuple[Box, Box]]) -> tuple[Box, Box]:
    """The boxes whose edges are the medians of the edges."""
    right, left = (Box.of(np.median([pair[side].xyxy for pair in truth], axis=0).tolist()) for side in (0, 1))
    return right, left


def p_no_better(ours: np.ndarray, floor: np.ndarray, draws: int = 9999) -> float:
    """One-sided sign-flip test of paired scores, (k + 1) / (draws + 1)."""
    difference = ours - floor
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (draws, len(difference)))
    return float(((signs @ difference >= difference.sum()).sum() + 1) / (draws + 1))


def lungs(localizer: Localizer, folder: Path, rows: list[dict[str, str]], floor: tuple[Box, Box]) -> dict[str, Any]:
    truth = lung_boxes(rows)
    scores, swapped, refused = np.zeros((len(rows), 2)), 0, 0
    found = localized(localizer, [folder / row["file"] for row in rows], folder.name)
    for index, result in enumerate(found):
        if not result.regions:
            refused += 1
            continue
        boxes = [result.regions[name] for name in LUNGS]
        swapped += boxes[0].x1 + boxes[0].x2 >= boxes[1].x1 + boxes[1].x2
        scores[index] = [box.iou(true) for box, true in zip(boxes, truth[index], strict=True)]
    constant = np.array([[box.iou(true) for box, true in zip(floor, pair, strict=True)] for pair in truth])
    return {
        "films": len(rows),
        "iou": scores.mean(),
        "iou_right": scores[:, 0].mean(),
        "iou_left": scores[:, 1].mean(),
        "iou_worst_tenth": np.sort(scores.mean(1))[: max(1, len(rows) // 10)].mean(),
        "floor_iou": constant.mean(),
        "p_no_better_than_floor": p_no_better(scores.mean(1), constant.mean(1)),
        "refused": refused,
        "sides_swapped": swapped,
    }


def kinds(localizer: Localizer, openi: Path) -> dict[str, Any]:
    rows = [row for row in films.rows(openi / "reports.csv") if films.held_out_study(row["uid"])]
    rows = [row for row in rows if row["projection"] in ("Frontal", "Lateral")]
    found = localized(localizer, [openi / row["file"] for row in rows], "openi")
    right = {"frontal": [], "lateral": []}
    upright, wrong = 0, []
    for row, result in zip(rows, found, strict=True):
        kind = row["projection"].lower()
        right[kind].append(result.kind == kind)
        upright += result.rotation == 0
        if result.kind != kind:
            wrong.append(row["file"])
    return {
        "films": len(rows),
        "accuracy": np.mean(right["frontal"] + right["lateral"]),
        "frontal": np.mean(right["frontal"]),
        "lateral": np.mean(right["lateral"]),
        "upright": upright / len(rows),
        "wrong": wrong,
    }


def rotation(localizer: Localizer, folder: Path) -> dict[str, Any]:
    rows = films.rows(folder / "labels.csv")
    found = localized(localizer, [folder / row["file"] for row in rows], "rotation_qc")
    wrong = [
        row["file"]
        for row, result in zip(rows, found, strict=True)
        if result.rotation != 90 * int(row["rotated90_ccw"])
    ]
    return {"films": len(rows), "accuracy": 1 - len(wrong) / len(rows), "wrong": wrong}


def measure(data: Path) -> dict[str, Any]:
    localizer, anatomy = Localizer.load(), data / "anatomy"
    shenzhen = films.rows(anatomy / "shenzhen.csv")
    held_out = [row for row in shenzhen if films.held_out_shenzhen(row["file"])]
    floor = constant_boxes(lung_boxes([row for row in shenzhen if not films.held_out_shenzhen(row["file"])]))
    result: dict[str, Any] = {
        "shenzhen": lungs(localizer, anatomy, held_out, floor),
        "covid_lungbox": lungs(localizer, anatomy, films.rows(anatomy / "covid_lungbox.csv"), floor),
        "kind": kinds(localizer, data / "openi"),
        "rotation": rotation(localizer, data / "rotation_qc"),
    }
    hips = [load_film(path).pixels for path in sorted((data / "dicom/negative_not_chest").glob("*.dcm"))]
    result["hip_refused"] = all(found.kind == "other" for found in localizer(hips))
    sample = [load_film(anatomy / row["file"]).pixels for row in held_out[:50]]
    start = time.perf_counter()
    localizer(sample)
    result["films_per_second"] = len(sample) / (time.perf_counter() - start)
    return result


def table(result: dict[str, Any]) -> Iterator[str]:
    for name, value in result.items():
        if not isinstance(value, dict):
            yield f"{name:<16} {value:.1f}" if isinstance(value, float) else f"{name:<16} {value}"
            continue
        yield name
        for key, figure in value.items():
            yield f"  {key:<24} {figure:.4f}" if isinstance(figure, float) else f"  {key:<24} {figure}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"), help="folder of the real films")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    args = parser.parse_args()
    if args.data is None:
        parser.error("name the folder of the real films: --data DIR or RADTRACE_DATA")
    result = measure(args.data)
    print(json.dumps(result, default=float) if args.json else "\n".join(table(result)))


if __name__ == "__main__":
    main()
