"""How fast reports are scored, beside pycocoevalcap on the same pairs in the same run, and whether the numbers agree.

The pairs are Open-I's findings: the sentences of a study in a random order beside those of another, so that hardly a
text occurs twice. BLEU and ROUGE-L are timed on texts that are clean already, as the peer needs them, and once more
with R2Gen's cleaner. The peer is installed into an environment of its own under --cache and kept there.

With --lines: only the time and the most memory of `radtrace score` on so many made-up lines.

    python benchmarks/metrics.py [--pairs N] [--repeats N] [--data DIR] [--peer [--cache DIR]] [--json]
    python benchmarks/metrics.py --lines 1000000 [--json]
"""

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.language.cleaners import clean_r2gen
from radtrace.reports import sentences

PEER = "pycocoevalcap==1.2"
MADE_UP = (
    "The heart is normal in size.",
    "The lungs are clear.",
    "No pneumothorax.",
    "Small left pleural effusion.",
    "Mild cardiomegaly, unchanged.",
    "No acute disease.",
    "Right basilar opacity.",
    "The mediastinal contours are normal.",
)
LANGUAGE = ("bleu", "rouge_l")


def load(data: Path, count: int) -> list[Pair]:
    """Pairs of different studies, the sentences of each in a random order."""
    rng = random.Random(0)
    with (data / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["findings"] for row in csv.DictReader(file) if row["findings"].strip()]
    cut = [[text[span.start : span.end] for span in sentences(text)] for text in texts]
    drawn = ([rng.sample(parts, len(parts)) for parts in rng.sample(cut, 2)] for _ in range(count))
    return [Pair(str(number), " ".join(first), " ".join(second)) for number, (first, second) in enumerate(drawn)]


def language(pairs: Sequence[Pair], preset: str, repeats: int) -> tuple[list[float | None], float]:
    """BLEU-1 to BLEU-4 and ROUGE-L, and the least processor time."""
    seconds = []
    for _ in range(repeats):
        clean_r2gen.cache_clear()
        begin = time.process_time()
        result = score([pairs], LANGUAGE, PRESETS[preset])
        seconds.append(time.process_time() - begin)
    return list(result.scores.values()), min(seconds)


def peer(pairs: Sequence[Pair], repeats: int, cache: Path) -> tuple[list[float], float] | None:
    """The same of pycocoevalcap; None where it cannot be installed."""
    python = cache / "pycocoevalcap" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    known = [python, "-c", "import pycocoevalcap.bleu.bleu"]
    if subprocess.run(known, capture_output=True, check=False).returncode:
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{PEER} cannot be installed here: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
    asked = json.dumps({"pairs": [[pair.prediction, pair.reference] for pair in pairs], "repeats": repeats})
    script = Path(__file__).with_name("metrics_coco.py")
    done = subprocess.run([python, script], input=asked, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["scores"], min(map(sum, answer["seconds"]))


def wall(pairs: Sequence[Pair], name: str) -> float:
    """Seconds on the clock for one metric, which may use every core."""
    begin = time.perf_counter()
    score([pairs], [name], PRESETS["r2gen"])
    return time.perf_counter() - begin


def streamed(count: int) -> dict[str, float]:
    """Time and most memory of BLEU and ROUGE-L of that many made-up lines, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        dice = random.Random(0)
        files = [Path(folder) / name for name in ("preds.jsonl", "refs.jsonl")]
        for path in files:
            with path.open("w") as file:
                for number in range(count):
                    text = " ".join(dice.sample(MADE_UP, 4))
                    file.write(json.dumps({"id": f"study-{number:07d}", "text": text}) + "\n")
        command = [sys.executable, "-m", "radtrace", "score", "--preds", files[0], "--refs", files[1]]
        begin = time.perf_counter()
        subprocess.run([*command, "--metrics", ",".join(LANGUAGE)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - begin
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # Linux counts in KiB
    return {"lines": count, "bleu + rouge_l, s of the clock": seconds, "most memory, MiB": most}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=22_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--peer", action="store_true", help="beside pycocoevalcap")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "radtrace", help="for the peer")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=int, help="only: memory and time of so many made-up lines")
    options = parser.parse_args()
    if options.lines:
        result = streamed(options.lines)
        print(json.dumps(result) if options.json else table(result))
        return
    if options.data is None:
        parser.error("--data or RADTRACE_DATA must name the folder with the films and reports")
    pairs = load(Path(options.data), options.pairs)
    clean = PRESETS["r2gen"]
    cleaned = [Pair(pair.id, clean.prediction(pair.predicted), clean.reference(pair.wanted)) for pair in pairs]
    values, seconds = language(cleaned, "strict", options.repeats)
    result = {
        "pairs": len(pairs),
        "bleu + rouge_l, clean texts, s": seconds,
        "bleu + rouge_l with R2Gen's cleaner, s": language(pairs, "r2gen", options.repeats)[1],
        "chexpert_rules on all cores, s of the clock": wall(pairs, "chexpert_rules"),
        "rouge_l_stemmed, s of the clock": wall(pairs, "rouge_l_stemmed"),
        "cider_d, s of the clock": wall(pairs, "cider_d"),
    }
    answer = peer(cleaned, options.repeats, options.cache) if options.peer else None
    if answer:
        differences = [abs((ours or 0.0) - theirs) for ours, theirs in zip(values, answer[0], strict=True)]
        result |= {
            "pycocoevalcap, clean texts, s": answer[1],
            "times as fast, clean texts": answer[1] / seconds,
            "times as fast, the cleaner on our side only": answer[1] / result["bleu + rouge_l with R2Gen's cleaner, s"],
            "greatest difference of a score": max(differences),
        }
    print(json.dumps(result) if options.json else table(result))


def table(result: dict[str, float]) -> str:
    return "\n".join(f"{name:<48}{value:>12.4g}" for name, value in result.items())


if __name__ == "__main__":
    main()
