"""What a model has to beat on Open-I's val split: floors fitted on its train split, the references against the gold.

The dataset is built with R2Gen's train and val studies unless one is named. There is no model: the predictions are the
references themselves, so that the first row says what our rules make of the true words, and `dealt` what the true words
of other studies score. --meteor meteor is METEOR 1.5, which needs its extra and a Java runtime.

    python benchmarks/floors.py [--data DIR] [--dataset DIR] [--meteor NAME] [--tokenizer PATH] [--json]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
METRICS = ("chexpert_rules", "prior_hallucination", "bleu", "rouge_l", "cider_d", "grd", "gen")
COLUMNS = {
    "gold micro-F1": "gold_micro_f1",
    "gold macro-F1, support >= 10": "gold_macro_f1_supported",
    "gold F1, not normal": "gold_f1_not_normal",
    "false alarms on normals": "gold_false_alarms_on_normal",
    "rules micro-F1, 14": "chexpert_rules_micro_f1",
    "rules F1, not normal": "chexpert_rules_f1_not_normal",
    "priors": "prior_hallucination",
    "Grd": "grd",
    "Gen": "gen",
    "BLEU-1": "bleu_1",
    "BLEU-4": "bleu_4",
    "ROUGE-L": "rouge_l",
    "CIDEr-D": "cider_d",
}
CLASSES = ("Cardiomegaly", "Atelectasis")
FIGURES = ("sensitivity", "specificity", "f1")


def build(data: Path, output: Path) -> None:
    """The traces of R2Gen's train and val studies."""
    settings = [f"source.root={data / 'openi'}", 'source.split=["train","val"]', f"output={output}"]
    radtrace("build", ROOT / "recipes" / "openi.toml", *(part for one in settings for part in ("--set", one)))


def scored(data: Path, dataset: Path, meteor: str, tokenizer: str | None) -> dict[str, Any]:
    """What `radtrace score --floors` answers."""
    checkpoint = ["--checkpoint", f"tokenizer={tokenizer}"] if tokenizer else []
    gold = data / "openi" / "gold_labels_nih14.csv"
    sides = ("--preds", dataset, "--refs", dataset, "--split", "val", "--floors", dataset, "--gold", gold)
    answer: dict[str, Any] = json.loads(
        radtrace("score", *sides, "--metrics", ",".join((*METRICS, meteor)), *checkpoint, "--json")
    )
    return answer


def radtrace(*arguments: object) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "radtrace", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def markdown(result: Mapping[str, Any], meteor: str) -> str:
    """Two tables, a floor a row: the figures, and classes with enough positives against the gold."""
    rows = {"the references themselves": result["scores"]}
    rows |= {name: floor["scores"] for name, floor in result["floors"].items() if "scores" in floor}
    names = {**COLUMNS, meteor: meteor}
    lines = [_line("", *names), _line(*["---"] * (len(names) + 1))]
    lines += [_line(row, *(_figure(scores.get(name)) for name in names.values())) for row, scores in rows.items()]
    classes = {f"{name} {figure}": f"gold_{figure}_{name.lower()}" for name in CLASSES for figure in FIGURES}
    lines += ["", _line("", *classes), _line(*["---"] * (len(classes) + 1))]
    for row, scores in rows.items():
        if "gold_micro_f1" in scores:
            lines.append(_line(row, *(_figure(scores.get(name)) for name in classes.values())))
    absent = [f"{name}: {floor['absent']}" for name, floor in result["floors"].items() if "absent" in floor]
    gold = result["gold"]
    return "\n".join([*lines, "", f"n {result['n']}, with gold labels {gold['n']}, normal {gold['normal']}", *absent])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--dataset", type=Path, help="what `radtrace build` made of Open-I")
    parser.add_argument("--meteor", default="meteor_nltk_nosyn")
    parser.add_argument("--tokenizer")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the films with --data or RADTRACE_DATA")
    with ExitStack() as stack:
        dataset = arguments.dataset
        if dataset is None:
            dataset = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "openi"
            build(arguments.data, dataset)
        begin = time.perf_counter()
        result = scored(arguments.data, dataset, arguments.meteor, arguments.tokenizer)
        seconds = time.perf_counter() - begin
    if arguments.json:
        print(json.dumps({**result, "seconds": round(seconds, 1)}))
    else:
        print(f"{markdown(result, arguments.meteor)}\n{seconds:.0f} s")


if __name__ == "__main__":
    main()
