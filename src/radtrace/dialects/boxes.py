"""Boxes as four numbers of a frame, and the frame as a dialect's flag."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

from radtrace.dialects.parsed import Kind
from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import FRAMES, Box, Frame
from radtrace.records import View

_NUMBER = r"\s*([+-]?\d{1,7}(?:\.\d{1,7})?)\s*"
_BOX = re.compile(",".join([_NUMBER] * 4), re.ASCII)
_LONGEST_BOX = 100
"""Characters within the brackets."""


@dataclass(frozen=True, slots=True)
class BoxText:
    """Boxes as four numbers of a frame."""

    frame: Frame

    def write(self, box: Box, view: View, between: str = ", ") -> str | None:
        """The numbers; None where the frame's crop leaves nothing of the box."""
        placed = self.frame.write(box, *self._size(view))
        return between.join(map(str, placed.coords)) if placed else None

    def read(self, text: str, view: View) -> Box | Kind:
        """The box that four numbers mean, or what is wrong with them."""
        size = self._size(view)
        match = _BOX.fullmatch(text) if len(text) <= _LONGEST_BOX else None
        if not match:
            return "box unreadable"
        x1, y1, x2, y2 = coords = [float(number) for number in match.groups()]
        if (x2 <= 0 or y2 <= 0) if self.frame.xywh else (x2 <= x1 or y2 <= y1):
            return "box inverted"
        try:
            return self.frame.read(coords, *size)
        except ValueError:
            return "box outside"

    def _size(self, view: View) -> tuple[int, int]:
        if view.width and view.height:
            return view.width, view.height
        if self.frame.sized:
            raise InputError(f"{view.id}: boxes in the frame {self.frame.name!r} need the film's width and height")
        return 1, 1


def _known(name: str) -> str:
    if name not in FRAMES:
        raise ValueError(f"unknown frame {name!r}: {did_you_mean(name, FRAMES)}")
    return name


FrameName = Annotated[str, AfterValidator(_known)]
"""A name of `radtrace.geometry.FRAMES`."""


@cache
def boxes_in(frame: FrameName) -> BoxText:
    """How boxes are written in a frame."""
    return BoxText(FRAMES[frame])
