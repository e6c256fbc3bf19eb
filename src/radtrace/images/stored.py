"""Stored values out of a DICOM data set: native, RLE, JPEG, JPEG-LS, JPEG 2000, HTJ2K; every claim checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.images.codestream import SOF_OF_SYNTAX, jpeg_header
from radtrace.images.complaints import complaints
from radtrace.images.film import RefusalError, check_size

Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""(H, W) stored values as unsigned bit patterns of Bits Stored bits."""

_EXTENDED = "1.2.840.10008.1.2.4.51"
_RLE = "1.2.840.10008.1.2.5"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", _BIG_ENDIAN}
_JPEG_2000 = {f"1.2.840.10008.1.2.4.{last}" for last in (90, 91, 201, 202, 203)}
DECODED_SYNTAXES = frozenset(_NATIVE | _JPEG_2000 | SOF_OF_SYNTAX.keys() | {_RLE})


@dataclass(frozen=True, slots=True)
class Layout:
    """The Image Pixel description, PS3.3 C.7.6.3: sizes in pixels, depths in bits."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool
    photometric: str

    @property
    def shift(self) -> int:
        """Unused bits below the stored ones."""
        return self.high_bit + 1 - self.stored

    @property
    def mask(self) -> int:
        """The stored bits within an allocated cell."""
        return ((1 << self.stored) - 1) << self.shift

    @property
    def frame_bytes(self) -> int:
        """Length of one native frame."""
        return self.rows * self.columns * self.samples * self.allocated // 8


def layout_of(dataset: Any) -> Layout:
    """The data set's pixel description. Raises RefusalError where it is incomplete, impossible or no single film."""
    rows, columns = _whole(dataset, "Rows"), _whole(dataset, "Columns")
    check_size(columns, rows)
    frames = _whole(dataset, "NumberOfFrames", 1)
    if frames > 1:
        raise RefusalError(f"{frames} frames, no single film")
    stored = _whole(dataset, "BitsStored")
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=_whole(dataset, "SamplesPerPixel", 1),
        allocated=_whole(dataset, "BitsAllocated"),
        stored=stored,
        high_bit=_whole(dataset, "HighBit", stored - 1),
        signed=bool(_whole(dataset, "PixelRepresentation", 0)),
        photometric=str(dataset.get("PhotometricInterpretation") or ""),
    )
    if dataset.get("PixelRepresentation") not in (0, 1, None, ""):
        raise RefusalError("a Pixel Representation that the standard does not know")
    if layout.samples not in (1, 3):
        raise RefusalError(f"{layout.samples} samples a pixel, no film")
    if layout.allocated not in (8, 16):
        raise RefusalError(f"{layout.allocated} bits allocated, no film")
    if not 8 <= stored <= layout.allocated or not stored <= layout.high_bit + 1 <= layout.allocated:
        raise RefusalError(f"impossible depth: {stored} bits stored of {layout.allocated}, high bit {layout.high_bit}")
    return layout


def gray_codes(dataset: Any, layout: Layout) -> Codes:
    """Stored values of a film of one sample a pixel. Raises RefusalError; errors of the decoders come through."""
    cells = _cells(dataset, layout)
    used = int(np.bitwise_or.reduce(cells, axis=None))
    if used & ~layout.mask:
        if not (layout.signed and _sign_extended(cells, layout)) and not _has_embedded_overlay(dataset):
            raise RefusalError(f"stored values of more than {layout.stored} bits")
        cells = cells & cells.dtype.type(layout.mask)
    codes: Codes = cells >> cells.dtype.type(layout.shift) if layout.shift else cells
    return codes


def colour(dataset: Any, layout: Layout) -> npt.NDArray[np.float32]:
    """(H, W, 3) float32 red, green, blue in [0, 1] of a colour image or palette."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.processing import apply_color_lut

    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if layout.photometric == "PALETTE COLOR":
        indexed = apply_color_lut(gray_codes(dataset, layout), dataset)
        return np.asarray(indexed / np.float32(np.iinfo(indexed.dtype).max), np.float32)
    if syntax in _NATIVE:
        _native_bytes(dataset, layout)
    else:
        _check_frame(_frame(dataset), layout, syntax)
    with complaints() as heard:
        array, _ = get_decoder(dataset.file_meta.TransferSyntaxUID).as_array(dataset, index=0)
    if heard.printed:
        raise RefusalError("damaged pixel data, by its decoder's own warning")
    if array.shape != (layout.rows, layout.columns, 3):
        raise RefusalError("its pixel data has another size than its header says")
    scaled: npt.NDArray[np.float32] = np.clip(array / np.float32(2**layout.stored - 1), 0, 1, dtype=np.float32)
    return scaled


def _whole(dataset: Any, keyword: str, default: int | None = None) -> int:
    """A number of the header; `default` where it is absent or empty."""
    value = dataset.get(keyword)
    if value is None or value == "":
        if default is None:
            raise RefusalError(f"no {keyword} in its header")
        return default
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise RefusalError(f"{keyword} is no number") from error
    if number < 0:
        raise RefusalError(f"{keyword} is negative")
    return number


def _cells(dataset: Any, layout: Layout) -> Codes:
    """(H, W) of the allocated cells as they come, whatever their unused bits hold."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if syntax in _NATIVE:
        return _native_cells(_native_bytes(dataset, layout), layout, dataset, syntax == _BIG_ENDIAN)
    frame = _frame(dataset)
    _check_frame(frame, layout, syntax)
    if syntax in _JPEG_2000:
        return _jpeg_2000(frame, layout)
    return _decoded(dataset, layout, "pydicom" if syntax == _RLE else "gdcm")


