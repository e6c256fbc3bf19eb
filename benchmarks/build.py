"""`radtrace build` over Open-I from a cold start, beside the floor of reading and encoding the same pictures alone.

python benchmarks/build.py [--data DIR] [--workers N] [--split SPLIT] [--json]

Both are commands of their own with the same number of processes. Seconds of CPU are told beside those of the clock,
which say little on a busy machine; the localizer's part is measured on the same films in one process.
"""

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from radtrace.geometry import Box
from radtrace.images import crop, encode_png
from radtrace.records import View
from radtrace.sources import Source, open_source

PR_SET_CHILD_SUBREAPER = 36


class Cost(NamedTuple):
    """Of a command and all that it started."""

    seconds: float
    cpu_s: float
    peak_mb: int


def main() -> None:
    arguments = parse()
    if arguments.floor:
        floor(arguments)
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        output, pictures = Path(folder) / "openi", Path(folder) / "pictures.json"
        recipe = Path(folder) / "recipe.toml"
        recipe.write_text(
            f'[source]\nkind = "openi"\nroot = "{arguments.data / "openi"}"\nsplit = "{arguments.split}"\n'
        )
        settings = ["--set", f"output={output}", "--set", f"workers={arguments.workers}", "--json"]
        built, result = measured("-m", "radtrace", "build", str(recipe), *settings)
        write_pictures(output, pictures)
        alone, _ = measured(__file__, *sys.argv[1:], "--floor", str(pictures))
        located = locating(arguments, pictures)
    found = json.loads(result)
    figures = {
        "traces": found["traces"],
        "rejected": found["rejected"],
        "workers": arguments.workers,
        "build_s": round(built.seconds, 1),
        "read_and_encode_s": round(alone.seconds, 1),
        "ratio": round(built.seconds / alone.seconds, 2),
        "build_cpu_s": round(built.cpu_s, 1),
        "localizer_cpu_s": round(located, 1),
        "read_and_encode_cpu_s": round(alone.cpu_s, 1),
        "cpu_ratio": round(built.cpu_s / alone.cpu_s, 2),
        "cpu_ratio_without_localizer": round((built.cpu_s - located) / alone.cpu_s, 2),
        "peak_mb_of_a_process": built.peak_mb,
    }
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name:<30}{value}" for name, value in figures.items()))


def measured(*command: str) -> tuple[Cost, str]:
    """Run Python to its end, and to that of every process that it leaves behind."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    said = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds = time.perf_counter() - start
    try:
        while True:
            os.wait()
    except ChildProcessError:
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu, after.ru_maxrss // 1024), said


def write_pictures(output: Path, path: Path) -> None:
    """The view of each trace and the boxes of its steps."""
    from radtrace.build.reading import find_traces

    traces = [row.trace for row in find_traces(output).rows()]
    path.write_text(
        json.dumps([[trace.view.model_dump(), [step.box.xyxy for step in trace.steps if step.box]] for trace in traces])
    )


def floor(arguments: argparse.Namespace) -> None:
    """Read every film and encode it and its crops."""
    source = the_source(arguments)
    pictures = json.loads(arguments.floor.read_text())
    with ProcessPoolExecutor(arguments.workers) as pool:
        list(pool.map(read_and_encode, [source] * len(pictures), pictures, chunksize=8))


def read_and_encode(source: Source, picture: tuple[dict[str, object], list[list[float]]]) -> int:
    view, boxes = picture
    pixels = source.film(View.model_validate(view)).pixels
    return sum(len(encode_png(shown)) for shown in (pixels, *(crop(pixels, Box.of(box)) for box in boxes)))


def locating(arguments: argparse.Namespace, pictures: Path) -> float:
    """Seconds of CPU that the localizer takes for the films of the traces, the import of torch left out."""
    import torch

    from radtrace.localize import Localizer

    torch.set_num_threads(1)
    localizer, source, spent = Localizer.load(every_marker=False), the_source(arguments), 0.0
    views = [View.model_validate(view) for view, _ in json.loads(pictures.read_text())]
    for start in range(0, len(views), 8):
        films = [source.film(view) for view in views[start : start + 8]]
        before = time.process_time()
        localizer(films)
        spent += time.process_time() - before
    return spent


def the_source(arguments: argparse.Namespace) -> Source:
    return open_source({"kind": "openi", "root": arguments.data / "openi", "split": arguments.split})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--split", default="all", help="R2Gen's split")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data or RADTRACE_DATA names the folder with the real films")
    arguments.data = Path(arguments.data)
    return arguments


if __name__ == "__main__":
    main()
