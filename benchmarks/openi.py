"""A reader on Open-I: what it finds, says, shows and states, beside floors and with intervals.

DIR has Open-I's layout (reports.csv, studies.csv, the films that they name) and gold_labels_nih14.csv. The split is
read by the bundled model, by --model, or was read before: --predictions takes what `radtrace predict` wrote, or lines
{"id", "text"}. Floors are fitted on the studies of DIR that are R2Gen's train or in no split (--train: on those of
another such folder). Every study of the split counts, those that were refused included; of one that the source itself
refuses the words are unknown, so that it counts against the labels and not in the language. --boxes names the NIH
films with drawn boxes, for pointing.

    python benchmarks/openi.py --root DIR --split val|test [--model NAME | --predictions FILE] [--json]
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from radtrace.errors import InputError, RadtraceError
from radtrace.evaluate.readings.measure import Material, measure
from radtrace.evaluate.readings.plot import draw_reliability
from radtrace.evaluate.readings.pointing import Point, cell_centre, drawn_findings, pointing
from radtrace.evaluate.readings.predictions import Predicted, read_predictions
from radtrace.evaluate.readings.table import table
from radtrace.metrics.clinical.gold import read_gold
from radtrace.records import Study
from radtrace.sources import Source, open_source
from radtrace.sources.nih_boxes import NihBoxes

RECIPE = Path(__file__).parents[1] / "recipes" / "openi.toml"
GOLD = "gold_labels_nih14.csv"


def main() -> None:
    options = arguments()
    source = open_source({"kind": "openi", "root": options.root, "split": options.split})
    studies = everyone(source)
    output: Path = options.output or Path("runs") / f"openi-{options.split}"
    output.mkdir(parents=True, exist_ok=True)
    file = options.predictions or predicted(options, source, output / "predictions")
    predictions = read_predictions(file)
    train = options.train or options.root
    material = Material(
        studies,
        built(options.root, [options.split], output / "references"),
        built(train, ["train", "unsplit"], output.parent / f"openi-floors-{digest(train)}"),
        read_gold(options.root / GOLD) if (options.root / GOLD).is_file() else None,
        output / "floors.json",
    )
    if material.refs is None:
        raise SystemExit(f"{options.root}: no trace of {options.split} could be built")
    folder = checkpoint(options)
    measured = measure(material, predictions, tokenizer(folder)) | {"split": options.split, "predictions": str(file)}
    if options.boxes:
        measured["pointing"] = pointed(options, folder, output)
    (output / "openi.json").write_text(json.dumps(measured, indent=1), encoding="utf-8")
    if "reports" in measured["confidence"]:
        (output / "reliability.png").write_bytes(draw_reliability(dict(panels(measured["confidence"]))))
    print(json.dumps(measured) if options.json else table(measured))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the folder with Open-I's layout")
    parser.add_argument("--split", default="val")
    parser.add_argument("--train", type=Path, help="the folder that floors are fitted on; default: --root")
    parser.add_argument("--model", default="bundled", help="bundled, or a checkpoint's directory")
    parser.add_argument("--samples", type=int, help="traces that are written of each study; default: the reader's")
    parser.add_argument("--predictions", type=Path, help="read before: JSON Lines, pictures beside them")
    parser.add_argument("--boxes", type=Path, help="NIH films with drawn boxes (boxes/nih)")
    parser.add_argument("--box-predictions", type=Path, help="of these films, read before")
    parser.add_argument("--output", type=Path, help="keeps readings, figures, plot; default: runs/openi-SPLIT")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def everyone(source: Source) -> list[Study]:
    """Its studies; one that it refuses is without films and words, so that whoever reads it fails."""
    return [
        one if isinstance(one, Study) else Study(id=one.study_id, source=source.kind, views=())
        for one in source.studies()
    ]


def digest(root: Path) -> str:
    """Of where a folder lies: runs on one folder share what floors are fitted on."""
    return hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]


def built(root: Path, split: Sequence[str], output: Path) -> Path | None:
    """The traces of some studies, built unless they were; None where the folder has no such study."""
    try:
        next(open_source({"kind": "openi", "root": root, "split": split}).studies())
    except InputError as error:
        print(f"not built: {error}", file=sys.stderr)
        return None
    splits = {"source.split": json.dumps(split), "split.train": 1.0, "split.val": 0.0, "split.test": 0.0}
    settings = {"source.root": root, "output": output} | splits
    command = [sys.executable, "-m", "radtrace", "build", str(RECIPE)]
    command += [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if status:
        raise SystemExit(status)
    return output


def predicted(options: argparse.Namespace, source: Source, folder: Path) -> Path:
    """What the reader makes of a source's studies, as `radtrace predict` reads them: interrupted, it goes on."""
    from radtrace.evaluate.predict import PredictRecipe, predict

    manner = {"samples": options.samples} if options.samples else {}
    settings = {"output": folder, "model": options.model, "source": source, "manner": manner, "max_failed": 1.0}
    return predict(PredictRecipe.model_validate(settings)).path / "predictions.jsonl"


