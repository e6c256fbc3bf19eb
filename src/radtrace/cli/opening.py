"""Opening a page for the person at the terminal."""

import webbrowser
from pathlib import Path

import click


def open_in_browser(path: Path) -> None:
    """Open a page, or say that no browser could be started."""
    if not webbrowser.open(path.resolve().as_uri()):
        click.echo(f"no browser could be started; open {path} yourself", err=True)
