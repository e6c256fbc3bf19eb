"""Pixels in: PNG, JPEG and DICOM to float grayscale, right polarity and true aspect; crops and PNG out.

`load_film` decodes in this process, for files that are trusted; `FilmReader` decodes in worker processes with limits of
memory and time. Both give the same films and the same refusals.
"""

from radtrace.images.film import (
    MAX_PIXELS,
    MIN_SIDE,
    Film,
    Orientation,
    Pixels,
    crop,
    encode_png,
    letterboxed,
    resized,
    restore_aspect,
)
from radtrace.images.load import FILM_SUFFIXES, load_film
from radtrace.images.reader import FilmReader

__all__ = [
    "FILM_SUFFIXES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "Film",
    "FilmReader",
    "Orientation",
    "Pixels",
    "crop",
    "encode_png",
    "letterboxed",
    "load_film",
    "resized",
    "restore_aspect",
]
