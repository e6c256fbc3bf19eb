"""`radtrace build` over Open-I: traces a second, beside the floor of reading and encoding the same pictures alone.

python benchmarks/build.py [--data DIR] [--workers N] [--split SPLIT] [--json]
"""

import argparse
import json
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from radtrace.build import BuildRecipe, build
from radtrace.build.shards import read_rows, study_ids
from radtrace.images import crop, encode_png
from radtrace.records import Trace
from radtrace.sources import Source, open_source


def main() -> None:
    arguments = parse()
    source = open_source({"kind": "openi", "root": arguments.data / "openi", "split": arguments.split})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        recipe = BuildRecipe(output=Path(folder) / "openi", source=source, workers=arguments.workers)
        built = build(recipe)
        seconds = time.perf_counter() - start
        traces = [
            row.trace
            for path in sorted((built.path / "data").glob("*.parquet"))
            for row in read_rows(path, range(len(study_ids(path))))
        ]
    start = time.perf_counter()
    with ProcessPoolExecutor(arguments.workers) as pool:
        list(pool.map(read_and_encode, [source] * len(traces), traces, chunksize=32))
    floor = time.perf_counter() - start
    figures = {
        "traces": built.traces,
        "rejected": built.rejected,
        "workers": arguments.workers,
        "build_s": round(seconds, 1),
        "traces_per_s": round(built.traces / seconds, 1),
        "read_and_encode_s": round(floor, 1),
        "ratio": round(seconds / floor, 2),
        "peak_mb_of_a_process": max(peak_mb(resource.RUSAGE_SELF), peak_mb(resource.RUSAGE_CHILDREN)),
    }
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name:<24}{value}" for name, value in figures.items()))


def read_and_encode(source: Source, trace: Trace) -> int:
    pixels = source.film(trace.view).pixels
    crops = [crop(pixels, step.box) for step in trace.steps if step.box]
    return sum(len(encode_png(picture)) for picture in (pixels, *crops))


def peak_mb(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--split", default="all", help="R2Gen's split")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data or RADTRACE_DATA names the folder with the real films")
    return arguments


if __name__ == "__main__":
    main()
