"""The anatomy of a phantom: outlines and the 35 region boxes, before anything is drawn.

All coordinates are fractions of the film's width and height; `outward` distances are measured from the midline towards
a side. The patient's right is the image's left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from radtrace.geometry import Box

Side = Literal["right", "left"]
SIDES: tuple[Side, Side] = ("right", "left")
Curve = npt.NDArray[np.float64]
"""(N, 2) points x, y."""
Points = Sequence[tuple[float, float]]

SIGN: dict[Side, int] = {"right": -1, "left": 1}
LABEL_TOP = 0.915
"""Nothing of a region lies below: the band where the film is marked as synthetic."""

_LATERAL: Points = (
    (0.050, 0.320),
    (0.062, 0.190),
    (0.088, 0.118),
    (0.140, 0.088),
    (0.205, 0.112),
    (0.268, 0.185),
    (0.322, 0.310),
    (0.358, 0.470),
    (0.380, 0.640),
    (0.386, 0.760),
    (0.383, 0.825),
)
"""Lung border from the hilum over the apex down to the costophrenic angle, outward and y."""
_DOME: Points = ((0.383, 0.825), (0.345, 0.762), (0.275, 0.712), (0.190, 0.697), (0.110, 0.712), (0.045, 0.745))
_HEART: dict[Side, Points] = {
    "right": ((0.05, 0.00), (0.20, 0.16), (0.30, 0.38), (0.335, 0.62), (0.30, 0.84), (0.20, 0.98)),
    "left": ((0.12, 0.00), (0.26, 0.12), (0.42, 0.34), (0.57, 0.58), (0.665, 0.80), (0.60, 0.97), (0.36, 1.03)),
}
"""Heart border, outward in widths and downward in heights of the heart."""


@dataclass(frozen=True, slots=True)
class Body:
    """The measures in which one phantom differs from another.

    broad, tall: scale of the thorax around its middle.
    lift: how far the domes stand above the base drawing, by side.
    cardiothoracic: width of the heart over the inner width of the thorax.
    tilt: rise of the clavicles' outer ends.
    """

    midline: float
    broad: float
    tall: float
    lift: dict[Side, float]
    cardiothoracic: float
    tilt: float

    @classmethod
    def draw(cls, rng: np.random.Generator, cardiothoracic: float) -> "Body":
        """A body by chance; its right dome is the higher one."""
        left_lift = rng.uniform(-0.02, 0.015)
        return cls(
            midline=0.5 + rng.uniform(-0.012, 0.012),
            broad=rng.uniform(0.96, 1.05),
            tall=rng.uniform(0.96, 1.02),
            lift={"right": left_lift + rng.uniform(0.02, 0.035), "left": left_lift},
            cardiothoracic=cardiothoracic,
            tilt=rng.uniform(0.015, 0.05),
        )

    def at(self, side: Side, outward: float, y: float) -> tuple[float, float]:
        """(x, y) of a place given from the midline."""
        return self.midline + SIGN[side] * outward * self.broad, 0.5 + (y - 0.5) * self.tall

    def curve(self, side: Side, points: Points) -> Curve:
        """A smooth line through places given from the midline."""
        return smooth([self.at(side, outward, y) for outward, y in points])

    def dome(self, side: Side) -> Curve:
        """The diaphragm from the costophrenic angle to the midline."""
        weights = (0.0, 0.6, 1.0, 1.0, 1.0, 0.8)
        lift = self.lift[side]
        return self.curve(side, [(x, y - lift * weight) for (x, y), weight in zip(_DOME, weights, strict=True)])

    def lung(self, side: Side) -> Curve:
        """Closed outline of the aerated lung, behind the heart included."""
        return np.concatenate([self.curve(side, _LATERAL), self.dome(side)])

    def heart(self) -> Curve:
        """Closed outline of the heart, resting on the domes."""
        width = self.cardiothoracic * 2 * max(x for x, _ in _DOME)
        top, height = 0.42, 0.325
        halves = {
            side: self.curve(side, [(x * width, top + y * height) for x, y in points])
            for side, points in _HEART.items()
        }
        return np.concatenate([halves["right"][::-1], halves["left"]])

    def clavicle(self, side: Side) -> Curve:
        """Midline of the bone, from the manubrium outwards."""
        ends = ((0.035, 0.172), (0.10, 0.158), (0.20, 0.140 - self.tilt / 2), (0.32, 0.135 - self.tilt))
        return self.curve(side, ends)

    def rib(self, side: Side, number: int) -> tuple[Curve, Curve]:
        """Posterior and anterior part of a rib, 1 … 9 from above."""
        y = 0.065 + 0.073 * number
        reach = float(np.interp(y + 0.03, [point[1] for point in _LATERAL[4:]], [point[0] for point in _LATERAL[4:]]))
        back = ((0.030, y), (0.45 * reach, y - 0.012), (0.80 * reach, y + 0.022), (reach + 0.012, y + 0.080))
        front = (
            (reach + 0.012, y + 0.080),
            (0.85 * reach, y + 0.125),
            (0.55 * reach, y + 0.165),
            (0.36 * reach, y + 0.178),
        )
        return self.curve(side, back), self.curve(side, front)

    def regions(self) -> dict[str, Box]:
        """Boxes of the 35 regions of `radtrace.anatomy.REGIONS`."""
        return self._central_regions() | {
            f"{side} {name}": box for side in SIDES for name, box in self._sided_regions(side).items()
        }

    def _central_regions(self) -> dict[str, Box]:
        outline = self.heart()
        heart = hull(outline)
        right_border = outline[(outline[:, 0] <= self.midline) & (outline[:, 1] >= self.at("right", 0, 0.52)[1])]
        upper = self._box("right", 0.105, 0.105, "left", 0.115, 0.36)
        return {
            "mediastinum": Box.hull([upper, heart]),
            "upper mediastinum": upper,
            "cardiac silhouette": heart,
            "right atrium": hull(np.vstack([right_border, (self.midline, right_border[0, 1])])),
            "aortic arch": self._box("right", -0.005, 0.275, "left", 0.098, 0.375),
            "descending aorta": self._box("right", -0.01, 0.36, "left", 0.085, 0.74),
            "svc": self._box("right", 0.085, 0.25, "right", 0.025, 0.44),
            "cavoatrial junction": self._box("right", 0.105, 0.42, "right", 0.02, 0.50),
            "trachea": self._box("right", 0.04, 0.03, "left", 0.025, 0.375),
            "carina": self._box("right", 0.05, 0.335, "left", 0.04, 0.405),
            "spine": self._box("right", 0.055, 0.03, "left", 0.055, 0.90),
        }

    def _sided_regions(self, side: Side) -> dict[str, Box]:
        lung, dome = hull(self.lung(side)), hull(self.dome(side))
        ribs = [hull(part) for number in range(1, 10) for part in self.rib(side, number)]
        heart_edge = (
            abs((hull(self.heart()).x1 if side == "right" else hull(self.heart()).x2) - self.midline) / self.broad
        )
        third = (lung.y2 - lung.y1) / 3
        edge, angle_y = _DOME[0]
        return {
            "lung": lung,
            "apical zone": self._band(side, lung.y1, lung.y1 + 0.45 * third),
            "upper lung zone": self._band(side, lung.y1, lung.y1 + third),
            "mid lung zone": self._band(side, lung.y1 + third, lung.y1 + 2 * third),
            "lower lung zone": self._band(side, lung.y1 + 2 * third, lung.y2),
            "hilar structures": self._box(side, 0.04, 0.36, side, 0.165, 0.53),
            "costophrenic angle": self._box(side, edge - 0.105, angle_y - 0.10, side, edge + 0.012, angle_y + 0.012),
            "cardiophrenic angle": self._box(side, heart_edge - 0.045, 0.66, side, heart_edge + 0.055, 0.765),
            "hemidiaphragm": Box.of((dome.x1, dome.y1 - 0.012, dome.x2, dome.y2)),
            "clavicle": hull(self.clavicle(side), 0.014),
            "ribs": Box.hull([*ribs, lung]),
            "upper abdomen": Box.of((dome.x1, dome.y1, dome.x2, LABEL_TOP)),
        }

    def _box(self, side1: Side, outward1: float, y1: float, side2: Side, outward2: float, y2: float) -> Box:
        """The box whose opposite corners are two places."""
        return hull(np.array([self.at(side1, outward1, y1), self.at(side2, outward2, y2)]))

    def _band(self, side: Side, y1: float, y2: float) -> Box:
        """The lung between two heights."""
        lung = self.lung(side)
        part = hull(lung[(lung[:, 1] >= y1) & (lung[:, 1] <= y2)])
        medial = self.at(side, _LATERAL[0][0], 0)[0]
        x1, x2 = min(part.x1, medial), max(part.x2, medial)
        return Box.of((x1, y1, x2, y2))


def smooth(points: Points | Curve) -> Curve:
    """A cubic spline through the points, by chord length, 60 points."""
    knots = np.asarray(points, np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    places: Curve = CubicSpline(along, knots)(np.linspace(0.0, along[-1], 60))
    return places


def hull(points: Curve, margin: float = 0.0) -> Box:
    """The smallest box around points, grown by a margin and clipped to the film."""
    low, high = np.clip(points.min(axis=0) - margin, 0, 1), np.clip(points.max(axis=0) + margin, 0, 1)
    return Box.of((*low.tolist(), *high.tolist()))