def _native_bytes(dataset: Any, layout: Layout) -> bytes:
    """The pixel data, as long as its header says; a byte of padding, or up to a row of zeros, may follow."""
    data: bytes = dataset.PixelData
    expected = layout.frame_bytes
    if layout.photometric == "YBR_FULL_422":
        expected = expected * 2 // 3
    surplus = data[expected + expected % 2 :]
    if len(data) < expected or len(surplus) > max(1, expected // layout.rows) or any(surplus):
        raise RefusalError(f"{len(data)} bytes of pixel data where its header needs {expected}")
    return data


def _native_cells(data: bytes, layout: Layout, dataset: Any, big_endian: bool) -> Codes:
    count = layout.rows * layout.columns
    cells: Codes
    if layout.allocated == 16:
        cells = np.frombuffer(data, ">u2" if big_endian else "<u2", count).astype(np.uint16, copy=False)
    elif big_endian and dataset["PixelData"].VR == "OW":
        cells = np.frombuffer(data, "<u2").byteswap().view(np.uint8)[:count]
    else:
        cells = np.frombuffer(data, np.uint8, count)
    return cells.reshape(layout.rows, layout.columns)


def _frame(dataset: Any) -> bytes:
    """The one encapsulated frame."""
    from pydicom.encaps import get_frame

    frame: bytes = get_frame(dataset.PixelData, 0, number_of_frames=1)
    return frame


def _check_frame(frame: bytes, layout: Layout, syntax: str) -> None:
    """The codestream's own header must say the same as the data set's. Raises RefusalError."""
    if syntax == _RLE:
        return
    if syntax in _JPEG_2000:
        from openjpeg.utils import get_parameters

        says = get_parameters(frame)
        size = (says["rows"], says["columns"], says["samples_per_pixel"])
        precision = int(says["precision"])
    else:
        header = jpeg_header(frame, syntax)
        size, precision = (header.rows, header.columns, header.samples), header.precision
        if syntax == _EXTENDED and precision != 8:
            raise RefusalError(f"JPEG Extended with {precision} bits a sample: no decoder here handles it")
    if size != (layout.rows, layout.columns, layout.samples) or precision > layout.allocated:
        raise RefusalError("its pixel data has another size than its header says")


def _decoded(dataset: Any, layout: Layout, plugin: str) -> Codes:
    """By pydicom's decoder; libjpeg prints that data is damaged and goes on, which is taken for an error here."""
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    if plugin not in decoder.available_plugins:
        raise ImportError(plugin)
    with complaints() as heard:
        array, _ = decoder.as_array(dataset, index=0, raw=True, decoding_plugin=plugin)
    if heard.printed:
        raise RefusalError("damaged pixel data, by its decoder's own warning")
    return _unsigned(array, layout)


def _jpeg_2000(frame: bytes, layout: Layout) -> Codes:
    from openjpeg.utils import decode_pixel_data, get_parameters

    says = get_parameters(frame)
    width = 1 if int(says["precision"]) <= 8 else 2
    sign = "i" if says["is_signed"] else "u"
    data = decode_pixel_data(frame, version=2)
    return _unsigned(np.frombuffer(data, f"<{sign}{width}").reshape(layout.rows, layout.columns), layout)


def _unsigned(values: npt.NDArray[Any], layout: Layout) -> Codes:
    """The bit patterns of decoded values, sign-extended to the allocated cell where they have a sign."""
    if values.shape != (layout.rows, layout.columns) or values.dtype.itemsize > 2:
        raise RefusalError("its pixel data has another size than its header says")
    if layout.allocated == 8:
        return values.view(np.uint8) if values.dtype.itemsize == 1 else values.astype(np.uint8)
    return values.astype(np.int16).view(np.uint16) if values.dtype.kind == "i" else values.astype(np.uint16, copy=False)


def _sign_extended(cells: Codes, layout: Layout) -> bool:
    """Whether the bits above the stored ones repeat the sign bit, as those of signed values may."""
    if layout.shift:
        return False
    values = cells.view(f"i{cells.dtype.itemsize}")
    return bool(values.min() >= -(2 ** (layout.stored - 1)) and values.max() < 2 ** (layout.stored - 1))


def _has_embedded_overlay(dataset: Any) -> bool:
    """Old files keep overlay planes in the unused bits: Overlay Bit Position (60xx,0102), PS3.5 8.1.2 (retired)."""
    groups = range(0x6000, 0x6020, 2)
    return any((group, 0x0102) in dataset and (group, 0x3000) not in dataset for group in groups)
