"""`radtrace findings` against the gold standard published with NegBio, and its speed.

The text of a study is its findings and its impression. The gold labels are split by study: `test` is every uid with
int(sha256(uid)) % 10 >= 7 (about 30%), whose texts and errors were not looked at while the rules were written; `dev` is
the rest. A label counts as given where it is `present`. The gold file has no study with Hernia, whatever its report
says: "micro" counts our hernias as false alarms, "micro, annotated" is over the classes that the part's gold knows.

With --peer the same texts are read by medspacy's default pipeline too: its target rules are the nouns of our own
vocabulary for these classes, in both numbers, its ConText rules are its own. It is installed into an environment of its
own under --cache and kept there.

    python benchmarks/findings.py [--part dev|test|all] [--data DIR] [--peer [--cache DIR]] [--json]
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from radtrace.anatomy import FINDINGS
from radtrace.findings import NIH14, annotate, nih14_labels
from radtrace.findings.lexicon import phrases

MACRO_SUPPORT = 20
"""Classes with fewer gold positives stay out of the macro average."""
TEST_DIGIT = 7
PEER = "medspacy==1.3.1"


def part_of(uid: str) -> str:
    return "test" if int(hashlib.sha256(uid.encode()).hexdigest(), 16) % 10 >= TEST_DIGIT else "dev"


def load(data: Path, part: str) -> list[tuple[str, set[str]]]:
    """(text, gold classes) of each study of a part."""
    with (data / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        texts = {row["uid"]: f"{row['findings']}\n{row['impression']}" for row in csv.DictReader(file)}
    with (data / "openi" / "gold_labels_nih14.csv").open(newline="", encoding="utf-8") as file:
        return [
            (texts[row["uid"]], {name for name in NIH14 if row[name] == "1"})
            for row in csv.DictReader(file)
            if part in ("all", part_of(row["uid"]))
        ]


def ours(texts: Sequence[str]) -> tuple[list[set[str]], float]:
    """The classes present in each text, and the processor time."""
    begin = time.process_time()
    labels = [nih14_labels(annotate(text)) for text in texts]
    seconds = time.process_time() - begin
    return [{name for name in NIH14 if given[name] == "present"} for given in labels], seconds


def peer(texts: Sequence[str], cache: Path) -> tuple[list[set[str]], float] | None:
    """The same of medspacy; None where it cannot be installed."""
    python = cache / "medspacy" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    installed = subprocess.run([python, "-c", "import medspacy"], capture_output=True, check=False).returncode == 0
    if not installed:
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{PEER} cannot be installed here: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
    asked = json.dumps({"targets": {name: targets(name) for name in NIH14}, "texts": texts})
    script = Path(__file__).with_name("findings_medspacy.py")
    done = subprocess.run([python, script], input=asked, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return [set(present) for present in answer["present"]], answer["seconds"]


def targets(name: str) -> list[str]:
    """The nouns of our vocabulary for a class, in both numbers."""
    patterns = (pattern for kind in FINDINGS.values() if kind.nih14 == name for pattern in kind.words)
    singular = {" ".join(phrase) for pattern in patterns for phrase in phrases(pattern)}
    return sorted(singular | {f"{phrase}s" for phrase in singular})


def scores(hits: int, false: int, missed: int) -> dict[str, float | int]:
    return {
        "precision": hits / (hits + false) if hits + false else 0.0,
        "recall": hits / (hits + missed) if hits + missed else 0.0,
        "f1": 2 * hits / (2 * hits + false + missed) if hits + false + missed else 0.0,
        "support": hits + missed,
    }


def evaluate(gold: Sequence[Collection[str]], given: Sequence[Collection[str]], seconds: float) -> dict:
    pairs = list(zip(gold, given, strict=True))
    counts = {
        name: (
            sum(name in true and name in found for true, found in pairs),
            sum(name not in true and name in found for true, found in pairs),
            sum(name in true and name not in found for true, found in pairs),
        )
        for name in NIH14
    }
    classes = {name: scores(*count) for name, count in counts.items()}
    annotated = [counts[name] for name in NIH14 if classes[name]["support"]]
    counted = [row["f1"] for row in classes.values() if row["support"] >= MACRO_SUPPORT]
    return {
        "studies": len(pairs),
        "classes": classes,
        "micro": scores(*(sum(column) for column in zip(*counts.values(), strict=True))),
        "micro_annotated": scores(*(sum(column) for column in zip(*annotated, strict=True))),
        "macro_f1": sum(counted) / len(counted) if counted else 0.0,
        "macro_classes": len(counted),
        "reports_per_second": len(pairs) / seconds,
    }


def show(results: dict[str, dict]) -> None:
    first = next(iter(results.values()))
    print(f"{'':18}" + "".join(f"{name:>25}" for name in results))
    print(f"{'':18}" + f"{'precision':>11}{'recall':>7}{'F1':>7}" * len(results) + f"{'support':>9}")
    rows = [(name, [result["classes"][name] for result in results.values()]) for name in first["classes"]]
    rows += [(name, [result[name] for result in results.values()]) for name in ("micro", "micro_annotated")]
    for name, scored in rows:
        figures = "".join(f"{row['precision']:11.3f}{row['recall']:7.3f}{row['f1']:7.3f}" for row in scored)
        print(f"{name:18}{figures}{scored[0]['support']:9d}")
    macro = "".join(f"{result['macro_f1']:25.3f}" for result in results.values())
    print(f"{'macro':18}{macro}  over the {first['macro_classes']} classes of support >= {MACRO_SUPPORT}")
    print(f"{'reports/s':18}" + "".join(f"{result['reports_per_second']:25.0f}" for result in results.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test", "all"), default="test")
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--peer", action="store_true", help="beside medspacy's default pipeline")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "radtrace", help="for the peer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or RADTRACE_DATA must name the folder with the films and reports")
    studies = load(Path(options.data), options.part)
    texts, gold = [text for text, _ in studies], [classes for _, classes in studies]
    results = {"radtrace": evaluate(gold, *ours(texts))}
    answer = peer(texts, options.cache) if options.peer else None
    if answer:
        results["medspacy"] = evaluate(gold, *answer)
    if options.json:
        print(json.dumps({"part": options.part, **results["radtrace"], "peers": dict(list(results.items())[1:])}))
    else:
        print(f"{len(studies)} studies of the {options.part} part")
        show(results)


if __name__ == "__main__":
    main()
