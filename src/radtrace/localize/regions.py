"""The 35 regions from two lung masks: proportions of the lungs, their corners and the body's midline.

Everything here is in pixels of one upright frontal film (rows down, columns to the image's right; the patient's right
is the image's left). Nothing is learnt: the shares of lung height below are the levels of the thoracic vertebrae that
the structures lie at on an erect film in inspiration, adjusted on films of five hospitals, and the extents follow
Chest ImaGenome (Wu et al. 2021), whose boxes are wider than the structure itself.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Mask = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.float64]
Corners = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

THRESHOLD = 0.4
"""Probability above which a pixel is lung: of 0.2 … 0.5 the best for boxes on the films that training set aside."""

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
RIGHT_ATRIUM_TOP = 0.54
DESCENDING_AORTA = (0.30, 0.88)

# Half widths as shares of the chest's inner width.
TRACHEA_HALF_WIDTH = 0.05
CARINA_HALF_WIDTH = 0.07
SPINE_HALF_WIDTH = 0.065
AORTA_WIDTH = 0.10


@dataclass(frozen=True)
class Lung:
    """One lung, seen so that its lateral side is at small columns: the left lung is mirrored before.

    mask: (H, W), not empty.
    """

    mask: Mask

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """Rows that the lung touches."""
        return np.nonzero(self.mask.any(1))[0]

    @cached_property
    def lateral(self) -> Columns:
        """First lung column of every row of `rows`."""
        return np.asarray(self.mask[self.rows].argmax(1), np.float64)

    @cached_property
    def medial(self) -> Columns:
        """One past the last lung column of every row of `rows`."""
        return np.asarray(self.mask.shape[1] - self.mask[self.rows, ::-1].argmax(1), np.float64)

    @property
    def top(self) -> float:
        """Row of the apex."""
        return float(self.rows[0])

    @property
    def bottom(self) -> float:
        """One past the lowest row."""
        return float(self.rows[-1] + 1)

    @property
    def height(self) -> float:
        """Rows from apex to base."""
        return self.bottom - self.top

    @property
    def box(self) -> Corners:
        """The lung's own box."""
        return float(self.lateral.min()), self.top, float(self.medial.max()), self.bottom

    def level(self, share: float) -> float:
        """The row at a share of the lung's height."""
        return self.top + share * self.height

    def between(self, y1: float, y2: float) -> npt.NDArray[np.bool_]:
        """Which of `rows` lie in [y1, y2); the nearest one where none does."""
        inside: npt.NDArray[np.bool_] = (self.rows >= y1) & (self.rows < y2)
        if not inside.any():
            inside[np.abs(self.rows - (y1 + y2) / 2).argmin()] = True
        return inside

    def zone(self, shares: tuple[float, float]) -> Corners:
        """The lung's extent between two levels."""
        y1, y2 = self.level(shares[0]), self.level(shares[1])
        inside = self.between(y1, y2)
        return float(self.lateral[inside].min()), y1, float(self.medial[inside].max()), y2

    def medial_border(self, y1: float, y2: float) -> float:
        """The usual column of the medial border between two rows."""
        return float(np.median(self.medial[self.between(y1, y2)]))

    def corner(self, *, medial: bool) -> tuple[float, float]:
        """(column, row) of the costophrenic (lateral) or cardiophrenic (medial) corner.

        The lung's point that lies farthest down and to that side, both measured in sides of its box.
        """
        x1, y1, x2, y2 = self.box
        ends = self.medial if medial else self.lateral
        aside = (ends - x1 if medial else x2 - ends) / (x2 - x1)
        lower = self.rows >= self.level(0.5)
        score = np.where(lower, (self.rows + 1 - y1) / (y2 - y1) * 1.5 + aside, -np.inf)
        best = int(score.argmax())
        return float(ends[best]), float(self.rows[best] + 1)

    @cached_property
    def dome(self) -> float:
        """Row of the top of the hemidiaphragm: the highest lower border of the lung between its two corners."""
        left, right = sorted(round(self.corner(medial=side)[0]) for side in (False, True))
        margin = (right - left) // 6
        columns = self.mask[:, left + margin : max(right - margin, left + margin + 1)]
        columns = columns[:, columns.any(0)]
        if not columns.shape[1]:
            return self.level(0.9)
        lowest = self.mask.shape[0] - columns[::-1].argmax(0)
        return float(max(np.percentile(lowest, 5), self.level(0.55)))


