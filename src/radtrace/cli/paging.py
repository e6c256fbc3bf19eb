"""What `show` and `demo` share: writing the page of some traces, and opening it."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from radtrace.build.reading import Found
from radtrace.pages import TraceView, write_page


def write_found(found: Found, path: Path, title: str, notes: Sequence[str] = ()) -> int:
    """Write the page of the chosen traces; how many it holds."""
    views = (TraceView(row.trace, row.film_png, row.step_pngs) for row in found.rows())
    return write_page(views, path, title, notes)


def open_in_browser(path: Path) -> None:
    """Open a page, or say that no browser could be started."""
    if not webbrowser.open(path.resolve().as_uri()):
        click.echo(f"no browser could be started; open {path} yourself", err=True)
