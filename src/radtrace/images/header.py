"""What a DICOM header says about a film, where it can be believed: pixel size, projection, orientation."""

import math
from typing import Any

from radtrace.images.film import Orientation
from radtrace.records import FRONTAL, Projection

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_PLAUSIBLE_MM = (0.01, 5.0)

_VIEW_POSITIONS: dict[str, Projection] = {
    "PA": "PA",
    "AP": "AP",
    "LL": "lateral",
    "RL": "lateral",
    "LAT": "lateral",
    "LATERAL": "lateral",
    "LLD": "frontal",
    "RLD": "frontal",
}
"""Defined terms of PS3.3 C.8.1.1, and two that are usual. A decubitus film is frontal: the patient lies on the side."""

_VIEW_CODES: dict[str, Projection] = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-40888": "PA",
    "R-10214": "PA",
    "399033003": "frontal",
    "R-10202": "frontal",
    "399067008": "lateral",
    "R-102CD": "lateral",
    "399173006": "lateral",
    "R-10236": "lateral",
    "399198007": "lateral",
    "R-10232": "lateral",
}
"""SNOMED CT codes of PS3.16 CID 4010 and the SNOMED-RT style ones that they replaced."""


def spacing(dataset: Any) -> tuple[float, float] | None:
    """Pixel size in mm (between rows, between columns); None where it is absent, zero or absurd.

    Pixel Spacing, which is calibrated to the patient where it differs from that at the detector, comes before Imager
    Pixel Spacing, and that before Nominal Scanned Pixel Spacing of a digitized film.
    Source:  PS3.3 10.7.1.3, C.8.11.4, C.8.6.2.
    """
    for keyword in _SPACINGS:
        values = _numbers(dataset.get(keyword))
        if len(values) == 2 and all(_PLAUSIBLE_MM[0] <= mm <= _PLAUSIBLE_MM[1] for mm in values):
            return values[0], values[1]
    return None


def pixel_aspect(dataset: Any) -> float:
    """Height over width of a pixel, 1 where the header does not say or is absurd; PS3.3 C.7.6.3.1.7."""
    mm = spacing(dataset) or tuple(_numbers(dataset.get("PixelAspectRatio")))
    if len(mm) != 2 or min(mm) <= 0:
        return 1.0
    aspect = mm[0] / mm[1]
    return aspect if 0.5 <= aspect <= 2 and abs(aspect - 1) > 1e-3 else 1.0


def view(dataset: Any) -> tuple[Projection, Orientation | None]:
    """Projection and orientation; what contradicts something else in the header is not believed, nor is the other."""
    position = _VIEW_POSITIONS.get(str(dataset.get("ViewPosition") or "").strip().upper(), "unknown")
    code = _VIEW_CODES.get(_view_code(dataset), "unknown")
    projection = _agreed(position, code)
    orientation = _orientation(dataset)
    if projection is None:
        return "unknown", orientation
    if orientation is None:
        return projection, None
    implied: Projection = "lateral" if orientation.mirrored is None else "frontal"
    agreed = _agreed(projection, implied)
    return (agreed, orientation) if agreed else ("unknown", None)


def _agreed(one: Projection, other: Projection) -> Projection | None:
    """What both say, "frontal" being less than PA or AP and "unknown" nothing; None where they contradict."""
    if one == other or other == "unknown":
        return one
    if one == "unknown":
        return other
    if one in FRONTAL and other in FRONTAL and "frontal" in (one, other):
        return other if one == "frontal" else one
    return None


def _view_code(dataset: Any) -> str:
    items = dataset.get("ViewCodeSequence")
    return str(items[0].get("CodeValue") or "").strip() if items else ""


def _orientation(dataset: Any) -> Orientation | None:
    """Two axes, one of them along the body, by the first letter of each (the others tell of an oblique film).

    None where an axis points both ways.
    """
    values = dataset.get("PatientOrientation") or ()
    if isinstance(values, str) or len(values) != 2:
        return None
    row, column = (str(value).strip().upper() for value in values)
    if not (0 < len(row) <= 3 and 0 < len(column) <= 3 and set(row + column) <= set("LRAPHF")):
        return None
    if any(set(pair) <= set(axis) for pair in ("LR", "AP", "HF") for axis in (row, column)):
        return None
    if (row[0] in "HF") == (column[0] in "HF"):
        return None
    return Orientation(row[0], column[0])


def _numbers(value: object) -> list[float]:
    """The finite numbers of a multi-valued element; none where one of them is no number."""
    if value is None or isinstance(value, str | bytes):
        return []
    try:
        numbers = [float(one) for one in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return []
    return numbers if all(map(math.isfinite, numbers)) else []