@dataclass(frozen=True)
class Chest:
    """Both lungs of one film. view: the film's own rectangle, which no box leaves."""

    right: Mask
    left: Mask
    view: Corners

    @cached_property
    def right_lung(self) -> Lung:
        """As it lies on the film."""
        return Lung(self.right)

    @cached_property
    def left_lung(self) -> Lung:
        """Mirrored, so that its lateral side is at small columns."""
        return Lung(self.left[:, ::-1])

    def mirrored(self, x: float) -> float:
        """A column of the mirrored left lung as a column of the film, and back."""
        return float(self._across - x)

    @property
    def _across(self) -> int:
        return int(self.left.shape[1])

    @cached_property
    def width(self) -> float:
        """Columns between the lungs' outer borders."""
        return self.mirrored(self.left_lung.box[0]) - self.right_lung.box[0]

    @cached_property
    def top(self) -> float:
        """Row of the higher apex."""
        return min(self.right_lung.top, self.left_lung.top)

    @cached_property
    def height(self) -> float:
        """Mean height of the lungs."""
        return (self.right_lung.height + self.left_lung.height) / 2

    def level(self, share: float) -> float:
        """The row at a share of lung height below the mean apex."""
        return (self.right_lung.top + self.left_lung.top) / 2 + share * self.height

    @cached_property
    def _line(self) -> tuple[float, float]:
        """(slope, offset) of the midline: tilt from the lateral borders, place from the upper medial borders."""
        rows, in_right, in_left = np.intersect1d(self.right_lung.rows, self.left_lung.rows, return_indices=True)
        if len(rows) < 8:
            middle = (self.right_lung.box[2] + self.mirrored(self.left_lung.box[2])) / 2
            return 0.0, middle
        walls = (self.right_lung.lateral[in_right] + self._across - self.left_lung.lateral[in_left]) / 2
        medial = (self.right_lung.medial[in_right] + self._across - self.left_lung.medial[in_left]) / 2
        core = slice(len(rows) // 6, max(len(rows) * 3 // 4, len(rows) // 6 + 2))
        slope = float(np.clip(np.polyfit(rows[core], walls[core], 1)[0], -0.15, 0.15))
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
    def heart(self) -> Corners:
        """Between the most receding medial borders above the cardiophrenic corners."""
        top = self.level(HEART_TOP)
        borders, lows = [], []
        for lung in (self.right_lung, self.left_lung):
            low = max(lung.corner(medial=True)[1], top + 0.25 * self.height)
            borders.append(float(lung.medial[lung.between(top, low)].min()))
            lows.append(low)
        middle = self.midline(self.level(0.7))
        # A base hidden by fluid would draw the heart out to the chest wall.
        x1 = float(np.clip(borders[0], middle - 0.22 * self.width, middle - 0.05 * self.width))
        x2 = float(np.clip(self.mirrored(borders[1]), middle + 0.12 * self.width, middle + 0.42 * self.width))
        return x1, top, x2, min(max(lows) + 0.02 * self.height, self.level(1.02))


def boxes(chest: Chest) -> dict[str, Corners]:
    """Region -> corners in pixels, inside the view and at least 2% of its sides wide and high. All 35 regions."""
    found = {**_mediastinal(chest), **_bones(chest)}
    for side, lung in (("right", chest.right_lung), ("left", chest.left_lung)):
        for name, corners in _of_lung(chest, lung, side).items():
            found[f"{side} {name}"] = corners if side == "right" else _flipped(chest, corners)
    return {name: _within(corners, chest.view) for name, corners in found.items()}


def _flipped(chest: Chest, corners: Corners) -> Corners:
    x1, y1, x2, y2 = corners
    return chest.mirrored(x2), y1, chest.mirrored(x1), y2


def _of_lung(chest: Chest, lung: Lung, side: str) -> dict[str, Corners]:
    """What belongs to one lung, lateral at small columns."""
    x1, _, x2, _ = lung.box
    width, height = x2 - x1, lung.height
    cx, cy = lung.corner(medial=False)
    mx, my = lung.corner(medial=True)
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
    heart = chest.heart
    y1, y2 = chest.level(SVC[0]), chest.level(UPPER_MEDIASTINUM[1])
    right = chest.right_lung.medial_border(y1, y2)
    left = chest.mirrored(chest.left_lung.medial_border(y1, y2))
    middle = chest.midline(chest.level(0.4))
    right, left = min(right, middle - 0.05 * chest.width), max(left, middle + 0.06 * chest.width)
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
    right, left = chest.right_lung, chest.left_lung
    edges = (right.box[0] - outer, chest.mirrored(left.box[0]) + outer)
    for side, lung, start, end in (
        ("right", right, edges[0], chest.midline(right.level(0.5))),
        ("left", left, chest.midline(left.level(0.5)), edges[1]),
    ):
        found[f"{side} ribs"] = (start, lung.level(-0.04), end, lung.level(1.08))
        found[f"{side} upper abdomen"] = (start, lung.dome, end, min(view_bottom, lung.dome + 0.75 * chest.height))
    return found


def _within(corners: Corners, view: Corners) -> Corners:
    """Clipped to the view; what lies outside or is too thin becomes a sliver at its edge."""
    spans = []
    for low, high, first, last in zip(corners[:2], corners[2:], view[:2], view[2:], strict=True):
        least = 0.02 * (last - first)
        start = min(max(low, first), last - least)
        spans.append((start, max(min(high, last), start + least)))
    (x1, x2), (y1, y2) = spans
    return x1, y1, x2, y2


def clean(probabilities: npt.NDArray[np.float32], threshold: float = THRESHOLD) -> Mask:
    """One lung's mask without specks or holes: components of at least a fifth of the largest, holes filled.

    Args:    probabilities: (H, W) in [0, 1].
    """
    labels, count = ndimage.label(probabilities > threshold)
    if count == 0:
        return np.zeros(probabilities.shape, np.bool_)
    sizes = np.bincount(labels.ravel())[1:]
    kept = np.isin(labels, 1 + np.nonzero(sizes >= 0.2 * sizes.max())[0])
    filled: Mask = ndimage.binary_fill_holes(kept)
    return filled
