"""`radtrace report`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:  # numpy and pydantic load only where files are read
    from radtrace.evaluate.runs import ScoredRun
    from radtrace.evaluate.tables import Table

_TABLES = ("all", "headline", "classes", "mmrad1", "mmrad2", "mmrad3", "deepmedix", "chestx-reasoner")
_FORMATS = {".md": "markdown", ".tex": "latex", ".html": "html", ".htm": "html"}


@click.command()
@click.argument("files", metavar="SCORES...", nargs=-1, required=True)
@click.option("--table", "shape", type=click.Choice(_TABLES), default="all", show_default=True, help="Which columns.")
@click.option("--metrics", metavar="NAMES", help="Columns of the table 'all', or patterns, with commas.")
@click.option("--by", "key", metavar="KEY", help="A block for each stratum: source, steps, finding …")
@click.option("--format", "kind", type=click.Choice(["markdown", "latex", "html"]), help="By OUTPUT's name; markdown.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Instead of standard output.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, unrounded.")
@click.option("--digits", type=click.IntRange(1, 6), default=3, show_default=True, help="After the point.")
@click.option("--resamples", type=click.IntRange(min=100), default=1000, show_default=True, help="Of the bootstrap.")
@click.option("--level", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True, help="Of the intervals.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the bootstrap.")
@click.option(
    "--viewer", type=click.Path(path_type=Path, dir_okay=False), help="Write this page of two models' samples."
)
@click.option("--traces", multiple=True, metavar="[NAME=]PATH", help="For --viewer: of the first model, the second, …")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most samples in the viewer.")
def report(
    files: tuple[str, ...],
    shape: str,
    metrics: str | None,
    key: str | None,
    kind: str | None,
    output: Path | None,
    as_json: bool,
    viewer: Path | None,
    traces: tuple[str, ...],
    limit: int,
    **drawing: Any,
) -> None:
    """Tables of scored models in the papers' shapes, and a page of two models' samples side by side.

    SCORES are files that `radtrace score -o` wrote, each as FILE, MODEL=FILE or MODEL@SPLIT=FILE, or one TOML file of
    [[runs]] with scores, model and, as the table wants them, split, group, params, domain, strategy. Clinical columns
    come first; a metric that the files computed in different ways is left out by name, and the exit status is 2. For
    the table mmrad1 they are trace datasets.

    --viewer wants two score files and, with --traces, what they scored: trace datasets (which bring the films) or
    {"id", "text"} lines; further ones, such as the reference, stand beside them. The page needs no network and holds
    films and reports: keep it where you may keep those.

    \b
    Examples:
      radtrace report base.scores.jsonl Ours=model.scores.jsonl
      radtrace report runs.toml --table mmrad3 -o table3.tex
      radtrace report a.jsonl b.jsonl --viewer page.html --traces runs/a --traces runs/b --traces Reference=runs/openi
    """
    from radtrace.evaluate.runs import by_stratum, read_runs
    from radtrace.evaluate.tables import Drawing, table

    if shape == "mmrad1":
        from radtrace.evaluate.datasets import dataset_table

        _write(dataset_table([Path(file) for file in files]), kind, output, as_json, drawing["digits"])
        return
    runs = read_runs(files)
    wanted = [name.strip() for name in metrics.split(",")] if metrics else []
    made = table(by_stratum(runs, key) if key else runs, shape, Drawing(**drawing), wanted)
    _write(made, kind, output, as_json, drawing["digits"])
    if viewer:
        _view(runs, traces, wanted, viewer, limit)
    for name, (first, other) in made.refused.items():
        click.echo(f"radtrace: {name} left out, computed in two ways: {first} and {other}", err=True)
    if made.refused:
        raise InputError(f"{len(made.refused)} metrics of these files are not comparable")


def _write(made: "Table", kind: str | None, output: Path | None, as_json: bool, digits: int) -> None:
    from radtrace.evaluate.rendering import to_json, to_latex, to_markdown
    from radtrace.pages.document import write_pieces
    from radtrace.pages.tables import tables_page

    kind = kind or _FORMATS.get(output.suffix.lower() if output else "", "markdown")
    if as_json:
        text = json.dumps(to_json(made)) + "\n"
    elif kind == "html":
        text = tables_page([made], "Results", digits)
    else:
        text = to_latex(made, digits) if kind == "latex" else to_markdown(made, digits)
    if output:
        write_pieces([text], output)
    else:
        click.echo(text, nl=False)


def _view(runs: Sequence["ScoredRun"], traces: Sequence[str], metrics: Sequence[str], viewer: Path, limit: int) -> None:
    from radtrace.evaluate.comparison import choose
    from radtrace.evaluate.scored import aligned
    from radtrace.evaluate.sides import farthest, read_side, with_films
    from radtrace.pages.samples import Contest, SampleView, write_samples

    if len(runs) != 2 or not 2 <= len(traces) <= 4:
        raise InputError("--viewer wants two score files and two to four --traces, the two models' first")
    first = runs[0].scored
    second = aligned(first, runs[1].scored)
    shown = choose(first, second, metrics).comparable
    if not shown:
        raise InputError(f"{second.path}: no metric in common with {first.path}")
    where = {first.ids[place]: place for place in farthest(first, second, shown[0], limit)}
    defaults = (*(run.about.model for run in runs), "Reference", "Fourth")
    sides = [
        read_side(name or default, Path(path), where)
        for (name, _, path), default in zip((each.rpartition("=") for each in traces), defaults, strict=False)
    ]
    samples = (
        SampleView(where[name], film.trace.view, film.film_png, tuple(side.trace(name, film) for side in sides))
        for name, film in with_films(list(where), sides)
    )
    contest = Contest(tuple(side.name for side in sides), first, second, shown)
    count = write_samples(samples, contest, viewer, " and ".join(run.about.model for run in runs))
    click.echo(f"{viewer}: {count} of {len(first.ids)} samples, those that differ most in {shown[0]}", err=True)
