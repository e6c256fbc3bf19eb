"""The 35 regions from lungs, heart and mediastinum: their extents, corners and proportions, and the body's midline.

Everything here is in pixels of one upright frontal film (rows down, columns to the image's right; the patient's right
is the image's left). Nothing is learnt: the shares of lung height below are the levels of the thoracic vertebrae that
the structures lie at on an erect film in inspiration, adjusted on films of five hospitals, and the extents follow
Chest ImaGenome (Wu et al. 2021), whose boxes are wider than the structure itself.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radtrace.localize.outlines import Corners, Lung, Outline

Array = npt.NDArray[np.float64]

# Levels as shares of lung height, from the apex (0) to the lowest point of the lung (1).
APICAL_ZONE = (0.0, 0.18)
UPPER_ZONE = (0.0, 1 / 3)
MID_ZONE = (1 / 3, 2 / 3)
LOWER_ZONE = (2 / 3, 1.0)
CLAVICLE = (-0.05, 0.16)
UPPER_MEDIASTINUM = (-0.03, 0.40)
AORTIC_ARCH = (0.18, 0.36)
SVC = (0.16, 0.48)
CARINA = (0.31, 0.42)
TRACHEA = (-0.14, 0.38)
RIGHT_HILUM = (0.35, 0.60)
LEFT_HILUM = (0.32, 0.57)
CAVOATRIAL_JUNCTION = (0.44, 0.56)
HEART_TOP = 0.42
HIDDEN_HEART = 0.1
"""Of the heart's height: so much of it lies below the cardiophrenic corners, before the diaphragm, where no lung shows
it. Nine hearts that radiologists drew on NIH films end 6 to 25% lower than the corners."""
RIGHT_ATRIUM_TOP = 0.54
DESCENDING_AORTA = (0.30, 0.88)

# Half widths as shares of the chest's inner width.
TRACHEA_HALF_WIDTH = 0.05
CARINA_HALF_WIDTH = 0.07
SPINE_HALF_WIDTH = 0.065
AORTA_WIDTH = 0.10


@dataclass(frozen=True)
class Chest:
    """The anatomy of one film.

    right_lung, left_lung: as they lie on the film. view: the film's own rectangle, which no box leaves.
    heart, mediastinum: None where they cannot be made out; then the lungs' medial borders tell.
    """

    right_lung: Lung
    left_lung: Lung
    view: Corners
    heart: Outline | None = None
    mediastinum: Outline | None = None

    @property
    def right(self) -> Lung:
        """The right lung, its lateral side at small columns."""
        return self.right_lung

    @cached_property
    def left(self) -> Lung:
        """The left lung, mirrored so that its lateral side is at small columns."""
        return self.left_lung.mirrored()

    def mirrored(self, x: float) -> float:
        """A column of the mirrored left lung as a column of the film, and back."""
        return float(self._across - x)

    @property
    def _across(self) -> int:
        return int(self.left_lung.mask.shape[1])

    @cached_property
    def width(self) -> float:
        """Columns between the lungs' outer borders."""
        return self.mirrored(self.left.box[0]) - self.right.box[0]

    @cached_property
    def top(self) -> float:
        """Row of the higher apex."""
        return min(self.right.top, self.left.top)

    @cached_property
    def height(self) -> float:
        """Mean height of the lungs."""
        return (self.right.height + self.left.height) / 2

    def level(self, share: float) -> float:
        """The row at a share of lung height below the mean apex."""
        return (self.right.top + self.left.top) / 2 + share * self.height

    @cached_property
    def _line(self) -> tuple[float, float]:
        """(slope, offset) of the midline: tilt from the lateral borders, place from the upper medial borders."""
        rows = np.flatnonzero(self.right.mask.any(1) & self.left.mask.any(1))
        if len(rows) < 8:
            return 0.0, (self.right.box[2] + self.mirrored(self.left.box[2])) / 2
        in_right, in_left = (np.searchsorted(lung.rows, rows) for lung in (self.right, self.left))
        walls = (self.right.lateral[in_right] + self._across - self.left.lateral[in_left]) / 2
        medial = (self.right.medial[in_right] + self._across - self.left.medial[in_left]) / 2
        core = slice(len(rows) // 6, max(len(rows) * 3 // 4, len(rows) // 6 + 2))
        steps = rows[core] - rows[core].mean()
        slope = float(np.clip(steps @ walls[core] / (steps @ steps), -0.15, 0.15))
        upper = slice(len(rows) // 8, max(len(rows) // 2, len(rows) // 8 + 2))
        return slope, float(np.median(medial[upper] - slope * rows[upper]))

    def midline(self, y: float) -> float:
        """Column of the body's midline at a row."""
        slope, offset = self._line
        return slope * y + offset

    def along_midline(self, shares: tuple[float, float], half_width: float) -> Corners:
        """A band about the midline between two levels; half_width is a share of the chest's width."""
        return self.beside_midline(shares, -half_width, half_width)

    def beside_midline(self, shares: tuple[float, float], start: float, end: float) -> Corners:
        """A part of the chest between two levels and two distances from the midline (shares of the chest's width)."""
        y1, y2 = self.level(shares[0]), self.level(shares[1])
        x = self.midline((y1 + y2) / 2)
        return x + start * self.width, y1, x + end * self.width, y2

    @cached_property
    def heart_box(self) -> Corners:
        """Around the heart; without one, between the most receding medial borders above the cardiophrenic corners."""
        if self.heart:
            x1, y1, x2, y2 = self.heart.box
            return x1, y1, x2, y2 + HIDDEN_HEART * (y2 - y1)
        top = self.level(HEART_TOP)
        borders, lows = [], []
        for lung in (self.right, self.left):
            low = max(lung.cardiophrenic[1], top + 0.25 * self.height)
            borders.append(float(lung.medial[lung.between(top, low)].min()))
            lows.append(low)
        middle = self.midline(self.level(0.7))
        # A base hidden by fluid would draw the heart out to the chest wall.
        x1 = float(np.clip(borders[0], middle - 0.22 * self.width, middle - 0.05 * self.width))
        x2 = float(np.clip(self.mirrored(borders[1]), middle + 0.12 * self.width, middle + 0.42 * self.width))
        return x1, top, x2, min(max(lows) + 0.02 * self.height, self.level(1.02))

    def great_vessels(self, y1: float, y2: float) -> tuple[float, float]:
        """The usual right and left border of the mediastinum between two rows."""
        if self.mediastinum:
            inside = self.mediastinum.between(y1, y2)
            right = float(np.median(self.mediastinum.lateral[inside]))
            left = float(np.median(self.mediastinum.medial[inside]))
        else:
            right, left = self.right.medial_border(y1, y2), self.mirrored(self.left.medial_border(y1, y2))
        middle = self.midline(self.level(0.4))
        return min(right, middle - 0.05 * self.width), max(left, middle + 0.06 * self.width)


def boxes(chest: Chest) -> dict[str, Corners]:
    """Region -> corners in pixels, inside the view and at least 2% of its sides wide and high. All 35 regions."""
    found = {**_mediastinal(chest), **_bones(chest)}
    for side, lung in (("right", chest.right), ("left", chest.left)):
        for name, corners in _of_lung(chest, lung, side).items():
            found[f"{side} {name}"] = corners if side == "right" else _flipped(chest, corners)
    inside = _within(np.array(list(found.values())), chest.view)
    return dict(zip(found, map(tuple, inside.tolist()), strict=True))


def _flipped(chest: Chest, corners: Corners) -> Corners:
    x1, y1, x2, y2 = corners
    return chest.mirrored(x2), y1, chest.mirrored(x1), y2


def _of_lung(chest: Chest, lung: Lung, side: str) -> dict[str, Corners]:
    """What belongs to one lung, lateral at small columns."""
    x1, _, x2, _ = lung.box
    width, height = x2 - x1, lung.height
    cx, cy = lung.costophrenic
    mx, my = lung.cardiophrenic
    hilum = [lung.level(share) for share in (RIGHT_HILUM if side == "right" else LEFT_HILUM)]
    border = lung.medial_border(*hilum)
    clavicle = [lung.level(share) for share in CLAVICLE]
    middle = chest.midline(clavicle[1])
    return {
        "lung": lung.box,
        "apical zone": lung.zone(APICAL_ZONE),
        "upper lung zone": lung.zone(UPPER_ZONE),
        "mid lung zone": lung.zone(MID_ZONE),
        "lower lung zone": lung.zone(LOWER_ZONE),
        "costophrenic angle": (cx - 0.04 * width, cy - 0.14 * height, cx + 0.28 * width, cy + 0.03 * height),
        "cardiophrenic angle": (mx - 0.17 * width, my - 0.11 * height, mx + 0.15 * width, my + 0.05 * height),
        "hemidiaphragm": (x1, lung.dome - 0.04 * height, max(mx, x1 + 0.7 * width), lung.bottom + 0.02 * height),
        "hilar structures": (border - 0.3 * width, hilum[0], border + 0.1 * width, hilum[1]),
        "clavicle": (
            x1 - 0.08 * width,
            clavicle[0],
            (middle if side == "right" else chest.mirrored(middle)) - 0.02 * chest.width,
            clavicle[1],
        ),
    }


def _mediastinal(chest: Chest) -> dict[str, Corners]:
    heart = chest.heart_box
    right, left = chest.great_vessels(chest.level(SVC[0]), chest.level(UPPER_MEDIASTINUM[1]))
    middle = chest.midline(chest.level(0.4))
    inlet, base = (chest.level(share) for share in UPPER_MEDIASTINUM)
    svc_end = middle - 0.01 * chest.width
    junction = [chest.level(share) for share in CAVOATRIAL_JUNCTION]
    knob = [chest.level(share) for share in AORTIC_ARCH]
    return {
        "mediastinum": (min(right, heart[0]), inlet, max(left, heart[2]), heart[3]),
        "upper mediastinum": (right, inlet, left, base),
        "cardiac silhouette": heart,
        "right atrium": (heart[0], chest.level(RIGHT_ATRIUM_TOP), max(middle, heart[0] + 0.06 * chest.width), heart[3]),
        "aortic arch": (middle - 0.02 * chest.width, knob[0], left + 0.02 * chest.width, knob[1]),
        "descending aorta": chest.beside_midline(DESCENDING_AORTA, 0.0, AORTA_WIDTH),
        "svc": (right - 0.01 * chest.width, chest.level(SVC[0]), svc_end, chest.level(SVC[1])),
        "cavoatrial junction": (right - 0.03 * chest.width, junction[0], svc_end, junction[1]),
        "trachea": chest.along_midline(TRACHEA, TRACHEA_HALF_WIDTH),
        "carina": chest.along_midline(CARINA, CARINA_HALF_WIDTH),
    }


def _bones(chest: Chest) -> dict[str, Corners]:
    """Ribs, spine, and the abdomen under each dome."""
    _, view_top, _, view_bottom = chest.view
    middles = [chest.midline(y) for y in (view_top, view_bottom)]
    half = SPINE_HALF_WIDTH * chest.width
    found = {"spine": (min(middles) - half, view_top, max(middles) + half, view_bottom)}
    outer = 0.05 * chest.width
    right, left = chest.right, chest.left
    edges = (right.box[0] - outer, chest.mirrored(left.box[0]) + outer)
    for side, lung, start, end in (
        ("right", right, edges[0], chest.midline(right.level(0.5))),
        ("left", left, chest.midline(left.level(0.5)), edges[1]),
    ):
        found[f"{side} ribs"] = (start, lung.level(-0.04), end, lung.level(1.08))
        found[f"{side} upper abdomen"] = (start, lung.dome, end, min(view_bottom, lung.dome + 0.75 * chest.height))
    return found


def _within(corners: Array, view: Corners) -> Array:
    """(N, 4), clipped to the view; what lies outside or is too thin becomes a sliver at its edge."""
    first, last = np.array(view[:2]), np.array(view[2:])
    least = 0.02 * (last - first)
    start = np.minimum(np.maximum(corners[:, :2], first), last - least)
    end = np.maximum(np.minimum(corners[:, 2:], last), start + least)
    return np.concatenate([start, end], 1)
