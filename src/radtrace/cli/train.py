"""`radtrace train`."""

import json
from pathlib import Path

import click

STAGES: dict[str, str] = {
    "tokenizer": "radtrace.train.tokenizer:TokenizerRecipe",
    "encoder": "radtrace.train.encoder.stage:EncoderRecipe",
    "sft": "radtrace.train.sft.stage:SftRecipe",
    "consensus": "radtrace.train.consensus.stage:ConsensusRecipe",
    "reader": "radtrace.train.assembly:ReaderRecipe",
}
"""kind of recipe -> "module:attr" of its `radtrace.train.Stage`."""


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change a setting of the recipe.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def train(recipe: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train one stage of a model.

    RECIPE is a TOML file whose setting "kind" names the stage: tokenizer learns to turn films into codes and back,
    encoder to read findings off the films of a study, consensus settles the words of traces, sft learns to write
    traces, and reader puts all together. The output folder holds the settings run.json, metrics.jsonl (a line every
    so many steps; of sft also, each epoch, what the model writes of "look.studies" val studies), curves.png, the
    checkpoint and, at the end, figures.json, measured on val. Interrupted or killed, the same command goes on where
    it stopped, to the same curve.

    \b
    Examples:
      radtrace train recipes/tokenizer.toml --set output=runs/tokenizer
      radtrace train recipes/tokenizer.toml --set output=runs/small --set network.codes=256 --set steps=2000
      radtrace train recipes/reader.toml --set look.studies=128 --set look.gold=data/openi/gold_labels_nih14.csv
    """
    from radtrace.config import load_recipe, resolve
    from radtrace.train import AnyStage

    stage = resolve(STAGES, load_recipe(recipe, AnyStage, overrides).kind, "kind of stage")
    result = load_recipe(recipe, stage, overrides).train()
    if as_json:
        click.echo(json.dumps({"path": str(result.path), "figures": result.figures}))
    else:
        click.echo(f"{result.path}\n{result.line}")
