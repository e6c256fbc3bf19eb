"""Pixels in: PNG, JPEG and plain DICOM to float grayscale, right polarity and true aspect; crops and PNG out."""

import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from radtrace.errors import FilmError, MissingExtraError
from radtrace.geometry import Box
from radtrace.records import Projection

Pixels = npt.NDArray[np.float32]
"""float32 (H, W) in [0, 1]; 0 is black, and air is dark."""

MAX_PIXELS = 64_000_000
"""Largest film that is decoded: a 43 cm detector at 0.1 mm has 18 million pixels."""
MIN_SIDE = 32

_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
FILM_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"} | _DICOM_SUFFIXES)
"""Lower-case file endings that a folder is searched for."""


@dataclass(frozen=True, slots=True)
class Film:
    """One decoded film.

    pixels: see `Pixels`; its aspect is the true one.
    mm_per_pixel: of the decoded pixels, None where the file does not say.
    projection: what the file's header says, else "unknown".
    """

    pixels: Pixels
    sha256: str
    mm_per_pixel: float | None = None
    projection: Projection = "unknown"

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


class _PlainError(ValueError):
    """A fault of a film in words of our own."""


def load_film(path: Path, true_size: tuple[int, int] | None = None) -> Film:
    """Decode one film.

    Args:    true_size: (width, height) of the original film where its source says that the file is squashed; the
             axis that was squashed more is stretched back, so that no pixel is lost.
    Raises:  FilmError, naming the file, where it is missing, truncated, no image, too small or too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FilmError(f"{path}: {error.strerror or error}") from error
    film = _decode(path, data)
    if film.width < MIN_SIDE or film.height < MIN_SIDE:
        raise FilmError(f"{path}: {film.width}x{film.height} pixels; a film has at least {MIN_SIDE} a side")
    return film if true_size is None else restore_aspect(film, true_size)


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


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The pixels that the box touches, not resampled."""
    rows, columns = box.pixel_slices(pixels.shape[1], pixels.shape[0])
    return pixels[rows, columns]


def encode_png(pixels: Pixels) -> bytes:
    """8-bit grayscale PNG, the same bytes for the same pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _decode(path: Path, data: bytes) -> Film:
    digest = hashlib.sha256(data).hexdigest()
    if _is_dicom(path, data):
        return _decode_dicom(path, data, digest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise FilmError(f"{path}: {image.width}x{image.height} pixels are more than {MAX_PIXELS}")
                return Film(_grayscale(image), digest)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise FilmError(f"{path}: cannot be read as PNG, JPEG or DICOM: {type(error).__name__}") from error


def _grayscale(image: Image.Image) -> Pixels:
    """[0, 1]; 16-bit files, which often hold 10 or 12 bits, are scaled by their own brightest pixel's bit depth."""
    if image.mode.startswith("I"):
        values = np.asarray(image, np.float32)
        bits = max(8, int(values.max()).bit_length())
        scaled: Pixels = np.clip(values / np.float32(2**bits - 1), 0, 1, dtype=np.float32)
        return scaled
    if image.mode == "LA":
        image = image.getchannel("L")
    pixels: Pixels = np.asarray(image.convert("L"), np.float32) / np.float32(255)
    return pixels


def _is_dicom(path: Path, data: bytes) -> bool:
    return data[128:132] == b"DICM" or path.suffix.lower() in _DICOM_SUFFIXES


def _decode_dicom(path: Path, data: bytes, digest: str) -> Film:
    try:
        import pydicom
        from pydicom.errors import InvalidDicomError
    except ImportError as error:
        raise MissingExtraError("read", f"{path}: DICOM") from error
    try:
        with _quiet_pydicom():
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            _assume_transfer_syntax(dataset)
            pixels = _dicom_pixels(dataset)
    except MissingExtraError:
        raise
    except (
        InvalidDicomError,
        AttributeError,
        KeyError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        OSError,
        EOFError,
        UserWarning,
    ) as error:
        raise FilmError(f"{path}: no readable DICOM film: {_reason(error)}") from error
    return Film(pixels, digest, _dicom_spacing(dataset), _dicom_projection(dataset))


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """A file cut short is an error; what else pydicom warns of may quote a patient's data and is not logged."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message="End of file reached", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _assume_transfer_syntax(dataset: Any) -> None:
    """A file without preamble and meta group is native little endian (PS3.10 has no such file; old archives do)."""
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _dicom_pixels(dataset: Any) -> Pixels:
    """Stored values through modality and VOI transforms, scaled to [0, 1]; DICOM PS3.3 C.11.1, C.11.2, C.7.6.3.1.2."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise _PlainError(f"{columns}x{rows} pixels are more than {MAX_PIXELS}")
    if int(dataset.get("NumberOfFrames") or 1) != 1 or int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise _PlainError("more than one frame or colour: not a plain film")
    values = np.asarray(apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset), np.float32)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"
    return np.ascontiguousarray(1.0 - scaled if inverted else scaled, np.float32)


def _dicom_spacing(dataset: Any) -> float | None:
    """Row spacing in mm: Imager Pixel Spacing (PS3.3 C.8.11.4) or Pixel Spacing; None where absent or zero."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        value = dataset.get(keyword)
        if value and float(value[0]) > 0:
            return float(value[0])
    return None


def _dicom_projection(dataset: Any) -> Projection:
    """View Position (0018,5101), PS3.3 C.8.1.1 / C.8.11.1."""
    position = str(dataset.get("ViewPosition", "")).upper()
    known: dict[str, Projection] = {"PA": "PA", "AP": "AP", "LL": "lateral", "RL": "lateral", "LATERAL": "lateral"}
    return known.get(position, "unknown")


def _reason(error: BaseException) -> str:
    """What went wrong; the words of errors that may quote a header's values are left out."""
    if isinstance(error, _PlainError | NotImplementedError | RuntimeError):
        return str(error).partition("\n")[0][:200]
    return type(error).__name__
