"""What a mask outlines, a lung or the heart; its edges lie between pixels where the network tells depths."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Mask = npt.NDArray[np.bool_]
Depth = npt.NDArray[np.float32]
"""(H, W): how far a pixel lies inside (positive) or outside, in any unit; the edge is where it is nought."""
Columns = npt.NDArray[np.float64]
Corners = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

Index = tuple[Any, npt.NDArray[np.intp]]
_TINY = np.float32(1e-6)
_LEAST_PART = 0.2
"""Of the largest component: smaller ones are specks."""
_LEAST_SHARE = 0.7
"""Of a component, that has to lie in the columns of the largest one: a divided lung goes on above or below."""


@dataclass(frozen=True)
class Outline:
    """A mask and its edges.

    mask: (H, W), not empty. depth: (H, W) or None; without it an edge lies midway between two pixels' centres.
    """

    mask: Mask
    depth: Depth | None = None

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """Rows that the mask touches."""
        return np.flatnonzero(self.mask.any(1))

    @cached_property
    def lateral(self) -> Columns:
        """Left edge in every row of `rows`."""
        inside = self.mask[self.rows].argmax(1)
        edge: Columns = inside + 0.5 - self._reach((self.rows, inside), (self.rows, inside - 1), inside > 0)
        return edge

    @cached_property
    def medial(self) -> Columns:
        """Right edge in every row of `rows`."""
        last = self.mask.shape[1] - 1
        inside = last - self.mask[self.rows, ::-1].argmax(1)
        beyond = np.minimum(inside + 1, last)
        edge: Columns = inside + 0.5 + self._reach((self.rows, inside), (self.rows, beyond), inside < last)
        return edge

    @cached_property
    def top(self) -> float:
        """Upper edge."""
        return float(self.rows[0] + 0.5 - self._end(self.rows[0], self.rows[0] - 1))

    @cached_property
    def bottom(self) -> float:
        """Lower edge."""
        return float(self.rows[-1] + 0.5 + self._end(self.rows[-1], self.rows[-1] + 1))

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @cached_property
    def box(self) -> Corners:
        """Around the mask."""
        return float(self.lateral.min()), self.top, float(self.medial.max()), self.bottom

    def mirrored(self) -> Self:
        """Left and right exchanged."""
        mirrored = type(self)(self.mask[:, ::-1], None if self.depth is None else self.depth[:, ::-1])
        across = self.mask.shape[1]
        # What is known of this outline need not be found again.
        vars(mirrored).update(rows=self.rows, top=self.top, bottom=self.bottom)
        vars(mirrored).update(lateral=across - self.medial, medial=across - self.lateral)
        return mirrored

    def between(self, y1: float, y2: float) -> Mask:
        """Which of `rows` lie in [y1, y2); the nearest one where none does."""
        inside: Mask = (self.rows >= y1) & (self.rows < y2)
        if not inside.any():
            inside[np.abs(self.rows - (y1 + y2) / 2).argmin()] = True
        return inside

    def _end(self, row: np.intp, beyond: np.intp) -> float:
        columns = np.flatnonzero(self.mask[row])
        there = 0 <= beyond < len(self.mask)
        outside = (beyond if there else row, columns)
        return float(self._reach((row, columns), outside, np.full(len(columns), there)).max())

    def _reach(self, inside: Index, beyond: Index, there: Mask) -> Columns:
        """How far the edge lies from the centre of the last pixel inside to that of the first one outside, 0 … 1."""
        if self.depth is None:
            return np.full(len(there), 0.5)
        inner, outer = self.depth[inside], self.depth[beyond]
        crossed = there & (inner > 0) & (outer <= 0)
        return np.where(crossed, inner / np.maximum(inner - outer, _TINY), 0.5)


@dataclass(frozen=True)
class Lung(Outline):
    """One lung, seen so that its lateral side is at small columns: the left lung is mirrored before."""

    def level(self, share: float) -> float:
        """The row at a share of the lung's height."""
        return self.top + share * self.height

    def zone(self, shares: tuple[float, float]) -> Corners:
        """The lung's extent between two levels."""
        y1, y2 = self.level(shares[0]), self.level(shares[1])
        inside = self.between(y1, y2)
        return float(self.lateral[inside].min()), y1, float(self.medial[inside].max()), y2

    def medial_border(self, y1: float, y2: float) -> float:
        """The usual column of the medial border between two rows."""
        return float(np.median(self.medial[self.between(y1, y2)]))

    @cached_property
    def costophrenic(self) -> tuple[float, float]:
        """(column, row) of the lower lateral corner."""
        return self._corner(self.lateral, self.box[2] - self.lateral)

    @cached_property
    def cardiophrenic(self) -> tuple[float, float]:
        """(column, row) of the lower medial corner."""
        return self._corner(self.medial, self.medial - self.box[0])

    def _corner(self, ends: Columns, aside: Columns) -> tuple[float, float]:
        """The point that lies farthest down and to one side, both measured in sides of the lung's box."""
        x1, y1, x2, y2 = self.box
        lower = self.rows >= self.level(0.5)
        score = np.where(lower, (self.rows + 1 - y1) / (y2 - y1) * 1.5 + aside / (x2 - x1), -np.inf)
        best = int(score.argmax())
        return float(ends[best]), float(self.rows[best] + 1)

    @cached_property
    def dome(self) -> float:
        """Row of the top of the hemidiaphragm: the highest lower border of the lung between its two corners."""
        left, right = sorted(round(corner[0]) for corner in (self.costophrenic, self.cardiophrenic))
        margin = (right - left) // 6
        columns = self.mask[:, left + margin : max(right - margin, left + margin + 1)]
        columns = columns[:, columns.any(0)]
        if not columns.shape[1]:
            return self.level(0.9)
        lowest = self.mask.shape[0] - columns[::-1].argmax(0)
        return float(max(np.percentile(lowest, 5), self.level(0.55)))


def clean(mask: Mask, *, aside: bool = False) -> Mask:
    """A mask (H, W) without specks. Holes stay: they have no part in an outline.

    Args:    aside: keep what lies aside of the largest part; of a lung's mask that is the air between arm and body.
    """
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    main = int(sizes.argmax())
    keep = sizes >= _LEAST_PART * sizes[main]
    if not aside:
        _, columns = ndimage.find_objects(labels)[main - 1]
        keep &= np.bincount(labels[:, columns].ravel(), minlength=len(sizes)) >= _LEAST_SHARE * sizes
    keep[0] = False
    kept: Mask = keep[labels]
    return kept
