"""`radtrace predict`."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a setting of the recipe.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--strict", is_flag=True, help="Exit status 1 if any study failed.")
def predict(recipe: Path, overrides: tuple[str, ...], as_json: bool, strict: bool) -> int:
    """Let a model read a dataset, for `radtrace score`.

    RECIPE is a TOML file: model, source or dataset, and how it reads. The output folder gets predictions.jsonl, a line
    a study with its findings section and its trace; a study that fails has a line with the reason and stays in the
    denominator. Beside it lie references.jsonl, the pictures and, at the end, data/*.parquet: the traces as a dataset.
    Interrupted, the same command goes on.

    \b
    Examples:
      radtrace predict recipes/predict.toml --set source.root=OPENI --set output=runs/mine
      radtrace score --preds runs/mine/predictions.jsonl --refs runs/mine/references.jsonl
      radtrace predict recipes/predict.toml --set dataset=runs/openi --set split=val --set output=runs/mine
      radtrace score --preds runs/mine --refs runs/openi --split val --metrics grd,gen
    """
    from radtrace.config import load_recipe
    from radtrace.evaluate.predict import PredictRecipe
    from radtrace.evaluate.predict import predict as run

    result = run(load_recipe(recipe, PredictRecipe, overrides))
    failed = sum(result.failed.values())
    if as_json:
        click.echo(json.dumps({"path": str(result.path), "read": result.read, "failed": result.failed}))
    else:
        stages = ", ".join(f"{name} {count}" for name, count in result.failed.items())
        click.echo(f"{result.path}: {result.read} studies read")
        where = f"{result.path / 'predictions.jsonl'} and rejected.jsonl"
        click.echo(f"failed: {failed}" + (f" ({stages}); see {where}" if failed else ""))
    return 1 if strict and failed else 0
