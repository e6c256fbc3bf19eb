"""Curves of a run as one PNG, drawn without a plotting library."""

import io
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

_PANEL = (420, 240)
_MARGIN = (60, 24, 12, 24)
"""Pixels left, above, right and below a panel's axes."""
_COLOURS = ("#1f5fa8", "#c0392b", "#27863b", "#7d3c98", "#b9770e")

Curve = Sequence[tuple[float, float]]


def draw_curves(panels: Mapping[str, Mapping[str, Curve]]) -> bytes:
    """A PNG of panels below each other. panels: title -> name of a curve -> (step, value) in the order of steps."""
    width, height = _PANEL
    picture = Image.new("RGB", (width, height * max(1, len(panels))), "white")
    pen = ImageDraw.Draw(picture)
    for number, (title, curves) in enumerate(panels.items()):
        _panel(pen, number * height, title, curves)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _panel(pen: ImageDraw.ImageDraw, top: int, title: str, curves: Mapping[str, Curve]) -> None:
    left, above, right, below = _MARGIN
    x0, x1, y0, y1 = left, _PANEL[0] - right, top + above, top + _PANEL[1] - below
    points = [point for curve in curves.values() for point in curve]
    pen.rectangle((x0, y0, x1, y1), outline="#999999")
    pen.text((x0, top + 6), title, fill="black")
    if not points:
        return
    low_x, high_x = (bound(x for x, _ in points) for bound in (min, max))
    low_y, high_y = (bound(y for _, y in points) for bound in (min, max))
    for text, place in ((f"{high_y:.4g}", (4, y0)), (f"{low_y:.4g}", (4, y1 - 10)), (f"{high_x:g}", (x1 - 40, y1 + 4))):
        pen.text(place, text, fill="black")
    for index, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        pen.text((x0 + 110 + 75 * index, top + 6), name, fill=colour)
        pen.line(
            [
                (
                    x0 + (x - low_x) / ((high_x - low_x) or 1) * (x1 - x0),
                    y1 - (y - low_y) / ((high_y - low_y) or 1) * (y1 - y0),
                )
                for x, y in curve
            ],
            fill=colour,
            width=2,
        )
