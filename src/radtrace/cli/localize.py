"""`radtrace localize`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:
    from radtrace.errors import FilmError
    from radtrace.images import Film
    from radtrace.localize import Localization, Localizer

_TOGETHER = 8
"""Films that are in memory at a time."""
_UNREAD: dict[str, Any] = {
    "path": "",
    "kind": None,
    "rotation": None,
    "mirrored": None,
    "sides_by": None,
    "projection": None,
    "width": None,
    "height": None,
    "cardiothoracic_ratio": None,
    "regions": {},
    "warnings": [],
}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a film on stdout, and no pictures.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder of the overlays."
)
@click.option(
    "--regions",
    "wanted",
    multiple=True,
    metavar="NAME[,NAME...]",
    help='What is drawn, e.g. "heart,left base"; "all" for all 35. Default: a dozen landmarks.',
)
@click.option("--strict", is_flag=True, help="Exit status 1 if any film could not be read.")
def localize(paths: tuple[Path, ...], as_json: bool, output: Path, wanted: tuple[str, ...], strict: bool) -> int:
    """Where the anatomy is: the boxes of 35 regions on a frontal chest film.

    PATHS are DICOM, PNG or JPEG films or folders of them. With --json, one line a film: path, kind (frontal, lateral,
    other), rotation (degrees counter-clockwise), mirrored, sides_by (header, marker or null: what tells the patient's
    left from right), projection, width, height, cardiothoracic_ratio, regions (boxes as fractions of the film as it
    was given), warnings; a film that cannot be read has kind null and the reason among its warnings. Without, an
    overlay <name>.regions.png for each film.

    \b
    Examples:
      radtrace localize film.dcm -o overlays
      radtrace localize film.dcm --regions "lungs,cardiac silhouette"
      radtrace localize films/ --json > regions.jsonl
    """
    from radtrace.errors import FilmError
    from radtrace.images import FilmReader
    from radtrace.localize import Localizer
    from radtrace.runs import progress

    names = _names(wanted, as_json)
    films = list(_films(paths))
    localizer = Localizer.load()
    import torch

    torch.set_num_threads(1)  # the decoders have the other cores, and threads that wait for these are slower than one
    if not as_json:
        output.mkdir(parents=True, exist_ok=True)
    unread = 0
    stems = Counter(path.stem for path in films)
    with FilmReader() as reader, progress("films", len(films)) if len(films) > 1 else nullcontext(int) as advance:
        for path, film, found in _localized(films, reader.load_many(films), localizer):
            if isinstance(film, FilmError):
                unread += 1
                _refuse(path, film, as_json)
            elif found:
                name = path.stem if stems[path.stem] == 1 else _whole_name(path)
                picture = None if as_json else output / f"{name}.regions.png"
                _tell(path, film, found, picture, names)
            advance(1)
    click.echo(f"{len(films) - unread} films, {unread} that could not be read", err=True)
    if unread == len(films):
        return InputError.exit_status
    return 1 if strict and unread else 0


def _localized(
    paths: Sequence[Path], films: "Iterator[Film | FilmError]", localizer: "Localizer"
) -> "Iterator[tuple[Path, Film | FilmError, Localization | None]]":
    """Each film with what it shows, None where it could not be read; several go through the network together."""
    from radtrace.errors import FilmError

    for start in range(0, len(paths), _TOGETHER):
        some = list(islice(films, _TOGETHER))
        found = iter(localizer([film for film in some if not isinstance(film, FilmError)]))
        for path, film in zip(paths[start : start + _TOGETHER], some, strict=True):
            yield path, film, None if isinstance(film, FilmError) else next(found)


def _names(wanted: Sequence[str], as_json: bool) -> tuple[str, ...]:
    """The regions to draw. Raises InputError for a name that stands for none."""
    from radtrace.localize import named_regions
    from radtrace.localize.overlay import SHOWN

    if not wanted:
        return SHOWN
    if as_json:
        raise InputError("--regions chooses what is drawn, and --json draws nothing: it tells all 35")
    return named_regions(name for names in wanted for name in names.split(","))


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


def _whole_name(path: Path) -> str:
    """A file name that two films of the same stem do not share, in no folder of its own."""
    return "_".join(part for part in path.parts if part not in (path.anchor, ".."))


def _refuse(path: Path, error: Exception, as_json: bool) -> None:
    click.echo(f"radtrace: {error}", err=True)
    if as_json:
        click.echo(json.dumps(_UNREAD | {"path": str(path), "warnings": [str(error)]}))


def _tell(path: Path, film: "Film", localization: "Localization", picture: Path | None, names: Sequence[str]) -> None:
    """Print a film's line, or draw its overlay."""
    from radtrace.localize import overlay, row

    if picture is None:
        click.echo(json.dumps(row(path, film, localization)))
        return
    picture.write_bytes(overlay(film.pixels, localization, names))
    said = "; ".join(localization.warnings)
    click.echo(f"{picture}: {localization.kind}, {len(localization.regions)} regions{said and '; '}{said}")
