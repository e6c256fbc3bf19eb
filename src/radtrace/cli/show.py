"""`radtrace show`."""

from pathlib import Path

import click


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The page; DATASET/traces.html.")
@click.option("--split", help="Only this split.")
@click.option("--id", "ids", multiple=True, metavar="STUDY", help="Only this study; may be given again.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Most traces on the page.")
@click.option("--random", "seed", type=int, metavar="SEED", help="Draw the traces at random instead of the first ones.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def show(
    dataset: Path,
    output: Path | None,
    split: str | None,
    ids: tuple[str, ...],
    limit: int,
    seed: int | None,
    open_page: bool,
) -> None:
    """Page through traces in one self-contained HTML file.

    DATASET is a folder that `radtrace build` made, or one of its Parquet files. The page needs no network and holds
    films and reports: keep it where you may keep those.

    \b
    Examples:
      radtrace show runs/openi --open
      radtrace show runs/openi --split val --random 7 --limit 10 -o ten.html
      radtrace show runs/openi --id 1001 --id 2117 -o two.html
    """
    from radtrace.build.reading import find_traces
    from radtrace.cli.paging import open_in_browser, write_found

    found = find_traces(dataset, split=split, ids=ids, limit=limit, seed=seed)
    path = output or (dataset if dataset.is_dir() else dataset.parent) / "traces.html"
    shown = write_found(found, path, title=f"{dataset.resolve().name}: {found.count} of {found.total} traces")
    click.echo(f"{path}: {shown} of {found.total} traces")
    if open_page:
        open_in_browser(path)
