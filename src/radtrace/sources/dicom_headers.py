"""What a DICOM archive says of its files: identity, kind and position from headers, and the text of structured reports.

Headers come from strangers: a file is read up to a stated number of bytes, deflated ones are inflated up to as many,
and pixels are never touched. What pydicom stumbles over becomes a `HeaderError` in words of our own, since its own may
quote a patient's data.
"""

import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

from radtrace.errors import MissingExtraError
from radtrace.records import Projection, Report
from radtrace.reports import sections

_HEADER_BYTES = 256 * 1024
_LARGEST_HEADER = 8 * 1024 * 1024
"""Read where the identity does not stand in the first bytes, and of reports."""
_LARGEST_DIRECTORY = 64 * 1024 * 1024
_MOST_ELEMENTS = 10_000
_STUDY_INSTANCE_UID = 0x0020000D
_DEFLATED = b"1.2.840.10008.1.2.1.99"

FILM_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography Image Storage
    "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray Image Storage - For Presentation
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture, as public archives of converted films use it
}
"""SOP classes of films that are meant to be read (PS3.4 B.5)."""
_REPORT_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
_MODALITIES = {"CR", "DX", "CT", "MR", "US", "PT", "NM", "MG", "XA", "RF", "PR", "KO", "SR", "OT", "DOC", "SC", "SEG"}

_PROJECTIONS: dict[str, Projection] = {
    "PA": "PA", "AP": "AP", "LL": "lateral", "RL": "lateral", "LATERAL": "lateral",
}  # fmt: skip
"""View Position (0018,5101), PS3.3 C.8.1.1 and C.8.11.1; of other positions the film itself is asked."""

_SECTIONS = {
    "121070": "findings", "121071": "findings", "18782-3": "findings", "59776-5": "findings",
    "121072": "impression", "121073": "impression", "121074": "impression", "121075": "impression",
    "121076": "impression", "121077": "impression", "19005-8": "impression",
    "121060": "indication", "121109": "indication", "121110": "indication", "18785-6": "indication",
    "121066": "comparison", "121067": "comparison", "121068": "comparison", "18834-2": "comparison",
    "121064": "technique", "121065": "technique", "55111-9": "technique",
}  # fmt: skip
"""Concept of a heading or text item (PS3.16 CID 7001, TID 2000 and 2002; LOINC) -> our section."""


class HeaderError(ValueError):
    """A file whose header cannot be used, in words of our own."""


