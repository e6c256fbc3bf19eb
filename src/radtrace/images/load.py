"""One file to one `Film`, in this process."""

import hashlib
import stat
from pathlib import Path

from radtrace.errors import FilmError, MissingExtraError
from radtrace.images.dicom import decode_dicom, looks_like_dicom
from radtrace.images.film import Film, RefusalError, check_size, restore_aspect
from radtrace.images.pictures import JPEG_MAGIC, PNG_MAGIC, decode_picture

MAX_FILE_BYTES = 512 << 20
_DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
FILM_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"} | _DICOM_SUFFIXES)
"""Lower-case file endings that a folder is searched for."""

_OTHERS = {
    b"II*\0": "a TIFF file",
    b"MM\0*": "a TIFF file",
    b"GIF8": "a GIF file",
    b"BM": "a BMP file",
    b"RIFF": "a WebP file",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a ZIP file",
    b"\x1f\x8b": "a gzip file",
    b"\0\0\0\x0cjP  ": "a bare JPEG 2000 file",
    b"\xff\x4f\xff\x51": "a bare JPEG 2000 file",
}


def load_film(path: Path, true_size: tuple[int, int] | None = None) -> Film:
    """Decode one film in this process, which a hostile file can slow down, exhaust or kill: see `FilmReader`.

    Args:    true_size: (width, height) of the original film where its source says that the file is squashed; the
             axis that was squashed more is stretched back, so that no pixel is lost.
    Raises:  FilmError, one line that names the file, where it is missing, damaged, no film, too small or too large;
             MissingExtraError for DICOM without the extra `read`.
    """
    try:
        return film_of(path, true_size)
    except RefusalError as refusal:
        raise FilmError(f"{path}: {refusal}") from refusal.__cause__


def film_of(path: Path, true_size: tuple[int, int] | None) -> Film:
    """As `load_film`, but raises RefusalError, whose words do not name the file, and MemoryError."""
    data = _read(path)
    film = _decode(path, data)
    check_size(film.width, film.height)
    return film if true_size is None else restore_aspect(film, true_size)


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RefusalError("no file")
        if status.st_size > MAX_FILE_BYTES:
            raise RefusalError(f"larger than {MAX_FILE_BYTES >> 20} MB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise RefusalError(getattr(error, "strerror", None) or "cannot be opened") from error


def _decode(path: Path, data: bytes) -> Film:
    """By what the file holds; its name only decides where the content does not."""
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return Film(decode_picture(data), digest)
    if looks_like_dicom(data) or (path.suffix.lower() in _DICOM_SUFFIXES and data):
        return _dicom_film(path, data, digest)
    for magic, name in _OTHERS.items():
        if data.startswith(magic):
            raise RefusalError(f"{name}; films are PNG, JPEG or DICOM")
    raise RefusalError("not PNG, JPEG or DICOM" if data else "empty")


def _dicom_film(path: Path, data: bytes, digest: str) -> Film:
    """Decoders of every kind meet every kind of damage here, and Rust ones panic outside of Exception."""
    try:
        film = decode_dicom(data)
    except ImportError as error:
        raise MissingExtraError("read", f"{path}: DICOM") from error
    except (RefusalError, MemoryError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except RecursionError as error:
        raise RefusalError("nested too deeply") from error
    except UserWarning as error:
        raise RefusalError("cut short or damaged") from error
    except BaseException as error:
        raise RefusalError(f"no DICOM, or a damaged one ({type(error).__name__})") from error
    return Film(film.pixels, digest, film.mm_per_pixel, film.projection, film.orientation)
