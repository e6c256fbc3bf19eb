"""Resident memory of `radtrace build` while the studies go by: of the parent and of all its processes together.

python benchmarks/memory.py [--studies N] [--workers N] [--output FILE] [--json]

The studies are phantoms with the words and boxes of their own seeds; their films are a few drawn ones, shifted, since
drawing is slow and what is measured is the build.
"""

import argparse
import json
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np

from radtrace.build import BuildRecipe, build
from radtrace.images import Film, Pixels, load_film
from radtrace.phantoms import phantom
from radtrace.records import View
from radtrace.sources import Load
from radtrace.sources.phantoms import Phantoms

DRAWN = 8
MARKS = (1 / 11, 1 / 2, 1)
"""Shares of the studies at which the peak so far is told: 2,000, 11,000 and 22,000 of 22,000."""
EVERY = 500
"""Studies between two points of the record."""


class Shifted(Phantoms):
    """Phantoms whose films cost nothing."""

    kind: str = "memory:Shifted"

    def film(self, view: View, load: Load = load_film) -> Film:
        """See `Source.film`."""
        seed = int(view.uri)
        pixels = np.roll(drawn(seed % DRAWN, self.side), seed // DRAWN, axis=1)
        return Film(pixels, f"{seed:064x}", projection="PA")


@cache
def drawn(seed: int, side: int) -> Pixels:
    return phantom(seed, (side, side)).pixels


class Sampler(threading.Thread):
    """Looks at the processes until it is stopped. samples: (seconds, studies done, MB of the parent, MB of all)."""

    def __init__(self, ledger: Path) -> None:
        super().__init__(daemon=True)
        self.ledger, self.samples, self.stopped = ledger, [], threading.Event()
        self.done = self.read = 0

    def run(self) -> None:
        """Look four times a second."""
        start = time.perf_counter()
        while not self.stopped.wait(0.25):
            everyone = processes(Path("/proc/self"))
            sizes = [resident_mb(process) for process in everyone]
            self.samples.append((time.perf_counter() - start, self.studies(), sizes[0], sum(sizes)))

    def studies(self) -> int:
        """Studies in the ledger so far."""
        if self.ledger.exists():
            with self.ledger.open("rb") as file:
                file.seek(self.read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.read += len(whole)
            self.done += sum(len(json.loads(line)["entries"]) for line in whole.splitlines())
        return self.done


def processes(root: Path) -> list[Path]:
    """A process and all that it started, directly or not."""
    found = [root]
    for process in found:
        for children in process.glob("task/*/children"):
            try:
                found += [Path("/proc") / pid for pid in children.read_text().split()]
            except OSError:
                continue
    return found


def resident_mb(process: Path) -> float:
    try:
        return int((process / "statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def main() -> None:
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        source = {"kind": "memory:Shifted", "count": arguments.studies, "side": 128}
        output = Path(folder) / "run"
        values = {"output": output, "source": source, "workers": arguments.workers}
        sampler = Sampler(output / "cases.jsonl")
        sampler.start()
        start = time.perf_counter()
        built = build(BuildRecipe.model_validate(values))
        seconds = time.perf_counter() - start
        sampler.stopped.set()
        sampler.join()
    figures = {
        "traces": built.traces,
        "workers": arguments.workers,
        "seconds": round(seconds),
        **summary(sampler.samples, arguments.studies),
    }
    if arguments.output:
        arguments.output.write_text(json.dumps(figures, indent=1) + "\n")
    shown = {name: value for name, value in figures.items() if name != "record"}
    print(json.dumps(shown) if arguments.json else "\n".join(f"{name:<34}{value}" for name, value in shown.items()))


def summary(samples: list[tuple[float, int, float, float]], studies: int) -> dict[str, object]:
    """Peaks up to each mark, the slope by least squares between the first mark and the end, and the record."""
    seconds, done, parent, everyone = (np.array(column) for column in zip(*samples, strict=True))
    peaks = {}
    for share in MARKS:
        until = (done <= share * studies) & (seconds <= seconds[-1])
        peaks[f"peak_mb_up_to_{round(share * studies)}"] = [round(parent[until].max()), round(everyone[until].max())]
    going = (done >= MARKS[0] * studies) & (done < studies)
    slopes = [np.polyfit(done[going], of[going], 1)[0] for of in (parent, everyone)] if going.sum() > 2 else []
    points = [int(np.searchsorted(done, mark)) for mark in range(0, studies + 1, EVERY)]
    record = [
        [int(done[at]), round(float(parent[at]), 1), round(float(everyone[at]), 1)] for at in points if at < len(done)
    ]
    return {**peaks, "kb_a_study": [round(1000 * float(slope), 2) for slope in slopes], "record": record}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=22_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, help="JSON file for the figures and the record over time")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
