"""A film with its boxes drawn, for the eye."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from radtrace.anatomy import DOMAIN_OF
from radtrace.geometry import Box
from radtrace.images import Pixels
from radtrace.localize.localizer import Localization

_LONG_EDGE = 1280
_LEGEND_LINE = 20
_COLOURS = {"mediastinal": "#ff9f43", "lung": "#4dd2ff", "bone": "#b8e986", "other": "#d7a6ff"}
_LUNGS = ("right lung", "left lung")


def overlay(pixels: Pixels, localization: Localization) -> bytes:
    """PNG of the film, long edge 1280, with labelled boxes: lungs thick, the rest thin, coloured by domain.

    A label stands at the corner of its box that is still free of other labels; below the film stand kind, rotation,
    colours and warnings.
    """
    scale = _LONG_EDGE / max(pixels.shape)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    film = Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)).resize(size)
    lines = _legend(localization)
    canvas = Image.new("RGB", (size[0], size[1] + _LEGEND_LINE * len(lines) + 8), "#101418")
    canvas.paste(film.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(canvas)
    _draw_boxes(draw, localization.regions, size)
    for number, line in enumerate(lines):
        _write(draw, line, 8, size[1] + 4 + number * _LEGEND_LINE)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def _draw_boxes(draw: ImageDraw.ImageDraw, regions: dict[str, Box], size: tuple[int, int]) -> None:
    """Large boxes first, so that small ones and all labels lie on top."""
    corners = {}
    for name, box in sorted(regions.items(), key=lambda item: -item[1].area):
        rows, columns = box.pixel_slices(*size)
        corners[name] = (columns.start, rows.start, columns.stop - 1, rows.stop - 1)
        draw.rectangle(corners[name], outline=_COLOURS[DOMAIN_OF[name]], width=4 if name in _LUNGS else 1)
    font, taken = ImageFont.load_default(12), list[tuple[int, int, int, int]]()
    for name in reversed(corners):
        place = _free_place(corners[name], draw.textbbox((0, 0), name, font=font), taken, size)
        taken.append(place)
        draw.rectangle(place, fill="#101418")
        draw.text((place[0] + 2, place[1]), name, fill=_COLOURS[DOMAIN_OF[name]], font=font)


def _free_place(
    corners: tuple[int, int, int, int],
    text: tuple[float, float, float, float],
    taken: list[tuple[int, int, int, int]],
    size: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Where a label goes: inside or outside a corner of its box, or along its side, without hiding another label."""
    x1, y1, x2, y2 = corners
    width, height = int(text[2]) + 4, int(text[3]) + 2
    steps = range(0, max(y2 - y1, 1), height)
    candidates = [(x1, y1), (x2 - width, y1), (x1, y2 - height), (x2 - width, y2 - height), (x1, y1 - height)]
    candidates += [(x, y1 + step) for step in steps for x in (x1, x2 - width, (x1 + x2 - width) // 2)]
    places = []
    for x, y in candidates:
        x, y = min(max(x, 0), size[0] - width), min(max(y, 0), size[1] - height)
        places.append((x, y, x + width, y + height))
    return min(places, key=lambda place: sum(_shared(place, other) for other in taken))


def _shared(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> int:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)


def _legend(localization: Localization) -> list[list[tuple[str, str]]]:
    """Lines of (text, colour)."""
    turned = f", turned by {localization.rotation} degrees" if localization.rotation else ""
    first = [(localization.kind + turned, "#ffffff"), *(_COLOURS.items() if localization.regions else ())]
    return [first, *([(warning, "#ffd166")] for warning in localization.warnings)]


def _write(draw: ImageDraw.ImageDraw, line: list[tuple[str, str]], x: float, y: float) -> None:
    font = ImageFont.load_default(14)
    for text, colour in line:
        draw.text((x, y), text, fill=colour, font=font)
        x += draw.textlength(text, font=font) + 24
