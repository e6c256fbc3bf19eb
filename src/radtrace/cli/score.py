"""`radtrace score`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:
    from radtrace.evaluate.floors import Each, Floor
    from radtrace.metrics import Pair, Preset, Scored
    from radtrace.metrics.clinical.gold import GoldLabels
    from radtrace.metrics.presets import Uncertain
    from radtrace.metrics.score_file import ScoreFile


@click.command()
@click.option("--preds", type=click.Path(path_type=Path), required=True, help="What the model wrote.")
@click.option("--refs", type=click.Path(path_type=Path), required=True, help="What it should have written.")
@click.option("--preset", "protocol", default="r2gen", show_default=True, help="The protocol; see docs/score.md.")
@click.option("--metrics", metavar="NAME[,NAME...]", help="Instead of the preset's own; see docs/score.md.")
@click.option(
    "--uncertain",
    type=click.Choice(["present", "absent", "ignored"]),
    help="What an uncertain label counts as; the presets say present, beside --gold see docs/score.md.",
)
@click.option(
    "--gold",
    metavar="LABELS.csv",
    type=click.Path(path_type=Path),
    help="Given labels, which the headline figures are scored against.",
)
@click.option("--train", type=click.Path(path_type=Path), help="Training reports, for the preset published.")
@click.option(
    "--checkpoint",
    "checkpoints",
    metavar="NAME=PATH",
    multiple=True,
    help="The local directory or hub id of a metric's network; see docs/score.md.",
)
@click.option(
    "--judge",
    metavar="RECIPE.toml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The chat model of metrics that ask one; see docs/score.md.",
)
@click.option("--floors", metavar="TRAIN", type=click.Path(path_type=Path), help="Training traces: floors of these.")
@click.option("--floors-split", metavar="NAME", help="Of TRAIN, if a folder; all: every split.  [default: train]")
@click.option(
    "--floors-output", metavar="DIR", type=click.Path(path_type=Path), help="Each floor's reports and scores."
)
@click.option("--split", help="Of a trace dataset: only this split.")
@click.option(
    "--section",
    type=click.Choice(["findings", "impression"]),
    default="findings",
    show_default=True,
    help="Of a trace dataset: the section that is scored.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Every pair's values, for compare and report.",
)
def score(
    preds: Path,
    refs: Path,
    protocol: str,
    metrics: str | None,
    uncertain: "Uncertain | None",
    gold: Path | None,
    train: Path | None,
    checkpoints: tuple[str, ...],
    judge: Path | None,
    floors: Path | None,
    floors_split: str | None,
    floors_output: Path | None,
    split: str | None,
    section: str,
    as_json: bool,
    output: Path | None,
) -> None:
    """Score predicted reports against reference reports.

    PREDS and REFS are JSON Lines {"id": …, "text": …}, or folders that `radtrace build` made; answers and questions for
    the metric vqa. With --json: scores
    (0-1, unrounded), signatures (how each was computed), n and failed. A reference without a prediction, and one whose
    prediction is null or blank, is a failure: it scores 0 and counts in n. A blank reference is not scored. A doubled
    id, or a prediction whose id has no reference, is an error.

    \b
    Examples:
      radtrace score --preds mine.jsonl --refs val.jsonl
      radtrace score --preds mine.jsonl --refs runs/openi --split val --preset radeval --json
      radtrace score --preds mine.jsonl --refs val.jsonl --gold gold_labels_nih14.csv
      radtrace score --preds mine.jsonl --refs runs/openi --split val --floors runs/openi
      radtrace score --preds mine.jsonl --refs val.jsonl --metrics bleu_4,rouge_l,meteor -o samples.jsonl
      radtrace score --preds answers.jsonl --refs questions.jsonl --metrics vqa --json
    """
    from dataclasses import replace

    from radtrace.evaluate.pairing import Sides, read_texts
    from radtrace.metrics import preset
    from radtrace.metrics import score as run
    from radtrace.metrics.backing import Backing, judged_by, read_checkpoints
    from radtrace.metrics.pairs import CHUNK, WITH_PICTURES, chunked

    chosen = preset(protocol, None if train is None else (text or "" for _, text in read_texts(train, None, section)))
    if uncertain:
        chosen = replace(chosen, uncertain=uncertain)
    labels = _gold(gold, uncertain)
    if (floors_split or floors_output) and not floors:
        raise InputError("--floors-split and --floors-output are of --floors")
    names = _names(metrics, chosen, labels)
    sides = Sides(preds, refs, split, section, names)
    with _score_file(output, refs, split) as file, judged_by(judge) as asked:
        backing = Backing(read_checkpoints(checkpoints), asked)
        pairs: Iterable[Pair] = sides.pairs()
        each: Each | None = file.add if file else None
        if floors:
            from radtrace.evaluate.floors import Asked, Floors

            pairs = list(pairs)
            scoring = Asked(preds, refs, split, names, chosen, labels, backing, sides.pair)
            beside = Floors(scoring, pairs, floors, floors_split, section, floors_output)
            each = beside.watching(each)
        result = run(
            chunked(pairs, WITH_PICTURES if "sem" in names else CHUNK),
            names,
            chosen,
            each,
            [labels] if labels else [],
            backing,
        )
        if labels and not labels.n:
            raise InputError(f"{gold}: has none of the ids of {refs}")
        if file:
            file.finish(result)
        found = list(beside.run()) if floors else []
    if floors and beside.left_out:
        click.echo(f"{beside.left_out} studies of {floors} share id, film or patient with {refs}: left out", err=True)
    if result.unscored:
        click.echo(f"{result.unscored} references are blank: not scored", err=True)
    if labels and labels.missing:
        click.echo(f"{labels.missing} of {labels.n + labels.missing} ids are not in {gold}: without labels", err=True)
    click.echo(_json(result, labels, found) if as_json else _table(result, chosen, labels, found))


def _gold(path: Path | None, uncertain: "Uncertain | None") -> "GoldLabels | None":
    if path is None:
        return None
    from radtrace.metrics.clinical.gold import GoldLabels, read_gold

    return GoldLabels(read_gold(path), uncertain)


def _names(metrics: str | None, preset: "Preset", labels: "GoldLabels | None") -> tuple[str, ...]:
    """The metrics asked for; beside given labels the preset's own are without those that rules read on both sides."""
    if metrics:
        return tuple(name.strip() for name in metrics.split(",") if name.strip())
    return tuple(name for name in preset.metrics if labels is None or name != "chexpert_rules")


