"""What a film is once it is decoded, and what is done to its pixels: aspect, resampling, crops, PNG out."""

import io
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from radtrace.geometry import Box, fitted
from radtrace.records import Projection

Pixels = npt.NDArray[np.float32]
"""float32 (H, W) in [0, 1]; 0 is black, and air is dark."""

MAX_PIXELS = 64_000_000
"""Largest film that is decoded: a 43 cm detector at 0.1 mm has 18 million pixels."""
MIN_SIDE = 32


class RefusalError(Exception):
    """Why a file is not taken for a film, in words of our own that quote nothing of the file but numbers."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where the film's axes point in the patient: Patient Orientation (0020,0020), DICOM PS3.3 C.7.6.1.1.1.

    along_row, along_column: the patient's direction towards the right and towards the lower edge of the film: "L" left,
    "R" right, "A" front, "P" back, "H" head, "F" feet. An upright frontal film with the patient's right on the left
    has ("L", "F").
    """

    along_row: str
    along_column: str

    @property
    def rotation(self) -> Literal[0, 90, 180, 270]:
        """Degrees by which the film is turned counter-clockwise: upright, the feet are at the lower edge."""
        feet = {(0, "F"): 0, (1, "F"): 90, (0, "H"): 180, (1, "H"): 270}
        in_row = self.along_row in "HF"
        turns: dict[int, Literal[0, 90, 180, 270]] = {0: 0, 90: 90, 180: 180, 270: 270}
        return turns[feet[in_row, self.along_row if in_row else self.along_column]]

    @property
    def mirrored(self) -> bool | None:
        """Whether the patient's left is on the left of the film once it is upright; None for a lateral film."""
        across = self.along_column if self.along_row in "HF" else self.along_row
        if across not in "LR":
            return None
        left_is_first = {0: across == "R", 90: across == "L", 180: across == "L", 270: across == "R"}
        return left_is_first[self.rotation]


@dataclass(frozen=True, slots=True)
class Film:
    """One decoded film.

    pixels: see `Pixels`; its aspect is the true one.
    mm_per_pixel: of the decoded pixels, None where the file does not say.
    projection: what the file's header says, else "unknown".
    orientation: what the file's header says, None where it does not or contradicts itself.
    """

    pixels: Pixels
    sha256: str
    mm_per_pixel: float | None = None
    projection: Projection = "unknown"
    orientation: Orientation | None = None

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


def check_size(width: int, height: int, min_side: int = MIN_SIDE) -> None:
    """Raises RefusalError for a film too small to show anything or too large to decode."""
    if width * height > MAX_PIXELS:
        raise RefusalError(f"{width}x{height} pixels are more than {MAX_PIXELS}")
    if width < min_side or height < min_side:
        raise RefusalError(f"{width}x{height} pixels; a film has at least {min_side} a side")


def restore_aspect(film: Film, true_size: tuple[int, int]) -> Film:
    """Stretch one axis so that width : height is that of `true_size`; the pixel size in mm no longer holds."""
    true_width, true_height = true_size
    stretch = (true_width / true_height) / (film.width / film.height)
    width = round(film.width * max(1.0, stretch))
    height = round(film.height * max(1.0, 1 / stretch))
    if (width, height) == (film.width, film.height):
        return film
    return replace(film, pixels=resized(film.pixels, width, height), mm_per_pixel=None)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """Resample to (height, width), bicubic with antialiasing, clipped to [0, 1]."""
    image = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(image, np.float32), 0.0, 1.0)


def letterboxed(pixels: Pixels, side: int) -> Pixels:
    """Resized into a square of `side` pixels, aspect kept, centred, black around it."""
    height, width = pixels.shape
    new_width, new_height, left, top = fitted(width, height, side)
    square = np.zeros((side, side), np.float32)
    square[top : top + new_height, left : left + new_width] = resized(pixels, new_width, new_height)
    return square


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The pixels that the box touches, not resampled."""
    rows, columns = box.pixel_slices(pixels.shape[1], pixels.shape[0])
    return pixels[rows, columns]


def encode_png(pixels: Pixels) -> bytes:
    """8-bit grayscale PNG, the same bytes for the same pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
