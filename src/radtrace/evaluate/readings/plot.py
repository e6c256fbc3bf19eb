"""Reliability as one PNG: what was said against what was true, a panel for each part of the findings."""

import io
import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

Curve = Sequence[tuple[float, float, int]]
"""(mean probability, share that is true, count) of each bin."""

_SIDE, _MARGIN, _COLUMNS = 220, 40, 4
_INK, _PALE, _BLUE = "#222222", "#bbbbbb", "#1f5fa8"


def draw_reliability(panels: Mapping[str, Curve]) -> bytes:
    """PNG of the panels, four a row. Bars: 95% Wilson intervals; on the diagonal what is said is true."""
    rows = max(1, -(-len(panels) // _COLUMNS))
    cell = _SIDE + 2 * _MARGIN
    picture = Image.new("RGB", (cell * min(_COLUMNS, max(1, len(panels))), cell * rows), "white")
    pen = ImageDraw.Draw(picture)
    for number, (title, curve) in enumerate(panels.items()):
        row, column = divmod(number, _COLUMNS)
        _panel(pen, (column * cell + _MARGIN, row * cell + _MARGIN), title, curve)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _panel(pen: ImageDraw.ImageDraw, corner: tuple[int, int], title: str, curve: Curve) -> None:
    left, top = corner

    def at(said: float, true: float) -> tuple[float, float]:
        return left + said * _SIDE, top + (1 - true) * _SIDE

    pen.rectangle((left, top, left + _SIDE, top + _SIDE), outline=_PALE)
    pen.line([at(0, 0), at(1, 1)], fill=_PALE)
    pen.text((left, top - 16), f"{title} (n {sum(count for _, _, count in curve)})", fill=_INK)
    pen.text((left + 50, top + _SIDE + 16), "stated probability", fill=_INK)
    for share in (0.0, 0.5, 1.0):
        x, y = at(share, share)
        pen.text((x - 8, top + _SIDE + 3), f"{share:g}", fill=_INK)
        pen.text((left - 24, y - 6), f"{share:g}", fill=_INK)
    pen.line([at(said, true) for said, true, _ in curve], fill=_BLUE, width=2)
    for said, true, count in curve:
        low, high = wilson(true, count)
        pen.line([at(said, low), at(said, high)], fill=_BLUE)
        x, y = at(said, true)
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=_BLUE)


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """95% interval of a share of so many (Wilson 1927)."""
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    middle, scale = share + z * z / (2 * count), 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
