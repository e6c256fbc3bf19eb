"""`radtrace localize`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:
    from radtrace.localize import Localizer

_BATCH = 16
_UNREAD: dict[str, Any] = {
    "path": "",
    "kind": None,
    "rotation": None,
    "width": None,
    "height": None,
    "regions": {},
    "warnings": [],
}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a film on stdout, and no pictures.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder of the overlays."
)
@click.option("--strict", is_flag=True, help="Exit status 1 if any film could not be read.")
def localize(paths: tuple[Path, ...], as_json: bool, output: Path, strict: bool) -> int:
    """Where the anatomy is: the boxes of 35 regions on a frontal chest film.

    PATHS are DICOM, PNG or JPEG films or folders of them. With --json, one line a film: path, kind, rotation, width,
    height, regions (boxes as fractions of the unrotated film), warnings; a film that cannot be read has kind null and
    the reason among its warnings. Without, an overlay <name>.regions.png for each film.

    \b
    Examples:
      radtrace localize film.dcm -o overlays
      radtrace localize films/ --json > regions.jsonl
    """
    from radtrace.localize import Localizer
    from radtrace.runs import progress

    films = list(_films(paths))
    localizer = Localizer.load()
    if not as_json:
        output.mkdir(parents=True, exist_ok=True)
    unread = 0
    with progress("films", len(films)) if len(films) > _BATCH else nullcontext(int) as advance:
        for start in range(0, len(films), _BATCH):
            batch = films[start : start + _BATCH]
            unread += _batch(localizer, batch, None if as_json else output)
            advance(len(batch))
    click.echo(f"{len(films) - unread} films, {unread} that could not be read", err=True)
    if unread == len(films):
        return InputError.exit_status
    return 1 if strict and unread else 0


def _films(paths: Sequence[Path]) -> Iterator[Path]:
    from radtrace.images import FILM_SUFFIXES

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(entry for entry in path.rglob("*") if entry.suffix.lower() in FILM_SUFFIXES and entry.is_file())
        if not found:
            raise InputError(f"{path}: holds no film ({', '.join(sorted(FILM_SUFFIXES))})")
        yield from found


def _batch(localizer: "Localizer", paths: Sequence[Path], output: Path | None) -> int:
    """Localize some films and print or draw them in their order; how many could not be read."""
    from radtrace.errors import FilmError
    from radtrace.images import Film, load_film
    from radtrace.localize import overlay, row

    opened: list[Film | str] = []
    for path in paths:
        try:
            opened.append(load_film(path))
        except FilmError as error:
            opened.append(str(error))
    located = iter(localizer([film.pixels for film in opened if isinstance(film, Film)]))
    for path, film in zip(paths, opened, strict=True):
        if isinstance(film, str):
            click.echo(f"radtrace: {film}", err=True)
            if output is None:
                click.echo(json.dumps(_UNREAD | {"path": str(path), "warnings": [film]}))
            continue
        localization = next(located)
        if output is None:
            click.echo(json.dumps(row(str(path), film, localization), ensure_ascii=False))
            continue
        picture = output / f"{path.stem}.regions.png"
        picture.write_bytes(overlay(film.pixels, localization))
        click.echo(
            f"{picture}: {localization.kind}, {len(localization.regions)} regions; {'; '.join(localization.warnings)}"
        )
    return sum(isinstance(film, str) for film in opened)
