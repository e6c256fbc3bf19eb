"""The processes that turn chunks of studies into parts of a dataset."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path

from radtrace.build.case import Case, Making, make_cases
from radtrace.build.ledger import Chunk, entry_of
from radtrace.build.recipe import BuildRecipe
from radtrace.build.shards import write_part
from radtrace.errors import RadtraceError
from radtrace.images import FilmReader
from radtrace.localize import Localizer
from radtrace.localize.weights import fingerprint
from radtrace.records import Rejected, Study
from radtrace.sources import Load

Job = tuple[int, Sequence[Study | Rejected]]


def worked(recipe: BuildRecipe, parts: Path, jobs: Sequence[Job]) -> Iterator[Chunk]:
    """Finished chunks, as they are finished; the part of each is on the disk.

    Raises:  RadtraceError where a worker process died.
    """
    workers = min(recipe.workers, len(jobs))
    if workers <= 1:
        with FilmReader(1) as reader:
            yield from (work(recipe, parts, job, reader.load) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        try:
            yield from _pooled(pool, recipe, parts, jobs, in_flight=2 * workers)
        except BrokenProcessPool as error:
            raise RadtraceError(
                f"{recipe.output}: a worker process died, perhaps for lack of memory; the same command goes on"
            ) from error
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _pooled(
    pool: ProcessPoolExecutor, recipe: BuildRecipe, parts: Path, jobs: Sequence[Job], in_flight: int
) -> Iterator[Chunk]:
    waiting = iter(jobs)
    running = {pool.submit(_pool_work, recipe, parts, job) for job in islice(waiting, in_flight)}
    while running:
        finished, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {pool.submit(_pool_work, recipe, parts, job) for job in islice(waiting, len(finished))}
        yield from (future.result() for future in finished)


def _start_worker() -> None:
    """A worker uses one core, leaves Ctrl-C to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with suppress(ImportError):
        import torch

        torch.set_num_threads(1)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _pool_work(recipe: BuildRecipe, parts: Path, job: Job) -> Chunk:
    return work(recipe, parts, job, _reader().load)


def work(recipe: BuildRecipe, parts: Path, job: Job, load: Load) -> Chunk:
    """Make the cases of a chunk and write their part."""
    number, studies = job
    making = Making(recipe.picture, recipe.label_template, _weights())
    cases = make_cases(studies, recipe.source, lambda films: _localizer()(films), making, load)
    traced = [case for case in cases if isinstance(case, Case)]
    write_part(part_path(parts, number), traced)
    return Chunk(chunk=number, entries=tuple(entry_of(case) for case in cases))


@cache
def _localizer() -> Localizer:
    return Localizer.load()


@cache
def _weights() -> str | None:
    return fingerprint()


@cache
def _reader() -> FilmReader:
    """The decoding process of a worker, which dies with it."""
    return FilmReader(1)


def part_path(parts: Path, number: int) -> Path:
    """Where a chunk's traces are."""
    return parts / f"part-{number:05d}.parquet"