def checkpoint(options: argparse.Namespace) -> Path | None:
    """The reader's directory, for its tokenizer and encoder; None where nobody says which reader it was."""
    if options.predictions and options.model == "bundled":
        return None
    if options.model != "bundled":
        return Path(options.model)
    from radtrace.reader.loading import bundled

    return bundled()


def tokenizer(folder: Path | None) -> Any:
    """The reader's image tokenizer, if it has one."""
    from radtrace.models.tokenizer import load_tokenizer

    try:
        return load_tokenizer(folder) if folder else None
    except RadtraceError as error:
        print(f"no drawn picture is measured: {error}", file=sys.stderr)
        return None


class Boxed(NihBoxes):
    """The films on which people drew boxes."""

    def studies(self) -> Iterator[Study]:
        """See `Source.studies`."""
        for study in super().studies():
            if isinstance(study, Study) and any(label.box for label in study.labels):
                yield study


def pointed(options: argparse.Namespace, folder: Path | None, output: Path) -> dict[str, Any]:
    """Pointing on the films with drawn boxes: the reader's steps, and its encoder where there is one."""
    source = Boxed(kind="nih_boxes", root=options.boxes)
    studies = list(source.studies())
    aims = drawn_findings(studies)
    file = options.box_predictions
    if file is None and not options.predictions:
        file = predicted(options, source, output / "boxes")
    found: dict[str, Predicted] = read_predictions(file, pictures=False) if file else {}
    traces = {study: one.trace for study, one in found.items() if one.trace}
    if folder is None or not (folder / "encoder.safetensors").is_file():
        return pointing(aims, traces)
    looked = attention(folder, source, studies)
    return pointing(aims, traces, lambda aim: looked.get((aim.study, aim.label)))


def attention(folder: Path, source: Source, studies: Sequence[Study]) -> dict[tuple[str, str], Point | None]:
    """(study, finding) -> the centre of the cell that the encoder looks at most for it."""
    from radtrace.models.encoder import load_encoder

    encoder = load_encoder(folder)
    cells = encoder.network.config.cells
    found: dict[tuple[str, str], Point | None] = {}
    for study in studies:
        film = source.film(study.views[0]).pixels
        weights = encoder.encode([(film, None)]).weights[0, 0]
        for label, each in zip(encoder.labels, weights, strict=True):
            found[study.id, label] = cell_centre(int(each.argmax()), cells, film.shape[1], film.shape[0])
    return found


def panels(confidence: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Title -> curve, all findings together first."""
    for source in ("gold", "reports"):
        part = confidence.get(source, {})
        for name in ("all", "supported"):
            if part.get(name, {}).get("judged"):
                yield f"{source}: {name}", part[name]["curve"]
        for label, figures in part.get("findings", {}).items():
            yield f"{source}: {label}", figures["curve"]


if __name__ == "__main__":
    main()
