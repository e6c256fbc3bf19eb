"""Boxes, and every coordinate convention of the field as a named `Frame`.

A `Box` is stored in fractions of the original, unrotated view. Papers and tools write boxes in other frames (pixels,
a squashed 336x336 square, a short-edge resize with centre crop, 0-1000 …); only this module converts between them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, FiniteFloat, model_validator

_SLACK = 1e-6  # a source's 1.0000001 is rounding, not a wrong box


class Box(BaseModel):
    """Part of one view: xyxy fractions of (width, height), origin top left.

    The patient's right is the image's left. 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1, validated on construction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    x1: FiniteFloat
    y1: FiniteFloat
    x2: FiniteFloat
    y2: FiniteFloat

    @model_validator(mode="before")
    @classmethod
    def _forgive_rounding(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {name: _snap(value) if isinstance(value, float) else value for name, value in values.items()}

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not (0 <= self.x1 < self.x2 <= 1 and 0 <= self.y1 < self.y2 <= 1):
            raise ValueError(f"box {self.xyxy} is outside the view or inverted: expected 0 <= x1 < x2 <= 1, same for y")
        if not self.area:  # both sides are positive, and their product is too small for a number
            raise ValueError(f"box {self.xyxy} has no area")
        return self

    @classmethod
    def of(cls, xyxy: Iterable[float]) -> Self:
        """A box from four fractions (x1, y1, x2, y2). Raises ValueError where they are no box."""
        values = tuple(xyxy)
        if len(values) != 4:
            raise ValueError(f"a box has 4 coordinates, not {len(values)}")
        x1, y1, x2, y2 = map(float, values)
        if (
            0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 and (x2 - x1) * (y2 - y1)
        ):  # all that the validators would ask, at a tenth of their cost
            return cast(Self, cls.model_construct(x1=x1, y1=y1, x2=x2, y2=y2))
        return cls(x1=x1, y1=y1, x2=x2, y2=y2)

    @classmethod
    def hull(cls, boxes: Iterable[Self]) -> Self:
        """The smallest box that contains all of them. Raises ValueError where there are none."""
        corners = [box.xyxy for box in boxes]
        if not corners:
            raise ValueError("the hull of no boxes")
        x1s, y1s, x2s, y2s = zip(*corners, strict=True)
        return cls.of((min(x1s), min(y1s), max(x2s), max(y2s)))

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """(x1, y1, x2, y2)."""
        return self.x1, self.y1, self.x2, self.y2

    @property
    def area(self) -> float:
        """Fraction of the view's area, in (0, 1]."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def intersection(self, other: Self) -> float:
        """Area shared with another box, as a fraction of the view's area."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Self) -> float:
        """Intersection over union, in [0, 1]."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)

    def contains(self, x: float, y: float) -> bool:
        """Whether a point, in fractions of the view, lies in the box or on its edge."""
        return self.x1 <= x <= self.x2 and self.y1 <= y <= self.y2

    def turned(self, degrees: int) -> Self:
        """The same part of the view after the view is turned counter-clockwise by 0, 90, 180 or 270 degrees."""
        x1, y1, x2, y2 = self.xyxy
        corners = {
            0: (x1, y1, x2, y2),
            90: (y1, 1 - x2, y2, 1 - x1),
            180: (1 - x2, 1 - y2, 1 - x1, 1 - y1),
            270: (1 - y2, x1, 1 - y1, x2),
        }
        if degrees not in corners:
            raise ValueError(f"a view is turned by 0, 90, 180 or 270 degrees, not {degrees}")
        return self.of(corners[degrees])

    def mirrored(self) -> Self:
        """The same part of the view after left and right of the view are exchanged."""
        return self.of((1 - self.x2, self.y1, 1 - self.x1, self.y2))

    def padded(self, margin: float) -> Self:
        """The box grown by `margin` (a fraction of the box's own sides) on each side, clipped to the view."""
        dx, dy = margin * (self.x2 - self.x1), margin * (self.y2 - self.y1)
        return self.of((max(0.0, self.x1 - dx), max(0.0, self.y1 - dy), min(1.0, self.x2 + dx), min(1.0, self.y2 + dy)))

    def snapped(self, cells: int) -> Self:
        """The box grown outward to the lines of a grid of cells x cells over the whole view."""
        xs, ys = (_cells(low, high, cells) for low, high in ((self.x1, self.x2), (self.y1, self.y2)))
        return self.of((xs[0] / cells, ys[0] / cells, xs[1] / cells, ys[1] / cells))

    def pixel_slices(self, width: int, height: int) -> tuple[slice, slice]:
        """(rows, columns) of the pixels that the box touches in an image of that size; never empty."""
        x1, y1 = min(math.floor(self.x1 * width), width - 1), min(math.floor(self.y1 * height), height - 1)
        x2, y2 = math.ceil(self.x2 * width - _SLACK), math.ceil(self.y2 * height - _SLACK)
        return slice(y1, max(y2, y1 + 1)), slice(x1, max(x2, x1 + 1))


def covered(boxes: Sequence[Box], others: Sequence[Box]) -> float:
    """Share of the area under any of the boxes that is under any of the others too, in [0, 1], exact.

    Raises:  ValueError where there are no boxes.
    """
    if not boxes:
        raise ValueError("the share of no boxes")
    corners = np.array([box.xyxy for box in (*boxes, *others)])
    xs, ys = np.unique(corners[:, 0::2]), np.unique(corners[:, 1::2])
    areas = np.outer(np.diff(ys), np.diff(xs))
    own, shared = (_under(each, xs, ys) for each in (boxes, others))
    return float(areas[own & shared].sum() / areas[own].sum())


def _under(boxes: Sequence[Box], xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which cells between these lines, rows by columns, lie under any of the boxes."""
    under = np.zeros((len(ys) - 1, len(xs) - 1), np.bool_)
    for box in boxes:
        left, right = np.searchsorted(xs, (box.x1, box.x2))
        top, bottom = np.searchsorted(ys, (box.y1, box.y2))
        under[top:bottom, left:right] = True
    return under


def _cells(low: float, high: float, cells: int) -> tuple[int, int]:
    """The grid lines around a range of fractions, at least one cell apart."""
    first = min(math.floor(low * cells + _SLACK), cells - 1)
    return first, max(math.ceil(high * cells - _SLACK), first + 1)


def fitted(width: int, height: int, side: int) -> tuple[int, int, int, int]:
    """(width, height, left, top) of a picture resized into a square of `side` pixels, its aspect kept, centred."""
    factor = side / max(width, height)
    w, h = max(1, round(width * factor)), max(1, round(height * factor))
    return w, h, (side - w) // 2, (side - h) // 2


def _snap(value: float) -> float:
    if -_SLACK <= value < 0:
        return 0.0
    if 1 < value <= 1 + _SLACK:
        return 1.0
    return value


@dataclass(frozen=True, slots=True)
class FrameBox:
    """A box written in a frame: four whole numbers, and how much of the original box the frame shows.

    coords: (x1, y1, x2, y2), or (x, y, width, height) in an xywh frame, in the frame's units.
    visible: fraction of the original box's area that lies inside the frame, in (0, 1].
    """

    coords: tuple[int, int, int, int]
    visible: float


@dataclass(frozen=True, slots=True)
class _Affine:
    """Frame coordinate = fraction * scale + offset; the frame shows 0 … limit."""

    scale_x: float
    scale_y: float
    limit_x: float
    limit_y: float
    offset_x: float = 0.0
    offset_y: float = 0.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A named coordinate convention; conversions need the original view's size in pixels.

    `write` then `read` returns the visible part of the box within half a unit of the frame a side, for boxes at least
    one unit wide and high; a smaller one is widened to one unit.
    """

    name: str
    affine: Callable[[int, int], _Affine]
    xywh: bool = False

    @property
    def sized(self) -> bool:
        """Whether what its numbers mean hangs on the view's size in pixels."""
        return self.affine(1, 1) != self.affine(2, 3)

    def write(self, box: Box, width: int, height: int) -> FrameBox | None:
        """The box in this frame's whole units; None where a crop leaves nothing of it."""
        place = self._place(width, height)
        x1, x2 = (value * place.scale_x + place.offset_x for value in (box.x1, box.x2))
        y1, y2 = (value * place.scale_y + place.offset_y for value in (box.y1, box.y2))
        visible_x, visible_y = _visible(x1, x2, place.limit_x), _visible(y1, y2, place.limit_y)
        if not (visible_x and visible_y):
            return None
        ix1, ix2 = _whole(max(x1, 0.0), min(x2, place.limit_x), place.limit_x)
        iy1, iy2 = _whole(max(y1, 0.0), min(y2, place.limit_y), place.limit_y)
        coords = (ix1, iy1, ix2 - ix1, iy2 - iy1) if self.xywh else (ix1, iy1, ix2, iy2)
        return FrameBox(coords, visible_x * visible_y)

    def read(self, coords: Iterable[float], width: int, height: int) -> Box:
        """The box that four numbers of this frame mean. Raises ValueError where they lie outside it or are inverted."""
        values = tuple(coords)
        if len(values) != 4 or not all(map(math.isfinite, values)):
            raise ValueError(f"a box in frame {self.name!r} is four finite numbers, not {values}")
        x1, y1, x2, y2 = values
        if self.xywh:
            x2, y2 = x1 + x2, y1 + y2
        place = self._place(width, height)
        if not (-0.5 <= x1 < x2 <= _last(place.limit_x) and -0.5 <= y1 < y2 <= _last(place.limit_y)):
            raise ValueError(f"{values} is no box in frame {self.name!r} of a {width}x{height} view")
        xs = [_clip((x - place.offset_x) / place.scale_x) for x in (x1, x2)]
        ys = [_clip((y - place.offset_y) / place.scale_y) for y in (y1, y2)]
        return Box.of((xs[0], ys[0], xs[1], ys[1]))

    def read_all(self, corners: npt.NDArray[np.float64], width: int, height: int) -> list[Box]:
        """`read` for (N, 4) corners x1, y1, x2, y2 of one view, at a third of its cost."""
        place = self._place(width, height)
        limits = np.array([_last(place.limit_x), _last(place.limit_y)])
        starts, ends = corners[:, :2], corners[:, 2:]
        if not ((starts >= -0.5) & (starts < ends) & (ends <= limits)).all():
            raise ValueError(f"no boxes in frame {self.name!r} of a {width}x{height} view")
        offset, scale = (
            np.array([x, y] * 2) for x, y in ((place.offset_x, place.offset_y), (place.scale_x, place.scale_y))
        )
        return [Box.of(box) for box in np.clip((corners - offset) / scale, 0.0, 1.0).tolist()]

    def _place(self, width: int, height: int) -> _Affine:
        if width < 1 or height < 1:
            raise ValueError(f"a view of {width}x{height} pixels")
        return self.affine(width, height)


def _visible(low: float, high: float, limit: float) -> float:
    """How much of low … high lies in 0 … limit; a side too short for floating point is there or not."""
    if high <= low:
        return float(0 <= low <= limit)
    return max(0.0, (min(high, limit) - max(low, 0.0)) / (high - low))


def _last(limit: float) -> float:
    """The largest number that still means the frame's far edge: what rounds to it, or a last, partial unit's end."""
    return max(limit + 0.5, math.ceil(limit - _SLACK))


def _whole(low: float, high: float, limit: float) -> tuple[int, int]:
    """Nearest whole numbers, at least one apart, inside 0 … limit (a last, partial unit counts as one)."""
    top = math.ceil(limit - _SLACK)
    first, last = math.floor(low + 0.5), min(math.floor(high + 0.5), top)
    if first < last:
        return first, last
    first = min(math.floor(low), top - 1)
    return first, first + 1


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _pixels(width: int, height: int) -> _Affine:
    return _Affine(width, height, width, height)


def scaled(name: str, factor: float) -> Frame:
    """Pixels of the view resized by `factor`, e.g. one quarter (BoxMed-RL Sec. 4.2)."""
    return Frame(name, lambda w, h: _Affine(w * factor, h * factor, w * factor, h * factor))


def squash(side: int) -> Frame:
    """Pixels of the view resized to side x side without keeping its aspect."""
    return Frame(f"squash-{side}", lambda w, h: _Affine(side, side, side, side))


def grid(top: int) -> Frame:
    """Whole numbers 0 … top over each side, e.g. 0-999 (this project's dialect) or 0-1000 (Qwen-VL)."""
    return Frame(f"0-{top}", lambda w, h: _Affine(top, top, top, top))


def centre_crop(side: int) -> Frame:
    """Pixels after the short edge is resized to `side` and the centre side x side is cut out (Chameleon, Anole)."""
    return Frame(f"centre-crop-{side}", lambda w, h: _centred(w, h, side, side / min(w, h)))


def letterbox(side: int) -> Frame:
    """Pixels after the long edge is resized to `side` and the view is padded to side x side, centred."""
    return Frame(f"letterbox-{side}", lambda w, h: _centred(w, h, side, side / max(w, h)))


def _centred(width: int, height: int, side: int, factor: float) -> _Affine:
    w, h = width * factor, height * factor
    return _Affine(w, h, side, side, (side - w) / 2, (side - h) / 2)


FRAMES: dict[str, Frame] = {
    frame.name: frame
    for frame in (
        Frame("pixels", _pixels),
        Frame("pixels-xywh", _pixels, xywh=True),
        scaled("quarter", 0.25),
        squash(224),
        squash(336),
        squash(512),
        centre_crop(512),
        letterbox(512),
        grid(1000),
        grid(999),
    )
}
"""The frames by name; other sizes come from `squash`, `centre_crop`, `letterbox`, `grid` and `scaled`."""


Written = tuple[Sequence[float], tuple[int, int] | None]
"""A box as a source writes it, not yet read, and (width, height) of its view in pixels, None where unknown."""

FRACTION = "fraction"
"""Name of the frame that boxes are stored in."""
