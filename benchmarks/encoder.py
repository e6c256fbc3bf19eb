"""How reading encoders do on another hospital's films, and whether they look where a finding is.

    python benchmarks/encoder.py ENCODER ... [--data DIR] [--json]

ENCODER: a directory that `radtrace train recipes/encoder.toml` wrote; `figures.json` beside it has the figures on val.
AUROC: against the labels of the NIH films, which were mined from reports and are noisy; with films of patients that the
recipe learnt from they tell less, so only the patients with finding boxes, whom it leaves out, count for "boxed".
Pointing: how often the cell that a finding looks at most lies in one of its boxes; floor: the best of the map's cells
for each finding, chosen on the same films; chance: the boxes' share of the film.
"""

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from radtrace.geometry import Box, letterbox
from radtrace.models.encoder import Encoder, load_encoder
from radtrace.records import Study
from radtrace.sources import open_source
from radtrace.train.encoder.scores import auroc

_FEWEST = 10
_BATCH = 16
Films = list[tuple[Study, npt.NDArray[np.float32]]]


def main() -> None:
    """Print a line an encoder, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoders", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"), help="default: RADTRACE_DATA")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = open_source({"kind": "nih_boxes", "root": options.data / "boxes" / "nih"})
    films = [(study, source.film(study.views[0]).pixels) for study in source.studies() if isinstance(study, Study)]
    rows = {str(path): measured(load_encoder(path), films) for path in options.encoders}
    if options.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(name)
        for key, value in row.items():
            print(f"  {key}: {value:.3f}" if isinstance(value, float) else f"  {key}: {value}")


def measured(encoder: Encoder, films: Films) -> dict[str, Any]:
    """All figures of one encoder."""
    parts = [
        encoder.encode([(film, None) for _, film in films[at : at + _BATCH]]) for at in range(0, len(films), _BATCH)
    ]
    logits = torch.cat([part.logits for part in parts]).numpy()
    weights = torch.cat([part.weights[:, 0] for part in parts]).numpy()
    boxed = np.array([any(label.box for label in study.labels) for study, _ in films])
    everything, some = (_aurocs(encoder, [s for s, _ in films], logits, rows) for rows in (boxed | True, boxed))
    return {
        "auroc": float(np.mean(list(everything.values()))),
        "auroc_boxed": float(np.mean(list(some.values()))),
        "aurocs": everything,
        **_pointing(encoder, films, weights),
    }


def _aurocs(
    encoder: Encoder, studies: list[Study], logits: npt.NDArray[np.float32], rows: npt.NDArray[np.bool_]
) -> dict[str, float]:
    found = {}
    for column, name in enumerate(encoder.labels):
        truth = np.array([any(label.label == name and not label.box for label in study.labels) for study in studies])
        if min(truth[rows].sum(), (~truth[rows]).sum()) >= _FEWEST:
            found[name] = auroc(logits[rows, column].astype(np.float64), truth[rows])
    return found


def _pointing(encoder: Encoder, films: Films, weights: npt.NDArray[np.float32]) -> dict[str, Any]:
    side, cells = encoder.network.config.side, encoder.network.config.cells
    hits, shares, where = defaultdict(list), [], defaultdict(list)
    for (study, film), looked in zip(films, weights, strict=True):
        for name in {label.label for label in study.labels if label.box} & set(encoder.labels):
            boxes = [label.box for label in study.labels if label.box and label.label == name]
            inside = _inside(boxes, film.shape[1], film.shape[0], side, cells)
            hits[name].append(bool(inside.flat[looked[encoder.labels.index(name)].argmax()]))
            where[name].append(inside)
            shares.append(float(np.mean(inside)))
    count = sum(map(len, hits.values()))
    return {
        "pointing": sum(map(sum, hits.values())) / count,
        "pointing_floor": sum(float(np.sum(maps, axis=0).max()) for maps in where.values()) / count,
        "pointing_chance": float(np.mean(shares)),
        "pointings": {name: [sum(each), len(each)] for name, each in hits.items()},
    }


def _inside(boxes: list[Box], width: int, height: int, side: int, cells: int) -> npt.NDArray[np.bool_]:
    """Which cells of the map have their centre in one of the boxes, (cells, cells)."""
    centres = (np.arange(cells) + 0.5) * side / cells
    inside = np.zeros((cells, cells), bool)
    for box in boxes:
        written = letterbox(side).write(box, width, height)
        assert written is not None
        x1, y1, x2, y2 = written.coords
        inside |= ((centres >= y1) & (centres <= y2))[:, None] & ((centres >= x1) & (centres <= x2))
    return inside


if __name__ == "__main__":
    main()
