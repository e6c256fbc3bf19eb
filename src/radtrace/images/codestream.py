"""The headers of JPEG family codestreams, read before a decoder sees them, so that a lying one is refused."""

from dataclasses import dataclass

from radtrace.images.film import RefusalError

_BASELINE, _EXTENDED, _LOSSLESS, _LS = 0xC0, 0xC1, 0xC3, 0xF7
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), _LS} - {0xC4, 0xC8, 0xCC})
_START_OF_SCAN = 0xDA
_END = b"\xff\xd9"
_NAMES = {0xC2: "progressive JPEG", 0xC9: "arithmetic-coded JPEG", 0xCB: "arithmetic-coded JPEG"}

SOF_OF_SYNTAX = {
    "1.2.840.10008.1.2.4.50": {_BASELINE},
    "1.2.840.10008.1.2.4.51": {_BASELINE, _EXTENDED},
    "1.2.840.10008.1.2.4.57": {_LOSSLESS},
    "1.2.840.10008.1.2.4.70": {_LOSSLESS},
    "1.2.840.10008.1.2.4.80": {_LS},
    "1.2.840.10008.1.2.4.81": {_LS},
}
"""Transfer syntax UID -> the kinds of JPEG frame header that it allows; PS3.5 8.2, A.4."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """rows, columns, samples per pixel, bits per sample; kind: the second byte of the marker."""

    kind: int
    precision: int
    rows: int
    columns: int
    samples: int


def jpeg_header(frame: bytes, syntax: str) -> FrameHeader:
    """Frame header of a JPEG or JPEG-LS codestream; ITU-T T.81 B.2.2, T.87 C.2.2.

    Raises:  RefusalError where the markers are damaged, the end is missing or the kind is not that of `syntax`.
    """
    if not frame.startswith(b"\xff\xd8"):
        raise RefusalError("its pixel data is no JPEG")
    if not frame.rstrip(b"\0").endswith(_END) and _END not in frame[-8:]:
        raise RefusalError("JPEG cut short")
    header = _scan_markers(frame)
    if header.kind not in SOF_OF_SYNTAX[syntax]:
        raise RefusalError(
            f"{_NAMES.get(header.kind, 'another kind of JPEG')} in a transfer syntax that does not allow it"
        )
    return header


def _scan_markers(frame: bytes) -> FrameHeader:
    at, header = 2, None
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4])
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAME_HEADERS and length >= 8 and header is None:
            header = FrameHeader(
                marker,
                frame[at + 4],
                int.from_bytes(frame[at + 5 : at + 7]),
                int.from_bytes(frame[at + 7 : at + 9]),
                frame[at + 9],
            )
        if marker == _START_OF_SCAN and header is not None:
            return header
        at += 2 + length
    raise RefusalError("damaged JPEG markers")
