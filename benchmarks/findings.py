"""`radtrace findings` against the gold standard published with NegBio, and its speed.

The text of a study is its findings and its impression. The gold labels are split by study: `test` is every uid with
int(sha256(uid)) % 10 >= 7 (about 30%), whose texts and errors were not looked at while the rules were written; `dev` is
the rest. A label counts as given where it is `present`. The gold file has no study with Hernia, whatever its report
says: "micro" counts our hernias as false alarms, "micro, annotated" is over the classes that the part's gold knows.

    python benchmarks/findings.py [--part dev|test|all] [--data DIR] [--json]
"""

import argparse
import csv
import hashlib
import json
import os
import time
from pathlib import Path

from radtrace.findings import NIH14, annotate, nih14_labels

MACRO_SUPPORT = 20
"""Classes with fewer gold positives stay out of the macro average."""
TEST_DIGIT = 7


def part_of(uid: str) -> str:
    return "test" if int(hashlib.sha256(uid.encode()).hexdigest(), 16) % 10 >= TEST_DIGIT else "dev"


def load(data: Path, part: str) -> list[tuple[str, dict[str, bool]]]:
    """(text, gold labels) of each study of a part."""
    with (data / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        texts = {row["uid"]: f"{row['findings']}\n{row['impression']}" for row in csv.DictReader(file)}
    with (data / "openi" / "gold_labels_nih14.csv").open(newline="", encoding="utf-8") as file:
        return [
            (texts[row["uid"]], {name: row[name] == "1" for name in NIH14})
            for row in csv.DictReader(file)
            if part in ("all", part_of(row["uid"]))
        ]


def scores(hits: int, false: int, missed: int) -> dict[str, float | int]:
    return {
        "precision": hits / (hits + false) if hits + false else 0.0,
        "recall": hits / (hits + missed) if hits + missed else 0.0,
        "f1": 2 * hits / (2 * hits + false + missed) if hits + false + missed else 0.0,
        "support": hits + missed,
    }


def evaluate(studies: list[tuple[str, dict[str, bool]]]) -> dict[str, object]:
    begin = time.process_time()
    given = [nih14_labels(annotate(text)) for text, _ in studies]
    seconds = time.process_time() - begin
    counts = {name: [0, 0, 0] for name in NIH14}
    for labels, (_, gold) in zip(given, studies, strict=True):
        for name in NIH14:
            found = labels[name] == "present"
            counts[name][0] += found and gold[name]
            counts[name][1] += found and not gold[name]
            counts[name][2] += gold[name] and not found
    classes = {name: scores(*count) for name, count in counts.items()}
    annotated = [counts[name] for name in NIH14 if classes[name]["support"]]
    counted = [row["f1"] for row in classes.values() if row["support"] >= MACRO_SUPPORT]
    return {
        "studies": len(studies),
        "classes": classes,
        "micro": scores(*(sum(column) for column in zip(*counts.values(), strict=True))),
        "micro_annotated": scores(*(sum(column) for column in zip(*annotated, strict=True))),
        "macro_f1": sum(counted) / len(counted) if counted else 0.0,
        "macro_classes": len(counted),
        "reports_per_second": len(studies) / seconds,
    }


def show(part: str, result: dict) -> None:
    print(f"{result['studies']} studies of the {part} part")
    print(f"{'':20}{'precision':>10}{'recall':>10}{'F1':>10}{'support':>10}")
    for name, row in [
        *result["classes"].items(),
        ("micro", result["micro"]),
        ("micro, annotated", result["micro_annotated"]),
    ]:
        print(f"{name:20}{row['precision']:10.3f}{row['recall']:10.3f}{row['f1']:10.3f}{row['support']:10d}")
    macro, classes = result["macro_f1"], result["macro_classes"]
    print(f"{'macro':40}{macro:10.3f}  over the {classes} classes of support >= {MACRO_SUPPORT}")
    print(f"{result['reports_per_second']:.0f} reports per second of one core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test", "all"), default="test")
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or RADTRACE_DATA must name the folder with the films and reports")
    result = evaluate(load(Path(options.data), options.part))
    if options.json:
        print(json.dumps({"part": options.part, **result}))
    else:
        show(options.part, result)


if __name__ == "__main__":
    main()
