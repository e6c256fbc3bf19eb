"""Worker processes: the same films as in this process, in order, whatever happens to a worker."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from radtrace.errors import FilmError
from radtrace.images import Film, FilmReader, load_film


def children(pid):
    """Process ids whose parent is `pid`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


@pytest.fixture
def workers():
    """The processes that were started since: other tests of this process may have left a fork server."""
    before = set(children(os.getpid()))
    return lambda: [pid for pid in children(os.getpid()) if pid not in before]


def cpu_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gone(pids):
    """Wait until none of the processes lives."""
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() and cpu_state(pid) not in "ZX" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def cpu_state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


@pytest.fixture(scope="module")
def files(tmp_path_factory, compressed):
    folder = tmp_path_factory.mktemp("films")
    words = folder / "words.png"
    words.write_bytes(b"this is no film")
    return [*compressed.values(), words, folder / "nowhere.png"]


def test_the_same_films_and_refusals_in_the_same_order(files):
    with FilmReader(2) as reader:
        outcomes = list(reader.load_many(3 * files))
    assert len(outcomes) == 3 * len(files)
    for path, outcome in zip(3 * files, outcomes, strict=True):
        if isinstance(outcome, FilmError):
            with pytest.raises(FilmError) as refused:
                load_film(path)
            assert str(outcome) == str(refused.value)
            continue
        film = load_film(path)
        np.testing.assert_array_equal(outcome.pixels, film.pixels)
        assert (outcome.sha256, outcome.projection, outcome.mm_per_pixel) == (
            film.sha256,
            film.projection,
            film.mm_per_pixel,
        )


def test_header_and_true_size_come_through(write_film):
    ramp = np.tile(np.arange(64, dtype=np.uint16), (48, 1))
    path = write_film(ramp, ViewPosition="PA", PatientOrientation=["L", "F"], PixelSpacing=[0.2, 0.2])
    with FilmReader(1) as reader:
        film, stretched = reader.load(path), reader.load(path, (48, 48))
    assert (film.projection, film.orientation.rotation, film.mm_per_pixel) == ("PA", 0, 0.2)
    assert (stretched.width, stretched.height, stretched.mm_per_pixel) == (64, 64, None)


def test_workers_are_started_when_needed_reused_and_ended(compressed, workers):
    path = compressed["native"]
    with FilmReader(4) as reader:
        assert workers() == []
        reader.load(path)
        (first,) = workers()
        for _ in range(5):
            reader.load(path)
        assert workers() == [first]
    assert gone([first])


def test_films_outlive_their_reader(compressed):
    with FilmReader(1) as reader:
        film = reader.load(compressed["native"])
    assert film.pixels.flags.writeable
    film.pixels[0, 0] = 0.5
    np.testing.assert_array_equal(film.pixels[1:], load_film(compressed["native"]).pixels[1:])


def test_a_film_past_its_time_is_refused_and_its_worker_replaced(compressed, workers):
    with FilmReader(1, seconds=2.0) as reader:
        reader.load(compressed["native"])
        os.kill(workers()[0], signal.SIGSTOP)
        outcomes = list(reader.load_many([compressed["native"], compressed["native8"]]))
    assert str(outcomes[0]) == f"{compressed['native']}: decoding took more than 2 s"
    assert isinstance(outcomes[1], Film)


def test_a_film_past_its_memory_is_refused_and_the_rest_go_on(slow_film, compressed):
    with FilmReader(1, memory_mb=20) as reader:
        outcomes = list(reader.load_many([compressed["native8"], slow_film, compressed["native8"]]))
    assert isinstance(outcomes[0], Film)
    assert isinstance(outcomes[1], FilmError)
    assert isinstance(outcomes[2], Film)


def test_a_film_lost_with_a_worker_gets_a_second_try(compressed, workers):
    with FilmReader(1) as reader:
        reader.load(compressed["native"])
        os.kill(workers()[0], signal.SIGKILL)
        assert isinstance(reader.load(compressed["native"]), Film)


def test_a_film_that_kills_every_worker_is_refused(slow_film, compressed, workers):
    killed, stop, idle = [], threading.Event(), 0.0

    def kill():
        while not stop.wait(0.02):
            for pid in workers():
                if pid not in killed and cpu_seconds(pid) > idle + 0.25:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    killer = threading.Thread(target=kill)
    with FilmReader(1) as reader:
        reader.load(compressed["native"])
        idle = cpu_seconds(workers()[0])
        killer.start()
        outcomes = list(reader.load_many([slow_film, compressed["native"]]))
        stop.set()
        killer.join()
    assert str(outcomes[0]) == f"{slow_film}: its decoder died (SIGKILL)"
    assert isinstance(outcomes[1], Film)
    assert len(killed) == 2


def test_an_abandoned_batch_leaves_nothing_behind(compressed):
    with FilmReader(2) as reader:
        for _ in reader.load_many([compressed["native"]] * 50):
            break
        assert reader.load(compressed["native8"]).sha256 == load_film(compressed["native8"]).sha256


def test_one_batch_at_a_time(compressed):
    with FilmReader(1) as reader:
        batch = reader.load_many([compressed["native"]] * 3)
        next(batch)
        with pytest.raises(RuntimeError, match="one batch"):
            reader.load(compressed["native"])
        assert len(list(batch)) == 2


def test_descriptors_do_not_pile_up(compressed):
    def opened():
        return len(list(Path("/proc/self/fd").iterdir()))

    with FilmReader(1) as reader:
        reader.load(compressed["native"])
        before = opened()
        for outcome in reader.load_many([compressed["native"], compressed["native8"]] * 20):
            del outcome
        assert opened() <= before + 4
    assert opened() < before


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_workers_die_with_their_parent(slow_film, compressed, busy, ending):
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from radtrace.images import FilmReader
        small, slow, busy = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "True"
        with FilmReader(2) as reader:
            list(reader.load_many([small] * 6))
            print("ready", flush=True)
            while busy:
                list(reader.load_many([slow] * 4))
            time.sleep(60)
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(compressed["native"]), str(slow_film), str(busy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    workers = children(parent.pid)
    assert workers
    parent.send_signal(ending)
    _, said = parent.communicate(timeout=20)
    assert gone(workers)
    assert said.count(b"Traceback") == (1 if ending == signal.SIGINT else 0)
