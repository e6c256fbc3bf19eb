"""Stored values to gray in [0, 1]: the modality, VOI and presentation transforms of DICOM PS3.3 C.11 in one table."""

import math
from collections.abc import Callable, MutableSequence
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.images.film import Pixels, RefusalError
from radtrace.images.stored import Codes, Layout

Values = npt.NDArray[np.float64]
Shown = npt.NDArray[np.bool_]

_BLOCK = 1 << 20


def displayed(codes: Codes, layout: Layout, dataset: Any) -> Pixels:
    """What a display shows: 0 black, 1 white, pixel padding black.

    The first VOI LUT, else the first window that shows anything, decides the contrast. Without one, 8-bit values
    without a modality transform are gray as they are (as in a PNG), and others reach from the darkest to the
    brightest that is no padding.
    Raises:  RefusalError where a transform of the header is impossible.
    """
    stored = _stored_values(layout)
    padding = _padding(stored, layout, dataset)
    seen = np.zeros(stored.size, np.bool_)
    seen[codes.ravel()] = True
    values = _modality(stored, dataset)
    shown = seen & ~padding
    gray = _gray(values, shown, dataset, plain=layout.stored == 8 and not layout.signed and values is stored)
    if layout.photometric == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE":
        gray = 1 - gray
    gray[padding] = 0
    return _looked_up(gray.astype(np.float32), codes)


def _looked_up(table: npt.NDArray[np.float32], codes: Codes) -> Pixels:
    """table[codes], by blocks: numpy makes 8-byte indices of all that it is given at once."""
    pixels = np.empty(codes.shape, np.float32)
    flat: npt.NDArray[Any] = np.ascontiguousarray(codes).reshape(-1)
    out = pixels.reshape(-1)
    for start in range(0, flat.size, _BLOCK):
        np.take(table, flat[start : start + _BLOCK], out=out[start : start + _BLOCK], mode="clip")
    return pixels


def _stored_values(layout: Layout) -> Values:
    """The number that each bit pattern stands for."""
    values = np.arange(2**layout.stored, dtype=np.float64)
    if layout.signed:
        values[values.size // 2 :] -= values.size
    return values


def _padding(stored: Values, layout: Layout, dataset: Any) -> Shown:
    """Which stored values are padding; PS3.3 C.7.5.1.1.2."""
    first = _stored_number(dataset.get("PixelPaddingValue"), layout)
    if first is None:
        return np.zeros(stored.size, np.bool_)
    last = _stored_number(dataset.get("PixelPaddingRangeLimit"), layout)
    last = first if last is None else last
    return (stored >= min(first, last)) & (stored <= max(first, last))


def _stored_number(value: object, layout: Layout) -> int | None:
    """A 16-bit number of the header read with the sign of the pixels, whatever sign it was written with."""
    if not isinstance(value, int):
        return None
    unsigned = value & 0xFFFF
    return unsigned - 0x10000 if layout.signed and unsigned >= 0x8000 else unsigned


def _modality(stored: Values, dataset: Any) -> Values:
    """Modality LUT or rescale, PS3.3 C.11.1; `stored` itself where there is none."""
    items = dataset.get("ModalityLUTSequence")
    if items:
        return _Lut(items[0], stored)(stored)
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    if slope == 0:
        raise RefusalError("Rescale Slope is zero")
    return stored if (slope, intercept) == (1.0, 0.0) else stored * slope + intercept


def _gray(values: Values, shown: Shown, dataset: Any, plain: bool) -> Values:
    """[0, 1] of each value before the presentation's polarity; PS3.3 C.11.2."""
    looked_at = values[shown]
    if not looked_at.size:
        return np.zeros(values.size)
    for transform in _voi(dataset, values):
        gray = transform(values)
        if np.ptp(gray[shown]) > 0 or np.ptp(looked_at) == 0:
            return gray
    low, high = (0.0, 255.0) if plain else (float(looked_at.min()), float(looked_at.max()))
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros(values.size)


def _voi(dataset: Any, values: Values) -> list[Callable[[Values], Values]]:
    """The header's VOI transforms to [0, 1], the first of each kind, LUT before window."""
    found: list[Callable[[Values], Values]] = []
    items = dataset.get("VOILUTSequence")
    if items:
        lut = _Lut(items[0], values)
        found.append(lambda x: lut(x) / lut.top)
    if ("WindowCenter" in dataset) != ("WindowWidth" in dataset):
        raise RefusalError("half a window: Window Center and Window Width stand together or not at all")
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    if centre is not None and width is not None and width > 0:
        found.append(_window(centre, width, str(dataset.get("VOILUTFunction") or "LINEAR").upper()))
    return found


def _window(centre: float, width: float, function: str) -> Callable[[Values], Values]:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT)."""
    if function == "LINEAR":
        if width <= 1:
            return lambda x: (x > centre - 0.5).astype(np.float64)
        return lambda x: np.clip((x - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    if function == "LINEAR_EXACT":
        return lambda x: np.clip((x - centre) / width + 0.5, 0, 1)
    if function == "SIGMOID":
        return lambda x: 1 / (1 + np.exp(np.clip(-4 * (x - centre) / width, -700, 700)))
    raise RefusalError("a VOI LUT Function that the standard does not know")


class _Lut:
    """A modality or VOI lookup table, PS3.3 C.11.1.1, C.11.2.1.1. top: the largest value of its entries' bit depth."""

    def __init__(self, item: Any, inputs: Values) -> None:
        descriptor = item.get("LUTDescriptor")
        data = item.get("LUTData")
        if descriptor is None or isinstance(descriptor, int | bytes | str) or len(descriptor) != 3 or data is None:
            raise RefusalError("a lookup table without descriptor or data")
        count, first = int(descriptor[0]) & 0xFFFF or 0x10000, int(descriptor[1])
        if first >= 0x8000 and inputs.min() < 0:
            first -= 0x10000
        self._entries = _entries(data, count, item.is_little_endian is not False)
        self._first = first
        self.top = 2 ** max(8, int(self._entries.max()).bit_length()) - 1

    def __call__(self, values: Values) -> Values:
        at = np.clip(np.rint(values - self._first), 0, self._entries.size - 1).astype(np.intp)
        return self._entries[at].astype(np.float64)


def _entries(data: object, count: int, little_endian: bool) -> npt.NDArray[np.uint16]:
    """Entries of a LUT, which are numbers, words or packed bytes."""
    if isinstance(data, bytes):
        if len(data) in (count, count + 1) and count > 1:
            return np.frombuffer(data, np.uint8, count).astype(np.uint16)
        if len(data) >= 2 * count:
            return np.frombuffer(data, "<u2" if little_endian else ">u2", count).astype(np.uint16)
    elif isinstance(data, int):
        data = [data]
    if isinstance(data, bytes) or len(data) < count:  # type: ignore[arg-type]
        raise RefusalError("a lookup table with fewer entries than it says")
    return (np.asarray(data[:count], np.int64) & 0xFFFF).astype(np.uint16)  # type: ignore[index]


def _first(dataset: Any, keyword: str) -> float | None:
    """The first of a number's values; None where there is none."""
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    try:
        number = float(value[0] if isinstance(value, MutableSequence) else value)
    except (TypeError, ValueError, IndexError) as error:
        raise RefusalError(f"{keyword} is no number") from error
    if not math.isfinite(number):
        raise RefusalError(f"{keyword} is not finite")
    return number


def _number(dataset: Any, keyword: str, default: float) -> float:
    number = _first(dataset, keyword)
    return default if number is None else number
