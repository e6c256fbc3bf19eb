"""`radtrace demo`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True
)
@click.option("--count", type=click.IntRange(1, 200), default=8, show_default=True, help="How many studies.")
@click.option("--open/--no-open", "open_page", default=True, help="Open the page in the browser.")
def demo(output: Path, count: int, open_page: bool) -> None:
    """Make phantom studies, build their traces and open the page.

    The films are drawn, not taken: no patient, no download, no model. "SYNTHETIC" is burned into each.

    \b
    Examples:
      radtrace demo
      radtrace demo --count 20 -o /tmp/demo --no-open
    """
    from radtrace.build import BuildRecipe, build
    from radtrace.build.reading import find_traces
    from radtrace.cli.paging import open_in_browser, write_found
    from radtrace.sources.phantoms import Phantoms

    recipe = BuildRecipe(output=output / f"traces-{count}", source=Phantoms(count=count), workers=1)
    built = build(recipe)
    page = output / "traces.html"
    write_found(find_traces(built.path), page, title="radtrace demo: phantom studies")
    click.echo(f"{built.path}: {built.traces} traces of phantom studies")
    click.echo(f"{page}: the page")
    if open_page:
        open_in_browser(page)
