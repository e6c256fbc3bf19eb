"""A DICOM file to a film: parse, check that the file is whole and means one film, decode, display."""

import io
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from radtrace.images.display import displayed
from radtrace.images.film import MAX_PIXELS, Orientation, Pixels, RefusalError, resized
from radtrace.images.header import pixel_aspect, spacing, view
from radtrace.images.stored import DECODED_SYNTAXES, colour, gray_codes, layout_of
from radtrace.records import Projection

_MAGIC_AT, _MAGIC = 128, b"DICM"
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_CMS = bytes.fromhex("06092a864886f70d0107")
"""Object identifier of PKCS #7 content types: a file encrypted for DICOM secure media (PS3.15 B)."""
_DEFLATED = "1.2.840.10008.1.2.1.99"
_MAX_INFLATED = 2 * MAX_PIXELS + (16 << 20)
_UNDEFINED_LENGTH = 0xFFFFFFFF

_FILM_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.1",
        "1.2.840.10008.5.1.4.1.1.1.1",
        "1.2.840.10008.5.1.4.1.1.7",
        "1.2.840.10008.5.1.4.1.1.7.1",
        "1.2.840.10008.5.1.4.1.1.7.2",
        "1.2.840.10008.5.1.4.1.1.7.3",
        "1.2.840.10008.5.1.4.1.1.7.4",
    }
)
"""CR, DX for presentation, secondary captures: the SOP classes that hold projection films of the chest."""
_DAMAGE = ("End of file reached", "The decoded RLE segment contains")
"""How pydicom's warnings begin that are errors here: a file cut short, and more pixels than the film has."""
_COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "PALETTE COLOR"})
_REC_601 = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class DicomFilm:
    """Pixels with their true aspect, and what the header says of them; see `radtrace.images.Film`."""

    pixels: Pixels
    mm_per_pixel: float | None
    projection: Projection
    orientation: Orientation | None


def looks_like_dicom(data: bytes) -> bool:
    """By the magic number after the preamble, or a first element of group 2 or 8 where there is none."""
    return data[_MAGIC_AT : _MAGIC_AT + 4] == _MAGIC or data[:2] in _FIRST_GROUPS


def decode_dicom(data: bytes) -> DicomFilm:
    """Decode one film.

    Raises:  RefusalError in words of our own; ImportError without pydicom; what the decoders raise comes through.
    """
    if _CMS in data[:64]:
        raise RefusalError("encrypted")
    with _quiet_pydicom():
        dataset = _parsed(data)
        _check_whole(dataset)
        _check_is_film(dataset)
        pixels = _pixels(dataset)
        projection, orientation = view(dataset)
        mm, aspect = spacing(dataset), pixel_aspect(dataset)
    if aspect != 1:
        height, width = pixels.shape
        pixels = resized(pixels, round(width * max(1, 1 / aspect)), round(height * max(1, aspect)))
    return DicomFilm(pixels, min(mm) if mm else None, projection, orientation)


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Signs of damage are errors; what else pydicom warns of may quote a patient's data and is not logged."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for damage in _DAMAGE:
                warnings.filterwarnings("error", message=damage, category=UserWarning)
            yield
    finally:
        logger.setLevel(level)


def _parsed(data: bytes) -> Any:
    """The data set, with a transfer syntax: a file without meta group is taken for native, as its bytes show."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = pydicom.dcmread(io.BytesIO(_inflated(data)), force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        native = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native
    return dataset


def _inflated(data: bytes) -> bytes:
    """A deflated file (PS3.5 A.5) as if it had been written plainly: pydicom inflates a bomb without limit."""
    from pydicom.filereader import read_dataset, read_preamble

    start = data[: 132 + 4096]
    if _DEFLATED.encode() not in start:
        return data
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag >> 16 != 2)
    if str(meta.get("TransferSyntaxUID")) != _DEFLATED:
        return data
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = engine.decompress(stream.read(), _MAX_INFLATED)
    except zlib.error as error:
        raise RefusalError("damaged deflated data") from error
    if engine.unconsumed_tail:
        raise RefusalError(f"inflates to more than {_MAX_INFLATED >> 20} MB")
    if not engine.eof:
        raise RefusalError("deflated data cut short")
    return _plain_file(meta, plain)


def _plain_file(meta: Any, plain: bytes) -> bytes:
    """Meta group and data set as one native file."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_file_meta_info
    from pydicom.uid import ExplicitVRLittleEndian

    written = FileMetaDataset()
    for keyword in ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID"):
        if keyword in meta:
            setattr(written, keyword, meta[keyword].value)
    written.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = DicomBytesIO()
    stream.write(bytes(_MAGIC_AT) + _MAGIC)
    write_file_meta_info(stream, written, enforce_standard=False)
    return stream.getvalue() + plain


def _check_whole(dataset: Any) -> None:
    """Every element has the length that it says and comes after the one before (PS3.5 7.1).

    A length that lies makes the reader take values for elements, or elements for values; this is where it shows.
    """
    from pydicom.dataelem import RawDataElement

    for part in (dataset.file_meta, dataset):
        tags = [tag for tag in part._dict if tag >> 16]
        if any(one >= other for one, other in pairwise(tags)):
            raise RefusalError("damaged: its elements are out of order")
        for element in part._dict.values():
            if not isinstance(element, RawDataElement) or element.length == _UNDEFINED_LENGTH:
                continue
            if len(element.value or b"") != element.length:
                raise RefusalError("cut short, or an element's length lies")


def _check_is_film(dataset: Any) -> None:
    """One object, of a class that holds films, meant for the eye, in a transfer syntax that can be decoded."""
    for meta, keyword in (("MediaStorageSOPClassUID", "SOPClassUID"), ("MediaStorageSOPInstanceUID", "SOPInstanceUID")):
        named = (dataset.file_meta.get(meta), dataset.get(keyword))
        if all(named) and named[0] != named[1]:
            raise RefusalError(f"its meta group and its data set name different {keyword}s")
    intent = str(dataset.get("PresentationIntentType") or "").strip().upper()
    if intent == "FOR PROCESSING":
        raise RefusalError("raw data FOR PROCESSING; the FOR PRESENTATION film of the same exposure is wanted")
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    if sop_class not in _FILM_CLASSES and (name := _uid_name(sop_class)):
        raise RefusalError(f"no chest film: {name}")
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax not in DECODED_SYNTAXES:
        raise RefusalError(f"{_uid_name(syntax) or 'an unknown transfer syntax'} is not decoded")
    if "PixelData" not in dataset or not dataset.PixelData:
        raise RefusalError("no pixel data" if len(dataset) else "no DICOM")


def _uid_name(uid: str) -> str:
    """The standard's name of a UID, empty for one that is not the standard's, which may be somebody's number."""
    from pydicom.uid import UID

    name = UID(uid).name
    return "" if name == uid else name


def _pixels(dataset: Any) -> Pixels:
    layout = layout_of(dataset)
    if layout.photometric in _COLOUR:
        rgb = colour(dataset, layout)
        return np.ascontiguousarray(rgb @ _REC_601, np.float32)
    if layout.photometric not in ("MONOCHROME1", "MONOCHROME2") or layout.samples != 1:
        raise RefusalError("a Photometric Interpretation that is no film's")
    return displayed(gray_codes(dataset, layout), layout, dataset)
