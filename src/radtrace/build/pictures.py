"""The localized image of a step: what part of the film it shows, and in which pixels."""

from typing import Literal

from pydantic import Field

from radtrace.config import Settings
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, letterboxed


class Picture(Settings):
    """How a step's box is shown.

    kind: crop, the film's own pixels at the box; zoom, the same resized to side x side, aspect kept, black around it,
        as a model takes it in; grid, the film's own pixels at the box grown outward to whole cells of a grid x grid
        token grid over the film, so that the picture's tokens are nearly the film's own.
    side: pixels, for zoom. grid: cells a side, for grid.
    """

    kind: Literal["crop", "zoom", "grid"] = "crop"
    side: int = Field(default=512, ge=16, le=4096)
    grid: int = Field(default=32, ge=1, le=1024)

    def box(self, box: Box) -> Box:
        """The part of the film that the picture of a step's box shows."""
        return box.snapped(self.grid) if self.kind == "grid" else box

    def draw(self, film: Pixels, box: Box) -> Pixels:
        """The picture of a step's box."""
        pixels = crop(film, self.box(box))
        return letterboxed(pixels, self.side) if self.kind == "zoom" else pixels
