"""How well the bundled localizer finds the anatomy, and whether it knows what it is looking at.

    python benchmarks/localize.py [--data DIR] [--only NAME ...] [--workers N] [--json]

NAME: what is measured; everything unless named. A film without regions counts 0 wherever boxes are scored.

    lungs       lung boxes, held-out Shenzhen and covid_lungbox (people's boxes, looser by convention)
    regions     all 35 regions, held-out Shenzhen, against the same geometry on the lungs that people outlined
    pointing    the regions of report-like sentences against finding boxes (see localization/pointing.py)
    ratio       the cardiothoracic ratio against cardiomegaly in Open-I: AUC, sensitivity and specificity above .50
    heart       the heart's box against boxes of cardiomegaly
    kind        frontal or lateral, Open-I studies that training never saw
    projection  AP or PA, patients that training never saw: how often told, and how often then right
    warnings    what is said against held-out frontal films
    rotation    quarter turns, rotation_qc
    changed     held-out films turned or inverted: are they known, and do the boxes turn back to the same place
    hip         films of no chest, refused
    speed       films a second

Floors are constant boxes of greatest mean IoU, fitted on training films, or on the other patients' boxes where these
are all there is. p: one-sided sign flips (9,999) that the localizer is no better. Three figures in brackets: a mean
and its 95% bootstrap interval over films, studies or patients (2,000).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "weights"))

from localization.heart import cardiothoracic, heart_boxes
from localization.kinds import changed, hips, kinds, projections, rotation, warnings
from localization.located import Locator
from localization.pointing import pointing
from localization.regions import all_regions, lungs
from localization.speed import speed

_WIDTH = 170
"""Characters of a line of the table."""

MEASURED: dict[str, Callable[[Path, Locator], dict[str, Any]]] = {
    "lungs": lungs,
    "regions": all_regions,
    "pointing": pointing,
    "ratio": cardiothoracic,
    "heart": heart_boxes,
    "kind": kinds,
    "projection": projections,
    "warnings": warnings,
    "rotation": rotation,
    "changed": changed,
    "hip": hips,
}


def measure(data: Path, names: list[str], workers: int) -> dict[str, Any]:
    with Locator(workers) as locate:
        result = {name: MEASURED[name](data, locate) for name in MEASURED if name in names}
    if "speed" in names:
        result["speed"] = speed(data)  # when the workers are gone
    return result


def table(result: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Lines of a nested result; a part that holds only figures stands on one line where it fits."""
    for name, value in result.items():
        line = f"{indent}{name:<{40 - len(indent)}} {_shown(value)}"
        if isinstance(value, dict) and (len(line) > _WIDTH or any(isinstance(part, dict) for part in value.values())):
            yield f"{indent}{name}"
            yield from table(value, indent + "  ")
        else:
            yield line


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_shown(part)}" for name, part in value.items())
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, tuple):
        return f"[{' '.join(map(_shown, value))}]"
    return str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"), help="folder of the real films")
    names = (*MEASURED, "speed")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help="what is measured")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes of one thread each")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    args = parser.parse_args()
    if args.data is None:
        parser.error("name the folder of the real films: --data DIR or RADTRACE_DATA")
    result = measure(args.data, args.only, args.workers)
    print(json.dumps(result, default=float) if args.json else "\n".join(table(result)))


if __name__ == "__main__":
    main()
