"""What a tokenizer is shown: whole films, zoomed parts of them, and blocks of cells cut from the shrunk film."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from radtrace.config import Settings
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, resized
from radtrace.train.films import LearnedFilm

_SMALLEST = 0.12
"""Side of a random box, as a fraction of the film's."""
_FEWEST = 3
"""Cells a side of a block."""


class CropShares(Settings):
    """How often each kind of picture is drawn, in parts of their sum.

    whole: the film. region: at the box of a region or domain, moved and resized a little. random: at any box.
    grid: a block of whole cells of the film at the tokenizer's scale. tone: part of the pictures with other contrast.
    mirrored: part of the pictures that are mirrored. cut: cells a side of the part that a step sees of each picture, 0
    for all of it: more different pictures in the same time, and borders like those of a block.
    """

    whole: float = Field(default=0.4, ge=0)
    region: float = Field(default=0.35, ge=0)
    random: float = Field(default=0.15, ge=0)
    grid: float = Field(default=0.1, ge=0)
    tone: float = Field(default=0.3, ge=0, le=1)
    mirrored: float = Field(default=0.1, ge=0, le=1)
    cut: int = Field(default=0, ge=0)


class Pictures:
    """The pictures of each step; those of step n depend on the seed and n alone, so a resumed run sees the same."""

    def __init__(self, films: Sequence[LearnedFilm], shares: CropShares, side: int, cell: int, seed: int) -> None:
        self.films, self.shares, self.side, self.cell, self.seed = films, shares, side, cell, seed
        weights = np.array([film.share for film in films])
        self.weights = weights / weights.sum()

    def batch(self, step: int, size: int) -> list[Pixels]:
        """`size` pictures of one size: side x side, or blocks of as many cells each."""
        rng = np.random.default_rng((self.seed, step))
        chosen = rng.choice(len(self.films), size, p=self.weights)
        shares = self.shares
        total = shares.whole + shares.region + shares.random + shares.grid
        if rng.random() < shares.grid / total:
            cells = self.side // self.cell
            few = min(_FEWEST, cells)
            rows, columns = rng.integers(few, cells + 1, 2)
            return [self._toned(self._block(self.films[index], rows, columns, rng), rng) for index in chosen]
        return [self._toned(self._cut(self._zoom(self.films[index], rng), rng), rng) for index in chosen]

    def _cut(self, picture: Pixels, rng: np.random.Generator) -> Pixels:
        side = self.shares.cut * self.cell
        if not 0 < side < self.side:
            return picture
        top, left = rng.integers(0, self.side - side + 1, 2)
        return picture[top : top + side, left : left + side]

    def _block(self, film: LearnedFilm, rows: int, columns: int, rng: np.random.Generator) -> Pixels:
        cells = self.side // self.cell
        top, left = (int(rng.integers(0, cells - count + 1)) * self.cell for count in (rows, columns))
        whole = resized(grey(film), self.side, self.side)
        return whole[top : top + rows * self.cell, left : left + columns * self.cell]

    def _zoom(self, film: LearnedFilm, rng: np.random.Generator) -> Pixels:
        shares = np.array([self.shares.whole, self.shares.region if film.boxes else 0.0, self.shares.random])
        kind = rng.choice(3, p=shares / shares.sum()) if shares.sum() else 0
        box = Box(x1=0.0, y1=0.0, x2=1.0, y2=1.0)
        if kind == 1:
            box = shaken(list(film.boxes.values())[rng.integers(len(film.boxes))], rng)
        elif kind == 2:
            box = random_box(rng)
        return resized(crop(grey(film), box), self.side, self.side)

    def _toned(self, picture: Pixels, rng: np.random.Generator) -> Pixels:
        if rng.random() < self.shares.mirrored:
            picture = np.ascontiguousarray(picture[:, ::-1])
        if rng.random() < self.shares.tone:
            gamma, gain, lift = np.exp(rng.normal(0, 0.25)), rng.uniform(0.75, 1.15), rng.uniform(-0.08, 0.08)
            toned: Pixels = np.clip(picture**gamma * gain + lift, 0, 1).astype(np.float32)
            return toned
        return picture


def grey(film: LearnedFilm) -> Pixels:
    """The film's pixels as float32 in [0, 1]."""
    return film.pixels.astype(np.float32) / np.float32(255)


def shaken(box: Box, rng: np.random.Generator) -> Box:
    """A box each edge of which is moved by about a twentieth of the box's side."""
    x1, y1, x2, y2 = box.xyxy
    dx, dy = rng.normal(0, 0.05 * (x2 - x1), 2), rng.normal(0, 0.05 * (y2 - y1), 2)
    return _inside(x1 + dx[0], y1 + dy[0], x2 + dx[1], y2 + dy[1])


def random_box(rng: np.random.Generator) -> Box:
    """Any box with sides from `_SMALLEST` to the whole."""
    width, height = rng.uniform(_SMALLEST, 1.0, 2)
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    return _inside(left, top, left + width, top + height)


def _inside(x1: float, y1: float, x2: float, y2: float) -> Box:
    """Clipped to the film, and never thinner than a hundredth of it."""
    x1, y1 = min(max(x1, 0.0), 0.99), min(max(y1, 0.0), 0.99)
    return Box.of((x1, y1, min(max(x2, x1 + 0.01), 1.0), min(max(y2, y1 + 0.01), 1.0)))
