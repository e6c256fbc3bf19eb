"""A film with boxes drawn, for the eye."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from radtrace.anatomy import DOMAIN_OF
from radtrace.geometry import Box
from radtrace.images import Pixels
from radtrace.localize.localizer import Localization

SHOWN: tuple[str, ...] = (
    "trachea",
    "carina",
    "right lung",
    "left lung",
    "right hilar structures",
    "left hilar structures",
    "aortic arch",
    "cardiac silhouette",
    "right hemidiaphragm",
    "left hemidiaphragm",
    "right costophrenic angle",
    "left costophrenic angle",
)
"""What is drawn unless asked otherwise: the landmarks of a first look at a chest film.

Airway, lungs and hila, heart and aorta, diaphragm and angles show at a glance whether the film was understood. Zones
are thirds of the lungs that are drawn; ribs, spine and abdomen are large boxes that would lie over everything else.
"""

_LONG_EDGE = 1280
_LEGEND_LINE = 20
_GROUND = "#101418"
_COLOURS = {"mediastinal": "#ff9f43", "lung": "#4dd2ff", "bone": "#b8e986", "other": "#d7a6ff"}
_LUNGS = ("right lung", "left lung")
_CROWD = 16
"""With more boxes than this, lines are thinner and letters smaller."""


class _Area(NamedTuple):
    """Pixels of the picture, inclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    def shared(self, other: "_Area") -> int:
        """Pixels that two areas have in common."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0, width) * max(0, height)


def overlay(pixels: Pixels, localization: Localization, names: Sequence[str] = SHOWN) -> bytes:
    """PNG of the film, long edge 1280, with labelled boxes: lungs thick, the rest thin, coloured by domain.

    No label hides another; one that finds no room at its box is tied to it by a line. Below the film stand kind,
    rotation, colours and warnings.

    Args:    names: of `radtrace.anatomy.REGIONS`; see `radtrace.localize.named_regions` for other words.
    """
    scale = _LONG_EDGE / max(pixels.shape)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    film = Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)).resize(size)
    regions = {name: box for name, box in localization.regions.items() if name in names}
    lines = _legend(localization, dict.fromkeys(DOMAIN_OF[name] for name in regions))
    canvas = Image.new("RGB", (size[0], size[1] + _LEGEND_LINE * len(lines) + 8), _GROUND)
    canvas.paste(film.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(canvas)
    _draw_boxes(draw, regions, size)
    for number, line in enumerate(lines):
        _write(draw, line, 8, size[1] + 4 + number * _LEGEND_LINE)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def _draw_boxes(draw: ImageDraw.ImageDraw, regions: dict[str, Box], size: tuple[int, int]) -> None:
    """Large boxes first, so that small ones and all labels lie on top."""
    crowded, areas = len(regions) > _CROWD, dict[str, _Area]()
    for name, box in sorted(regions.items(), key=lambda item: -item[1].area):
        rows, columns = box.pixel_slices(*size)
        areas[name] = _Area(columns.start, rows.start, columns.stop - 1, rows.stop - 1)
        width = 4 if name in _LUNGS else 1 if crowded else 2
        draw.rectangle(areas[name], outline=_COLOURS[DOMAIN_OF[name]], width=width)
    font, taken = ImageFont.load_default(12 if crowded else 15), list[_Area]()
    for name in reversed(areas):
        colour, area = _COLOURS[DOMAIN_OF[name]], areas[name]
        _, _, right, bottom = draw.textbbox((0, 0), name, font=font)
        place = _free_place(area, (int(right) + 5, int(bottom) + 3), taken, size)
        taken.append(place)
        if not place.shared(_grown(area, 2)):
            draw.line((*_centre(place), *_centre(area)), fill=colour)
        draw.rectangle(place, fill=_GROUND)
        draw.text((place.x1 + 2, place.y1), name, fill=colour, font=font)


def _free_place(area: _Area, label: tuple[int, int], taken: Sequence[_Area], size: tuple[int, int]) -> _Area:
    """Where a label goes that hides no other: at its box if there is room, else as near to it as there is."""
    for places in (_beside(area, label, size), _anywhere(area, label, size)):
        for place in places:
            if not any(place.shared(other) for other in taken):
                return place
    return _placed(area.x1, area.y1, label, size)


def _beside(area: _Area, label: tuple[int, int], size: tuple[int, int]) -> Iterator[_Area]:
    """Inside or outside a corner of the box, then down its sides and middle."""
    (x1, y1, x2, y2), (width, height) = area, label
    corners = [(x1, y1), (x2 - width, y1), (x1, y2 - height), (x2 - width, y2 - height), (x1, y1 - height)]
    down = ((x, y) for y in range(y1, y2, height) for x in (x1, x2 - width, (x1 + x2 - width) // 2))
    for x, y in (*corners, *down):
        yield _placed(x, y, label, size)


def _anywhere(area: _Area, label: tuple[int, int], size: tuple[int, int]) -> Iterable[_Area]:
    """Places all over the film, the nearest to the box first."""
    (x, y), (width, height) = _centre(area), label
    grid = [
        _placed(column, row, label, size)
        for row in range(0, size[1], height)
        for column in range(0, size[0], max(1, width // 4))
    ]
    return sorted(grid, key=lambda place: (_centre(place)[0] - x) ** 2 + (_centre(place)[1] - y) ** 2)


def _placed(x: int, y: int, label: tuple[int, int], size: tuple[int, int]) -> _Area:
    """A label's area with its corner at (x, y), moved into the film."""
    width, height = label
    x, y = max(0, min(x, size[0] - width)), max(0, min(y, size[1] - height))
    return _Area(x, y, x + width, y + height)


def _grown(area: _Area, margin: int) -> _Area:
    return _Area(area.x1 - margin, area.y1 - margin, area.x2 + margin, area.y2 + margin)


def _centre(area: _Area) -> tuple[int, int]:
    return (area.x1 + area.x2) // 2, (area.y1 + area.y2) // 2


def _legend(localization: Localization, domains: Iterable[str]) -> list[list[tuple[str, str]]]:
    """Lines of (text, colour)."""
    turned = f", turned by {localization.rotation} degrees" if localization.rotation else ""
    first = [(localization.kind + turned, "#ffffff"), *((domain, _COLOURS[domain]) for domain in domains)]
    return [first, *([(warning, "#ffd166")] for warning in localization.warnings)]


def _write(draw: ImageDraw.ImageDraw, line: list[tuple[str, str]], x: float, y: float) -> None:
    font = ImageFont.load_default(14)
    for text, colour in line:
        draw.text((x, y), text, fill=colour, font=font)
        x += draw.textlength(text, font=font) + 24
