"""The worker processes of a build, of which any may die: its chunk is then done anew, one study at a time.

A study that takes its process down by itself too, in a new one, is rejected, and the ledger remembers that.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Self

from radtrace.build.ledger import Chunk, Refused
from radtrace.build.messages import Alive, Job, Ready, Spoilt, Task
from radtrace.build.spool import Spool
from radtrace.errors import RadtraceError
from radtrace.records import Rejected, Study

_QUEUE = 2
"""Jobs that a worker holds, so that it goes on while its last answer is being used."""
_START_SECONDS = 300.0
_CONTEXT = multiprocessing.get_context("forkserver")


def prepare(*, localizer: bool) -> None:
    """Begin to start the process that workers are forked from; it imports what they need while the caller goes on.

    Args:    localizer: whether they will need it.
    """
    _CONTEXT.set_forkserver_preload(["radtrace.build.workers", *(["radtrace.localize.network"] if localizer else [])])
    forkserver.ensure_running()


def worked(task: Task, spool: Spool, pieces: Iterable[tuple[int, int]], workers: int) -> Iterator[Chunk]:
    """Finished chunks, as they are finished; the part of each is on the disk.

    Args:    pieces: (number of the first study, studies) of each chunk.
    Raises:  RadtraceError, OSError where it is not a study that is at fault.
    """
    jobs = (Job(start, count, spool.offsets[start]) for start, count in pieces)
    crew = _Crew(task, spool, workers)
    try:
        yield from crew.run(jobs)
    finally:
        crew.end()


def _serve(link: Connection, task: Task) -> None:
    """What a worker process runs; its imports are no part of the parent's start."""
    from radtrace.build.workers import serve

    serve(link, task)


@dataclass(slots=True, eq=False)
class _Worker:
    """One process. alone: hired for studies that are tried by themselves; deadline: when it is taken to hang.

    pending: jobs in the order that it answers them; served: jobs that it has answered.
    """

    process: ForkServerProcess
    link: Connection
    alone: bool
    deadline: float
    ready: bool = False
    served: int = 0
    pending: deque[Job] = field(default_factory=deque)

    @classmethod
    def start(cls, task: Task, job: Job) -> Self:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(theirs, task), daemon=True)
        process.start()
        theirs.close()
        worker = cls(process, ours, job.alone, time.monotonic() + _START_SECONDS)
        worker.give(job)
        return worker

    def give(self, job: Job) -> None:
        self.pending.append(job)
        with suppress(OSError):  # that the process is gone is seen where its answers are read
            self.link.send(job)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()
        self.link.close()

    def cause_of_death(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"exit status {code}"
        name = signal.Signals(-code).name
        return f"{name}, perhaps for lack of memory" if name == "SIGKILL" else name


class _Crew:
    """Hands out jobs and replaces who is lost over them.

    A study tried by itself that ends a worker which had done others before is tried once more in a new one, so that no
    study pays for the damage that another did.
    """

    def __init__(self, task: Task, spool: Spool, size: int) -> None:
        self._task, self._spool, self._size = task, spool, size
        self._workers: list[_Worker] = []
        self._again: deque[Job] = deque()
        self._singles: deque[Job] = deque()

    def run(self, jobs: Iterator[Job]) -> Iterator[Chunk]:
        """The chunks of all jobs."""
        while True:
            self._assign(jobs)
            if not self._workers:
                return
            yield from self._collect()

    def end(self) -> None:
        """End all processes."""
        while self._workers:
            self._workers.pop().end()

    def _assign(self, jobs: Iterator[Job]) -> None:
        """Fill the workers' queues and hire for what is left; one that has nothing to do any more ends."""
        for worker in tuple(self._workers):
            self._fill(worker, jobs)
            if not worker.pending:
                self._dismiss(worker)
        while len(self._workers) < self._size:
            job = self._next_single() or self._next(jobs)
            if job is None:
                return
            worker = _Worker.start(self._task, job)
            self._workers.append(worker)
            self._fill(worker, jobs)

    def _fill(self, worker: _Worker, jobs: Iterator[Job]) -> None:
        while len(worker.pending) < (1 if worker.alone else _QUEUE):
            job = self._next_single() if worker.alone else self._next(jobs)
            if job is None:
                return
            worker.give(job)

    def _next_single(self) -> Job | None:
        return self._singles.popleft() if self._singles else None

    def _next(self, jobs: Iterator[Job]) -> Job | None:
        return self._again.popleft() if self._again else next(jobs, None)

    def _dismiss(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.end()

    def _collect(self) -> Iterator[Chunk]:
        """Chunks that have come in; at least one worker has said something, died or made no progress for too long."""
        patience = min(worker.deadline for worker in self._workers) - time.monotonic()
        ready = set(wait([worker.link for worker in self._workers], max(0.0, patience)))
        for worker in tuple(self._workers):
            if worker.link in ready:
                yield from self._heard(worker)
            elif time.monotonic() >= worker.deadline:
                yield from self._lost(worker, f"no progress for {self._task.recipe.stall_seconds:g} s")

    def _heard(self, worker: _Worker) -> Iterator[Chunk]:
        try:
            said = worker.link.recv()
        except (EOFError, OSError):
            yield from self._lost(worker, f"its worker process died ({worker.cause_of_death()})")
            return
        worker.deadline = time.monotonic() + self._task.recipe.stall_seconds
        match said:
            case Ready():
                worker.ready = True
            case Alive():
                pass
            case Chunk():
                worker.pending.popleft()
                worker.served += 1
                yield said
            case Spoilt(reason):
                worker.served += 1
                yield from self._failed(worker.pending.popleft(), reason)
            case _:
                raise said

    def _lost(self, worker: _Worker, reason: str) -> Iterator[Chunk]:
        """Do without a worker: its first job failed, the others have not been begun."""
        self._dismiss(worker)
        if not worker.ready:
            raise RadtraceError(f"a worker process could not be started: {reason}")
        job = worker.pending.popleft()
        self._again.extendleft(reversed(worker.pending))
        if job.alone and worker.served:
            self._singles.appendleft(job)  # what another study left behind may be at fault
        else:
            yield from self._failed(job, reason)

    def _failed(self, job: Job, reason: str) -> Iterator[Chunk]:
        """Each study of a chunk is tried by itself; one that was is rejected."""
        if not job.alone:
            numbers = range(job.start, job.start + job.count)
            self._singles.extend(Job(number, 1, self._spool.offsets[number], alone=True) for number in numbers)
            return
        study = self._spool.study(job.start)
        name = study.id if isinstance(study, Study) else study.study_id
        rejected = Rejected(study_id=name, stage="worker", reason=reason)
        yield Chunk(start=job.start, entries=(Refused(rejected=rejected),))
