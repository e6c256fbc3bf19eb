"""What `show`, `read` and `demo` share: writing the page of some traces, and opening it."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from radtrace.images import Pixels, crop, encode_png, resized
from radtrace.pages import TraceView, write_page

if TYPE_CHECKING:
    from radtrace.build.reading import Found
    from radtrace.reader import Reading

_LONGEST = 1024
"""Pixels of a film's long side on the page of a reading."""


def write_found(found: "Found", path: Path, title: str, notes: Sequence[str] = ()) -> int:
    """Write the page of the chosen traces; how many it holds."""
    views = (TraceView(row.trace, row.film_png, row.step_pngs) for row in found.rows())
    return write_page(views, path, title, notes)


def reading_view(reading: "Reading") -> TraceView:
    """A reading as a page shows it: the film as it was given and, beside a generated picture, the film there."""
    prepared = reading.prepared
    images = [step.image for step in reading.trace.steps]
    crops = tuple(
        encode_png(_shown(crop(prepared.film.pixels, prepared.upright(image.box))))
        if image and image.box and image.kind == "generated"
        else None
        for image in images
    )
    pictures = tuple(None if picture is None else encode_png(picture) for picture in reading.pictures)
    return TraceView(reading.trace, encode_png(_shown(prepared.given.pixels)), pictures, crops)


def _shown(pixels: Pixels) -> Pixels:
    """No larger than a page needs."""
    height, width = pixels.shape
    share = _LONGEST / max(height, width)
    return pixels if share >= 1 else resized(pixels, max(1, round(width * share)), max(1, round(height * share)))


def open_in_browser(path: Path) -> None:
    """Open a page, or say that no browser could be started."""
    if not webbrowser.open(path.resolve().as_uri()):
        click.echo(f"no browser could be started; open {path} yourself", err=True)
