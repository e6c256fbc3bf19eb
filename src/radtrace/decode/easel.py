"""Where a step's picture goes: its size in codes, the part of the film that it shows, and the real crop there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from radtrace.geometry import FRAMES, Box
from radtrace.images import Pixels, crop, resized

if TYPE_CHECKING:
    from torch import Tensor

    from radtrace.models.processor import PictureCodec

_GRID = FRAMES["0-999"]


@dataclass(frozen=True, slots=True)
class Easel:
    """Where a step's picture goes. rows, columns: of its codes. draft: image tokens of the real crop, or none.

    forced: whether the draft is written as it is, as an observation. cells: the film's own code where each code draws,
    -1 where none; empty for a model that takes none. shown: the part of the film. aspect: its width by its height, of
    a part that is squeezed into the codes. reduced: whether the picture is coarser than its kind would have it, since
    the budget has no room for more.
    """

    rows: int
    columns: int
    draft: Sequence[int] = ()
    forced: bool = False
    cells: Sequence[int] = ()
    shown: Box | None = None
    aspect: float | None = None
    reduced: bool = False


class Draw(Protocol):
    """Box text of a step -> the easel of its picture."""

    def __call__(self, box: str, place: str) -> Easel:
        """The easel, once the box is written."""


@dataclass(frozen=True, slots=True)
class Crops:
    """The easels of one film's boxes.

    film: upright, as the boxes are. codes: int64 (grid, grid) of the whole film, squeezed into the tokenizer's square.
    tokens: ids of the image tokens, by code. most: image tokens of a picture.
    kind: "grid", the box grown outward to the film's cells, whose codes are the film's own; "zoom", the original pixels
        at the box, squeezed into a square of `zoom` x `zoom` codes as a whole film is: every code shows the film.
    way: "generate", no draft; "draft", the real crop is the draft; "insert", it is the picture.
    """

    tokenizer: "PictureCodec"
    film: Pixels
    codes: "Tensor"
    tokens: "Tensor"
    most: int
    kind: Literal["grid", "zoom"] = "grid"
    way: Literal["generate", "draft", "insert"] = "draft"
    zoom: int = 16

    def __call__(self, box: str, place: str) -> Easel:
        """The easel of a box as the dialect writes it."""
        where = read_box(box)
        easel = self._grid(where) if self.kind == "grid" else self._zoomed(where)
        codes = self._codes(easel)
        drafted = replace(easel, cells=codes, forced=self.way == "insert")
        return drafted if self.way == "generate" else replace(drafted, draft=self.tokens[list(codes)].tolist())

    def _grid(self, box: Box) -> Easel:
        shown = box.snapped(len(self.codes))
        rows, columns = (part.stop - part.start for part in self._cells(shown))
        lower, fewer = _within(rows, columns, self.most)
        return Easel(lower, fewer, shown=shown, reduced=(lower, fewer) != (rows, columns))

    def _zoomed(self, box: Box) -> Easel:
        side = min(self.zoom, math.isqrt(self.most))
        rows, columns = box.pixel_slices(self.film.shape[1], self.film.shape[0])
        aspect = (columns.stop - columns.start) / (rows.stop - rows.start)
        return Easel(side, side, shown=box, aspect=aspect, reduced=side < self.zoom)

    def _codes(self, easel: Easel) -> tuple[int, ...]:
        """Of the real crop: the film's own where these fit."""
        assert easel.shown is not None  # noqa: S101  # every easel made here shows some part
        if self.kind == "grid" and not easel.reduced:
            return tuple(self.codes[self._cells(easel.shown)].flatten().tolist())
        return tuple(self.tokenizer.encode([self._pixels(easel, easel.shown)])[0].flatten().tolist())

    def _cells(self, shown: Box) -> tuple[slice, slice]:
        """Rows and columns of the film's codes in a box that ends on their lines."""
        left, top, right, bottom = (round(value * len(self.codes)) for value in shown.xyxy)
        return slice(top, bottom), slice(left, right)

    def _pixels(self, easel: Easel, shown: Box) -> Pixels:
        """The real crop in as many pixels as the easel has room for."""
        cell = self.tokenizer.cell
        return resized(crop(self.film, shown), easel.columns * cell, easel.rows * cell)


def read_box(text: str) -> Box:
    """The box that the canonical dialect's four numbers mean."""
    return _GRID.read(map(int, text.split(",")), 1, 1)


def box_text(box: Box) -> str:
    """The box as the canonical dialect writes it."""
    written = _GRID.write(box, 1, 1)
    assert written is not None  # noqa: S101  # this frame shows the whole view
    return ",".join(map(str, written.coords))


def painted(tokenizer: "PictureCodec", codes: Sequence[int], easel: Easel) -> Pixels:
    """The pixels of a picture's codes, in the shape of the part of the film that the easel shows.

    Nothing is made smaller: a part that is not square has more pixels along its longer edge than were coded.
    """
    import torch

    picture = tokenizer.decode(torch.tensor(codes).view(1, easel.rows, easel.columns))[0]
    if easel.aspect is None:
        return picture
    height, width = picture.shape
    return resized(picture, round(width * max(1.0, easel.aspect)), round(height * max(1.0, 1 / easel.aspect)))


def _within(rows: int, columns: int, most: int) -> tuple[int, int]:
    """The most rows and columns of about this aspect whose product is within `most`."""
    if rows * columns <= most:
        return rows, columns
    shrunk = math.sqrt(most / (rows * columns))
    lower, fewer = max(1, math.floor(rows * shrunk)), max(1, math.floor(columns * shrunk))
    return min(lower, max(1, most // fewer)), min(fewer, max(1, most // lower))
