"""Whether a dataset's boxes look as if they were in the frame that is stated for them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from radtrace.geometry import FRACTION, FRAMES, Frame, Written, squash

_ENOUGH = 20
"""Boxes from which on a frame can be doubted; fewer may be small by chance."""
_FITS, _SHORT, _FULL = 0.98, 0.7, 0.8
"""Share of the boxes that a frame must hold; how far boxes reach in one that is too large; in the right one."""


def frame_misfit(stated: str, boxes: Iterable[Written]) -> str | None:
    """Why a dataset's boxes are not in the frame that is stated for them, naming the likely one.

    A frame is doubted where boxes lie outside it or are inverted in it, or where all of them end far from its far
    edges, and another known frame holds them and is filled by them: boxes of a 224 frame never pass two thirds of a 336
    one.

    Args:    stated: "fraction" or a name of `FRAMES`.
    Returns: one sentence; None where the frame fits, no other one does, or the boxes are too few to tell.
    """
    tallies = [_Tally(frame) for frame in (Frame(FRACTION, squash(1).affine), *FRAMES.values())]
    count = 0
    for count, (coords, size) in enumerate(boxes, start=1):  # noqa: B007 the last one is the count
        for tally in tallies:
            tally.add(coords, size)
    own = next(tally for tally in tallies if tally.frame.name == stated)
    if own.seen < _ENOUGH or (own.held >= _FITS * own.seen and own.farthest >= _SHORT):
        return None
    others = [tally for tally in tallies if tally.held >= _FITS * count and tally.reach >= _FULL]
    if not others:
        return None
    best = max(tally.reach for tally in others)
    likely = " or ".join(repr(tally.frame.name) for tally in others if tally.reach > best - 0.01)
    if own.held < _FITS * own.seen:
        return f"{own.seen - own.held} of {own.seen} boxes do not lie in the frame {stated!r}; they fit {likely}"
    return f"no box goes past {math.ceil(100 * own.farthest)} % of the frame {stated!r}; they fit {likely}"


@dataclass(slots=True)
class _Tally:
    """How boxes lie in a frame. seen: those that can be judged; held: those inside it, the right way round."""

    frame: Frame
    seen: int = 0
    held: int = 0
    reach_x: float = 0.0
    reach_y: float = 0.0

    @property
    def reach(self) -> float:
        """How far the boxes go, as a fraction of the frame, on the side where they go less far."""
        return min(self.reach_x, self.reach_y)

    @property
    def farthest(self) -> float:
        """The same on the side where they go farther."""
        return max(self.reach_x, self.reach_y)

    def add(self, coords: Sequence[float], size: tuple[int, int] | None) -> None:
        limits = self._limits(size)
        if limits is None:
            return
        self.seen += 1
        if len(coords) != 4 or not all(map(math.isfinite, coords)):
            return
        x1, y1, x2, y2 = coords
        if self.frame.xywh:
            x2, y2 = x1 + x2, y1 + y2
        slack = 1e-6 if self.frame.name == FRACTION else 0.5  # rounding
        if -slack <= x1 < x2 <= limits[0] + slack and -slack <= y1 < y2 <= limits[1] + slack:
            self.held += 1
            self.reach_x = max(self.reach_x, x2 / limits[0])
            self.reach_y = max(self.reach_y, y2 / limits[1])

    def _limits(self, size: tuple[int, int] | None) -> tuple[float, float] | None:
        """The frame's far edges; None where they hang on a size that nobody knows."""
        place = self.frame.affine(*(size or (1, 1)))
        if size is None and place.limit_x != self.frame.affine(2, 3).limit_x:
            return None
        return place.limit_x, place.limit_y
