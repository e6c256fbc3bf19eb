"""A study that takes down the process that works on it costs itself only, and is not retried for ever."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.errors import FailureRateError, InputError


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def of(name, deadly, *, count=20, once=False, **settings):
        source = {"kind": "deadly:Deadly", "count": count, "side": 128, "log": tmp_path / f"{name}.log"}
        source |= {"deadly": deadly, "once": once}
        values = {"output": tmp_path / name, "source": source, "workers": 2, "split": {"train": 1, "val": 0, "test": 0}}
        return BuildRecipe.model_validate(values | settings)

    return of


def rejected(recipe):
    lines = (recipe.output / "rejected.jsonl").read_text().splitlines()
    return {row["study_id"]: (row["stage"], row["reason"]) for row in map(json.loads, lines)}


def openings(recipe):
    return recipe.source.log.read_text().split()


def shards(recipe):
    return [path.read_bytes() for path in sorted((recipe.output / "data").glob("*"))]


def test_who_kills_a_worker_is_rejected_and_its_neighbours_are_not(recipe):
    deadly = recipe("run", {3: "SIGSEGV", 5: "exit", 12: "raise", 19: "SIGKILL"})
    assert build(deadly).traces == 16
    assert rejected(deadly) == {
        "phantom-00003": ("worker", "its worker process died (SIGSEGV)"),
        "phantom-00005": ("worker", "its worker process died (exit status 7)"),
        "phantom-00012": ("worker", "ZeroDivisionError at deadly.py:45"),
        "phantom-00019": ("worker", "its worker process died (SIGKILL, perhaps for lack of memory)"),
    }
    names = [row.trace.study_id for row in find_traces(deadly.output).rows()]
    assert names == [f"phantom-{seed:05d}" for seed in range(20) if seed not in (3, 5, 12, 19)]


def test_who_hangs_is_rejected(recipe):
    deadly = recipe("run", {0: "hang"}, count=1, stall_seconds=2, max_rejected=1.0)
    with pytest.raises(InputError, match="no study became a trace"):
        build(deadly)
    assert rejected(deadly) == {"phantom-00000": ("worker", "no progress for 2 s")}
    assert openings(deadly) == ["0", "0"]


def test_who_killed_a_worker_once_only_is_not_rejected(recipe):
    deadly, calm = recipe("run", {3: "SIGSEGV"}, once=True), recipe("calm", {})
    build(deadly)
    build(calm)
    assert rejected(deadly) == {}
    assert shards(deadly) == shards(calm)


def test_a_run_that_goes_on_does_not_try_it_again(recipe):
    deadly = recipe("run", {0: "exit", 1: "exit", 2: "exit"}, count=4)
    for _ in range(2):
        with pytest.raises(FailureRateError, match="3 of 4 studies rejected"):
            build(deadly)
    assert set(rejected(deadly)) == {"phantom-00000", "phantom-00001", "phantom-00002"}
    # The chunk dies of its first study; each of the three kills a worker of its own, and is never opened again.
    assert sorted(openings(deadly)) == ["0", "0", "1", "2"]


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_build_that_is_killed_while_it_looks_for_the_culprit_goes_on_to_the_same_bytes(recipe, tmp_path, deaths):
    """The culprit is the last study of its chunk: the others are tried by themselves before it."""
    whole, killed = recipe("whole", {7: "exit"}, count=9), recipe("killed", {7: "exit"}, count=9)
    build(whole)
    script = (
        "import json, sys; from radtrace.build import BuildRecipe, build;"
        "__name__ == '__main__' and build(BuildRecipe.model_validate_json(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen([sys.executable, "-c", script, killed.model_dump_json()], env=environment)
    while running.poll() is None and not (killed.source.log.exists() and len(openings(killed)) >= deaths):
        time.sleep(0.005)
    running.kill()
    running.wait()
    build(killed)
    assert (
        rejected(killed) == rejected(whole) == {"phantom-00007": ("worker", "its worker process died (exit status 7)")}
    )
    assert shards(killed) == shards(whole)