@contextmanager
def _score_file(path: Path | None, refs: Path, split: str | None) -> Iterator["ScoreFile | None"]:
    """The file of per-sample values, or nothing where none is asked for."""
    if path is None:
        yield None
        return
    from radtrace.evaluate.pairing import is_dataset
    from radtrace.evaluate.strata import dataset_strata, line_strata
    from radtrace.metrics.score_file import ScoreFile

    strata = dataset_strata(refs, split) if is_dataset(refs) else line_strata(refs)
    with ScoreFile(path, strata) as file:
        yield file


def _json(result: "Scored", labels: "GoldLabels | None", floors: Sequence["Floor"]) -> str:
    whole: dict[str, Any] = {
        "scores": result.scores,
        "signatures": result.signatures,
        "n": result.n,
        "failed": result.failed,
    }
    if labels:
        whole["gold"] = {
            "sha256": labels.gold.sha256,
            "n": labels.n,
            "failed": labels.failed,
            "missing": labels.missing,
            "normal": labels.normals,
            "positives": dict(labels.positives),
            "macro": labels.supported,
        }
    if floors:
        whole["floors"] = {floor.name: floor.to_json() for floor in floors}
    return json.dumps(whole)


_LANGUAGE = ("bleu", "rouge", "meteor", "cider")
_WIDTH = 44
_FIGURES = ("f1", "sensitivity", "specificity")


def _table(result: "Scored", preset: "Preset", labels: "GoldLabels | None", floors: Sequence["Floor"]) -> str:
    """The scores for people: clinical ones, classes by row, and then those of language; floors below."""
    classes: dict[str, dict[str, float | None]] = {}
    clinical: list[str] = []
    language: list[str] = []
    for name, value in result.scores.items():
        place = _of_class(name, result)
        if place:
            classes.setdefault(place[1], {})[place[0]] = value
        else:
            (language if name.startswith(_LANGUAGE) else clinical).append(f"{name:<{_WIDTH}}{_figure(value)}")
    rows = [
        f"{row:<{_WIDTH}}" + "".join(_figure(values.get(figure)) for figure in _FIGURES)
        for row, values in classes.items()
    ]
    heading = [f"{'':<{_WIDTH}}" + "".join(f"{figure:>12}" for figure in _FIGURES)] if rows else []
    last = f"n {result.n}, failed {result.failed}; preset {preset.name}; how each was computed: --json"
    return "\n".join([*clinical, *heading, *rows, *language, *_beside(result, floors), *_about(labels), last])


def _beside(result: "Scored", floors: Sequence["Floor"]) -> list[str]:
    if not floors:
        return []
    from radtrace.evaluate.floors import floors_table

    return ["", *floors_table(result.scores, floors), ""]


def _about(labels: "GoldLabels | None") -> list[str]:
    """What the figures against given labels stand on."""
    if labels is None:
        return []
    macro = ", ".join(f"{name} {labels.positives[name]}" for name in labels.supported) or "no class"
    return [
        f"gold: n {labels.n}, failed {labels.failed}, without labels {labels.missing}, normal {labels.normals}; "
        f"our rules read the predictions only; macro of the classes with 10 or more positives: {macro}"
    ]


def _of_class(name: str, result: "Scored") -> tuple[str, str] | None:
    """(figure, labeller and class) where the score is one of a class's three."""
    for figure in _FIGURES:
        before, found, after = name.partition(f"_{figure}_")
        if found and all(f"{before}_{other}_{after}" in result.scores for other in _FIGURES):
            return figure, f"{before}  {after.replace('_', ' ')}"
    return None


def _figure(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.4f'):>12}"
