"""Builds that are killed at random moments until they finish; the result must be the same bytes as without a kill.

python benchmarks/kill.py [--studies N] [--kills N] [--seed N] [--json]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECIPE = '[source]\nkind = "phantoms"\nside = 128\n'
COMPARED = ("data/*.parquet", "rejected.jsonl", "statistics.json", "README.md", "manifest.json")


def main() -> None:
    arguments = parse()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.toml"
        recipe.write_text(RECIPE)
        start = time.perf_counter()
        run(recipe, Path(folder) / "whole", arguments.studies)
        seconds = time.perf_counter() - start
        kills, finished = 0, 0
        while kills < arguments.kills:
            output = Path(folder) / f"killed-{finished}"
            while kills < arguments.kills and killed(recipe, output, arguments.studies, chance.uniform(0.1, seconds)):
                kills += 1
            run(recipe, output, arguments.studies)
            finished += 1
            different = differing(output, Path(folder) / "whole")
            if different:
                sys.exit(f"after {kills} kills these differ: {', '.join(different)}")
    figures = {"studies": arguments.studies, "kills": kills, "builds": finished, "all_equal": True}
    print(json.dumps(figures) if arguments.json else figures)


def command(recipe: Path, output: Path, studies: int) -> list[str]:
    settings = ["--set", f"output={output}", "--set", f"source.count={studies}", "--set", "workers=2"]
    return [sys.executable, "-m", "radtrace", "build", str(recipe), *settings]


def run(recipe: Path, output: Path, studies: int) -> None:
    subprocess.run(command(recipe, output, studies), check=True, capture_output=True)


def killed(recipe: Path, output: Path, studies: int, after: float) -> bool:
    """Start a build and kill it (its workers die with it) after some seconds; whether it was still at work."""
    started = subprocess.Popen(command(recipe, output, studies), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        started.wait(after)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
        return True
    return False


def differing(one: Path, other: Path) -> list[str]:
    here, there = contents(one), contents(other)
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def contents(folder: Path) -> dict[str, bytes]:
    found = sorted(path for pattern in COMPARED for path in folder.glob(pattern))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
