"""`radtrace demo`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from radtrace.errors import InputError

if TYPE_CHECKING:
    from radtrace.pages import TraceView
    from radtrace.reader import Reader
    from radtrace.sources.phantoms import Phantoms

_NOTE = "Drawn films, read by a model that learned from real ones: this shows what it does, not how well."


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True
)
@click.option("--count", type=click.IntRange(1, 200), default=8, show_default=True, help="How many studies.")
@click.option("--model", default="bundled", show_default=True, help="As of `radtrace read`.")
@click.option("--open/--no-open", "open_page", default=True, help="Open the page in the browser.")
def demo(output: Path, count: int, model: str, open_page: bool) -> None:
    """Make phantom studies, read them with the bundled model and open the page.

    The films are drawn, not taken: no patient, no download. "SYNTHETIC" is burned into each. Where no model is
    installed the page shows the traces that are built from the phantoms' own reports.

    \b
    Examples:
      radtrace demo
      radtrace demo --count 20 -o /tmp/demo --no-open
    """
    from radtrace.cli.loading import unswept
    from radtrace.cli.paging import open_in_browser
    from radtrace.reader import BUNDLED, load_reader
    from radtrace.sources.phantoms import Phantoms

    source = Phantoms(count=count)
    try:
        with unswept():
            reader = load_reader(model)
    except InputError as error:
        if model != BUNDLED:
            raise
        click.echo(f"radtrace: not read but built from their reports: {error}", err=True)
        page = _built(output, source)
    else:
        with reader:
            page = _read(output, source, reader)
    click.echo(f"{page}: the page")
    if open_page:
        open_in_browser(page)


def _read(output: Path, source: "Phantoms", reader: "Reader") -> Path:
    """The page of the studies as the model reads them."""
    from radtrace.pages import write_page
    from radtrace.runs import progress

    page = output / "readings.html"
    with progress("studies", source.count) as advance:

        def views() -> "Iterator[TraceView]":
            from radtrace.cli.paging import reading_view
            from radtrace.reader import Reading

            for outcome in reader.read_all(source.studies(), source):
                advance(1)
                if isinstance(outcome, Reading):
                    yield reading_view(outcome)
                else:
                    click.echo(f"radtrace: {outcome.study_id}: {outcome.reason}", err=True)

        read = write_page(views(), page, "radtrace demo: phantom studies, read", [_NOTE])
    click.echo(f"{read} of {source.count} phantom studies read")
    return page


def _built(output: Path, source: "Phantoms") -> Path:
    """The page of the traces that the studies' own reports make."""
    from radtrace.build import BuildRecipe, build
    from radtrace.build.reading import find_traces
    from radtrace.cli.paging import write_found

    built = build(BuildRecipe(output=output / f"traces-{source.count}", source=source, workers=1))
    page = output / "traces.html"
    write_found(find_traces(built.path), page, title="radtrace demo: phantom studies")
    click.echo(f"{built.path}: {built.traces} traces of phantom studies")
    return page
