"""How long `radtrace read` takes, and whether its memory stays flat.

    python benchmarks/read.py [--data DIR] [--films DIR] [--count N] [--model M] [--visual V] [--picture P]
                              [--samples N] [--parts cold,warm,many] [--json]

    cold    seconds of a whole `radtrace read film.dcm`, and of one study of two PNG or JPEG films, the process's start
            included; the median of five each, and of the processor's seconds
    warm    seconds a case in one process, one study at a time: median and 95th percentile of twenty
    many    seconds a case of N studies in one run, pages and traces written, and resident memory of all its processes
            in MB along the way; growth: by the line through the last four fifths

The studies are those that `radtrace read` finds in the folder of --films, over and over where they are fewer than N;
without it Open-I's, train split first. One thread, unless OMP_NUM_THREADS says otherwise.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from radtrace.cli.paging import reading_view
from radtrace.pages import write_page
from radtrace.reader import Manner, Reader, Reading, load_reader
from radtrace.reader.keeping import Readings
from radtrace.records import Study
from radtrace.sources import Source
from radtrace.sources.films import Films
from radtrace.sources.openi import OpenI

COLD, WARM = 5, 20
MARKS = 20
"""How often resident memory is told."""
SETTLED = 5
"""The part of the marks, one in so many, that is left out of the growth: caches fill."""
FILM = "dicom/nih_google_dx_1024_mono2_8bit.dcm"
PARTS = ("cold", "warm", "many")


def cold(paths: Sequence[Path], arguments: Sequence[str]) -> dict[str, float]:
    """Whole runs of the command on one study."""
    seconds, processor = [], []
    for _ in range(COLD):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "radtrace", "read", *map(str, paths), "--study", "one", "-o", folder]
            start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*command, *arguments], check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {"median": statistics.median(seconds), "best": min(seconds), "processor": statistics.median(processor)}


def warm(reader: Reader, source: Source, studies: Sequence[Study]) -> dict[str, float]:
    """One study at a time, after one that is not counted."""
    seconds = []
    for study in studies[: WARM + 1]:
        start = time.perf_counter()
        reader.read(study, source)
        seconds.append(time.perf_counter() - start)
    counted = sorted(seconds[1:])
    return {"median": statistics.median(counted), "p95": counted[int(0.95 * (len(counted) - 1))]}


def many(reader: Reader, source: Source, studies: Sequence[Study], count: int) -> dict[str, Any]:
    """`count` studies, kept as the command keeps them."""
    marks = {round(count * mark / MARKS) for mark in range(1, MARKS + 1)}
    memory: dict[int, float] = {}
    read = refused = 0
    start, before = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        readings = Readings(Path(folder))
        for outcome in reader.read_all(_again(studies, count), source):
            if isinstance(outcome, Reading):
                read += 1
                name = outcome.trace.study_id
                write_page([reading_view(outcome)], readings.page(name), title=name)
                readings.keep(outcome.trace)
                for written in (readings.page(name), readings.trace_file(name)):
                    written.unlink()
            else:
                refused += 1
            if read + refused in marks:
                memory[read + refused] = resident_mb()
    return {
        "studies": count,
        "read": read,
        "rejected": refused,
        "seconds_a_case": (time.perf_counter() - start) / count,
        "processor_a_case": (time.process_time() - before) / count,
        "resident_mb": memory,
        "growth_mb_per_100": growth(memory),
    }


def _again(studies: Sequence[Study], count: int) -> Iterator[Study]:
    for number, study in enumerate(islice(cycle(studies), count)):
        yield study.model_copy(update={"id": f"{number:06d}"})


def growth(memory: dict[int, float]) -> float:
    """MB in a hundred studies, once the caches are full."""
    at, resident = (np.array(each[len(memory) // SETTLED :], float) for each in (list(memory), list(memory.values())))
    return float(100 * np.polyfit(at, resident, 1)[0]) if len(at) > 1 else 0.0


def resident_mb() -> float:
    """Of this process and those that decode films for it."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in ("self", *children))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def studies_of(options: argparse.Namespace) -> tuple[Source, list[Study]]:
    """What is read again and again."""
    split = ("train", "val", "unsplit")
    openi = OpenI(kind="openi", root=options.data / "openi", split=split) if options.data else None
    source: Source | None = Films(paths=(options.films,)) if options.films else openi
    assert source is not None
    return source, [study for study in source.studies() if isinstance(study, Study)]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    manner = Manner(visual=options.visual, picture=options.picture, samples=options.samples)
    arguments = [f"--model={options.model}", *(f"--{name}={value}" for name, value in manner.model_dump().items())]
    source, studies = studies_of(options)
    found: dict[str, Any] = {"manner": manner.model_dump()}
    if "cold" in options.parts:
        several = next((study for study in studies if len(study.views) > 1), studies[0])
        found["cold, pictures"] = cold([source.root / view.uri for view in several.views], arguments)
        if options.data:
            found["cold, DICOM"] = cold([options.data / FILM], arguments)
    with load_reader(options.model, manner) as reader:
        found["model"] = reader.mind.name
        if "warm" in options.parts:
            found["warm"] = warm(reader, source, studies)
        if "many" in options.parts:
            found["many"] = many(reader, source, studies, options.count)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("RADTRACE_DATA"))
    parser.add_argument("--films", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--visual", default="draft")
    parser.add_argument("--picture", default="zoom")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    options.data = options.data and Path(options.data)
    if options.data is None and options.films is None:
        parser.error("--films, --data or RADTRACE_DATA names a folder of real films")
    torch.set_num_threads(int(os.environ.setdefault("OMP_NUM_THREADS", "1")))
    found = measure(options)
    print(json.dumps(found) if options.as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """In lines."""
    lines = [found["model"]]
    for kind in ("cold, pictures", "cold, DICOM"):
        if run := found.get(kind):
            lines.append(f"{kind}: {run['median']:.2f} s (best {run['best']:.2f}; processor {run['processor']:.2f})")
    if run := found.get("warm"):
        lines.append(f"warm: {run['median']:.2f} s a case (95th percentile {run['p95']:.2f})")
    if run := found.get("many"):
        each = f"{run['seconds_a_case']:.2f} s a case (processor {run['processor_a_case']:.2f})"
        lines.append(f"many: {each}, {run['read']} read, {run['rejected']} rejected")
        lines.append("memory: " + ", ".join(f"{mb:.0f} MB after {done}" for done, mb in run["resident_mb"].items()))
        lines.append(f"growth: {run['growth_mb_per_100']:.1f} MB in 100 studies")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
