"""PNG and JPEG to float grayscale."""

import io
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

from radtrace.images.film import MAX_PIXELS, MIN_SIDE, Pixels, RefusalError, check_size

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_MAGIC = b"\xff\xd8\xff"

_LAST_CHUNK = b"IEND"


def decode_picture(data: bytes, min_side: int = MIN_SIDE) -> Pixels:
    """Decode a PNG or JPEG.

    Colour becomes gray by Rec. 601 luma; what is transparent is laid on black; an EXIF orientation is applied, as every
    viewer does.

    Args:    min_side: pixels; smaller pictures are refused. A film's limit; part of a film may be any size.
    Raises:  RefusalError
    """
    if data.startswith(PNG_MAGIC):
        _check_chunks(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                check_size(image.width, image.height, min_side)
                if getattr(image, "n_frames", 1) != 1:
                    raise RefusalError("an animation, no film")
                if image.mode == "CMYK":
                    raise RefusalError("CMYK inks, no film")
                return _grayscale(ImageOps.exif_transpose(image))
    except Image.DecompressionBombError as error:
        raise RefusalError(f"more than {MAX_PIXELS} pixels") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        OverflowError,
        ArithmeticError,
        zlib.error,
    ) as error:
        raise RefusalError(f"damaged or no whole PNG or JPEG ({type(error).__name__})") from error


def _check_chunks(data: bytes) -> None:
    """Every chunk of a PNG carries a check sum, which Pillow does not look at for pixels. What follows the last is
    not looked at.
    """
    at = len(PNG_MAGIC)
    while True:
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            raise RefusalError("PNG cut short")
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise RefusalError("damaged PNG: a check sum does not match")
        if kind == _LAST_CHUNK:
            return
        at = end + 4


def _grayscale(image: Image.Image) -> Pixels:
    """[0, 1]; 16-bit files, which often hold 10 or 12 bits, are scaled by their own brightest pixel's bit depth."""
    if image.mode.startswith("I"):
        values = np.asarray(image, np.float32)
        bits = max(8, int(values.max()).bit_length())
        scaled: Pixels = np.clip(values / np.float32(2**bits - 1), 0, 1, dtype=np.float32)
        return scaled
    pixels: Pixels = np.asarray(_opaque(image).convert("L"), np.float32) / np.float32(255)
    return pixels


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered)