@dataclass(frozen=True, slots=True)
class Header:
    """Identity and kind of one file; text that is absent is empty. `modality` and `kind` are safe to be told."""

    study: str
    instance: str
    patient: str
    accession: str
    modality: str
    sop_class: str
    kind: str
    projection: Projection

    @property
    def is_film(self) -> bool:
        """Whether it is a plain film for reading."""
        return self.modality in {"CR", "DX"} and (self.sop_class in FILM_CLASSES or not self.sop_class)

    @property
    def is_report(self) -> bool:
        """Whether it is a structured report."""
        return self.sop_class.startswith(_REPORT_CLASSES)


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A structured report. rank: later and more final ones are larger; left_out: texts under headings of no section."""

    report: Report
    rank: tuple[bool, bool, str]
    left_out: int


def read_header(path: Path) -> Header:
    """The header of one file. Raises HeaderError; MissingExtraError where pydicom is absent."""
    for limit in (_HEADER_BYTES, _LARGEST_HEADER):
        data = _head(path, limit)
        try:
            return _header(_parsed(data, limit, stop_after=_STUDY_INSTANCE_UID))
        except HeaderError:
            if len(data) < limit:
                raise
    raise HeaderError(f"no Study Instance UID in the first {_LARGEST_HEADER} bytes")


def read_report(path: Path) -> WrittenReport | None:
    """The text of a structured report (PS3.3 A.35, C.17.3); None where it has none. Raises HeaderError."""
    dataset = _parsed(_head(path, _LARGEST_HEADER), _LARGEST_HEADER, stop_after=None)
    with _guarded():
        found: dict[str, list[str]] = {}
        for section, text in _texts(dataset, ""):
            found.setdefault(section, []).append(text)
        final = (dataset.get("VerificationFlag") == "VERIFIED", dataset.get("CompletionFlag") == "COMPLETE")
        when = f"{dataset.get('ContentDate', '')}{dataset.get('ContentTime', '')}"
    unnamed = found.pop("", [])
    if found:
        report = Report(**{section: "\n".join(texts) for section, texts in found.items()})
        return WrittenReport(report, (*final, when), len(unnamed))
    return WrittenReport(sections("\n".join(unnamed)), (*final, when), 0) if unnamed else None


def read_directory(path: Path) -> list[tuple[str, ...]]:
    """The files that a DICOMDIR names (PS3.3 F.3), each as the parts of its path. Raises HeaderError."""
    dataset = _parsed(_head(path, _LARGEST_DIRECTORY), _LARGEST_DIRECTORY, stop_after=None)
    with _guarded():
        records = dataset.get("DirectoryRecordSequence")
        if records is None:
            raise HeaderError("no DICOMDIR: it has no directory records")
        ids = [record.get("ReferencedFileID") for record in records]
        names = [(str(name),) if isinstance(name, str) else tuple(map(str, name)) for name in ids if name]
    for parts in names:
        if any(part in {"", ".", ".."} or "/" in part or "\\" in part or "\0" in part for part in parts):
            raise HeaderError("a directory record leads out of the file set")
    return names


def _head(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise HeaderError(error.strerror or "cannot be read") from error


def _parsed(data: bytes, limit: int, stop_after: int | None) -> Any:
    """The elements up to a tag, or all of them."""
    try:
        from pydicom.filereader import read_dataset, read_partial
    except ImportError as error:
        raise MissingExtraError("read", "reading DICOM headers") from error

    elements = count()

    def stop(tag: int, _: str | None, __: int) -> bool:
        if next(elements) > _MOST_ELEMENTS:
            raise HeaderError(f"more than {_MOST_ELEMENTS} elements")
        return stop_after is not None and tag > stop_after

    with _guarded():
        if _DEFLATED in data[:2048]:
            return read_dataset(BytesIO(_inflated(data, limit)), False, True, stop_when=stop)
        return read_partial(BytesIO(data), stop_when=stop, force=True)


def _inflated(data: bytes, limit: int) -> bytes:
    """The data set of a deflated file (PS3.5 A.5), at most `limit` bytes of it."""
    if data[128:136] != b"DICM\x02\x00\x00\x00":
        raise HeaderError("deflated, without a meta group")
    start = 144 + int.from_bytes(data[140:144], "little")
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], limit)


@contextmanager
def _guarded() -> Iterator[None]:
    """Neither pydicom's warnings nor its errors get out: both may quote a patient's data."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (HeaderError, MissingExtraError):
        raise
    except Exception as error:  # hostile bytes make pydicom raise almost anything
        raise HeaderError(f"no readable DICOM header ({type(error).__name__})") from None
    finally:
        logger.setLevel(level)


def _header(dataset: Any) -> Header:
    with _guarded():
        return _told(dataset)


def _told(dataset: Any) -> Header:
    from pydicom.uid import UID

    study, sop_class = _text(dataset, "StudyInstanceUID"), _text(dataset, "SOPClassUID")
    if not study:
        raise HeaderError("no DICOM file" if not sop_class else "no Study Instance UID")
    modality = _text(dataset, "Modality").upper()
    name = UID(sop_class).name
    patient = _text(dataset, "PatientID")
    return Header(
        study=study,
        instance=_text(dataset, "SOPInstanceUID"),
        patient=patient and f"{_text(dataset, 'IssuerOfPatientID')}|{patient}",
        accession=_text(dataset, "AccessionNumber"),
        modality=modality if modality in _MODALITIES else "other",
        sop_class=sop_class,
        kind=name if name != sop_class else "unknown SOP class",
        projection=_PROJECTIONS.get(_text(dataset, "ViewPosition").upper(), "unknown"),
    )


def _text(dataset: Any, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")


def _texts(item: Any, section: str) -> Iterator[tuple[str, str]]:
    """(section, text) of the text items below a content item; a heading holds until another one is named."""
    for child in item.get("ContentSequence") or ():
        inner = _section(child) or section
        text = _text(child, "TextValue") if child.get("ValueType") == "TEXT" else ""
        if text:
            yield inner, text
        yield from _texts(child, inner)


def _section(item: Any) -> str:
    """The section that an item's concept stands for, by its code or else by its words; empty for none."""
    concepts = item.get("ConceptNameCodeSequence") or ()
    for concept in concepts:
        known = _SECTIONS.get(_text(concept, "CodeValue"))
        if known:
            return known
        read = sections(f"{_text(concept, 'CodeMeaning')}:\nx")
        return next((name for name, words in read if words == "x"), "")
    return ""
