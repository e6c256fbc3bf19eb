"""`radtrace build`."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a setting of the recipe.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--strict", is_flag=True, help="Exit status 1 if any study was rejected.")
def build(recipe: Path, overrides: tuple[str, ...], as_json: bool, strict: bool) -> int:
    """Turn studies into a dataset of interleaved traces.

    RECIPE is a TOML file; recipes/ has one for each source. The output folder holds Parquet files with embedded images
    (datasets.load_dataset opens the folder), the card README.md, manifest.json, statistics.json and statistics.html,
    leakage.json and rejected.jsonl: a study is in the dataset, or in rejected.jsonl with the reason. Interrupted, the
    same command goes on.

    \b
    Examples:
      radtrace build recipes/openi.toml --set source.root=OPENI --set output=runs/openi
      radtrace build recipes/openi.toml --set source.root=OPENI --set source.split=train --set output=runs/train
      radtrace build recipes/table.toml --set source.root=FILMS --set source.table=reports.csv --set output=runs/mine
    """
    from radtrace.build import BuildRecipe
    from radtrace.build import build as run
    from radtrace.config import load_recipe

    result = run(load_recipe(recipe, BuildRecipe, overrides))
    rejected = sum(result.rejected.values())
    if as_json:
        report = {
            "path": str(result.path),
            "traces": result.traces,
            "splits": result.splits,
            "rejected": result.rejected,
            "leaks": result.leaks,
        }
        click.echo(json.dumps(report))
    else:
        splits = ", ".join(f"{name} {count}" for name, count in result.splits.items())
        stages = ", ".join(f"{name} {count}" for name, count in result.rejected.items())
        click.echo(f"{result.path}: {result.traces} traces ({splits})")
        leaks = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in result.leaks.items())
        last = f"rejected: {rejected}" + (f" ({stages}); see {result.path / 'rejected.jsonl'}" if rejected else "")
        click.echo(last + (f"; leakage: {leaks}; see {result.path / 'leakage.json'}" if leaks else ""))
    return 1 if strict and rejected else 0
