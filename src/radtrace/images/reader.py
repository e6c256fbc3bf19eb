"""Films decoded in worker processes with limits of memory and time, so that a hostile file costs itself only."""

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, repeat
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from radtrace.errors import FilmError, MissingExtraError, RadtraceError
from radtrace.images.film import Film, Orientation

_QUEUE = 2
"""Requests that a worker holds, so that it goes on while its last answer is being used."""
_START_SECONDS = 120.0
_START = "import sys; sys.path[:] = {path!r}; from radtrace.images.worker import main; main(sys.argv[1:])"


@dataclass(slots=True)
class _Task:
    number: int
    path: Path
    true_size: tuple[int, int] | None
    tries: int = 0


class FilmReader:
    """Decodes films in reused worker processes; what kills, exhausts or stalls one is a FilmError for its film alone.

    A film lost in a worker that had decoded others before is tried once more in a new one, so that no film pays for the
    damage that another did. Processes are started when they are needed and die with their parent. Decoders are
    contained, not sandboxed: the processes have the rights of their parent.

    Args:    workers: processes; one a core unless stated. memory_mb: of each, beyond the bare interpreter's.
             seconds: that one film may take.
    """

    def __init__(self, workers: int | None = None, *, memory_mb: int = 2048, seconds: float = 60.0) -> None:
        self._size = max(1, workers or os.cpu_count() or 1)
        self._memory_mb = memory_mb
        self._seconds = seconds
        self._workers: list[_Worker] = []
        self._reading = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start a process now, which gets ready while the caller does something else."""
        if not self._workers:
            self._workers.append(_Worker.start(self._memory_mb))

    def close(self) -> None:
        """End the worker processes; films already given stay valid, and the reader can be used again."""
        while self._workers:
            self._workers.pop().end()

    def load(self, path: Path, true_size: tuple[int, int] | None = None) -> Film:
        """Decode one film as `load_film` does. Raises FilmError, MissingExtraError."""
        outcome = next(iter(self.load_many([path], [true_size])))
        if isinstance(outcome, FilmError):
            raise outcome
        return outcome

    def load_many(
        self, paths: Iterable[Path], true_sizes: Iterable[tuple[int, int] | None] = repeat(None)
    ) -> Iterator[Film | FilmError]:
        """Each film, or why it is none, in the order of `paths`; a few are decoded ahead of the one that is used.

        Raises:  MissingExtraError for DICOM without the extra `read`; RadtraceError if no process can be started.
        """
        if self._reading:
            raise RuntimeError("one batch of a FilmReader must be finished before the next begins")
        self._reading = True
        tasks = (_Task(number, path, size) for number, (path, size) in enumerate(zip(paths, true_sizes, strict=False)))
        try:
            yield from self._in_order(tasks)
        finally:
            self._reading = False
            self._end(worker for worker in tuple(self._workers) if worker.pending)

    def _in_order(self, tasks: Iterator[_Task]) -> Iterator[Film | FilmError]:
        waiting: deque[_Task] = deque()
        outcomes: dict[int, Film | FilmError] = {}
        due = taken = 0
        while True:
            ahead = due + 2 * _QUEUE * self._size - taken
            fresh = list(islice(tasks, ahead))
            taken += len(fresh)
            waiting.extend(fresh)
            self._assign(waiting)
            if due in outcomes:
                yield outcomes.pop(due)
                due += 1
            elif due == taken:
                return
            else:
                for task, outcome in self._collect(waiting):
                    outcomes[task.number] = outcome

    def _assign(self, waiting: deque[_Task]) -> None:
        while waiting:
            free = [worker for worker in self._workers if len(worker.pending) < _QUEUE and not worker.broken]
            worker = min(free, key=lambda one: len(one.pending), default=None)
            if (worker is None or worker.pending) and len(self._workers) < self._size:
                worker = _Worker.start(self._memory_mb)
                self._workers.append(worker)
            if worker is None:
                return
            worker.ask(waiting.popleft(), self._seconds)

    def _collect(self, waiting: deque[_Task]) -> Iterator[tuple[_Task, Film | FilmError]]:
        """Outcomes that have come in; at least one worker has answered, died or run out of time."""
        busy = [worker for worker in self._workers if worker.pending]
        patience = min(worker.deadline for worker in busy) - time.monotonic()
        ready = set(wait([worker.link for worker in busy], max(0.0, patience)))
        for worker in busy:
            if worker.link in ready:
                yield from self._received(worker, waiting)
            elif time.monotonic() >= worker.deadline:
                yield from self._lost(worker, f"decoding took more than {self._seconds:g} s", waiting, retry=False)

    def _received(self, worker: "_Worker", waiting: deque[_Task]) -> Iterator[tuple[_Task, Film | FilmError]]:
        if not worker.receive():
            reason = f"its decoder died ({worker.cause_of_death()})"
            yield from self._lost(worker, reason, waiting, retry=True)
            return
        for answer, pixels in worker.answers(self._seconds):
            task = worker.pending[0]
            if "exhausted" in answer:
                reason = f"decoding needs more than {self._memory_mb} MB"
                yield from self._lost(worker, reason, waiting, retry=True)
                return
            worker.finished(self._seconds)
            yield task, _outcome(task, answer, pixels)

    def _lost(
        self, worker: "_Worker", reason: str, waiting: deque[_Task], retry: bool
    ) -> Iterator[tuple[_Task, FilmError]]:
        """Replace a worker: its first film failed, or gets its second try; the others have not been begun."""
        if not worker.ready:
            self._end([worker])
            raise RadtraceError(f"a process to decode films could not be started: {reason}")
        task = worker.pending.popleft()
        waiting.extendleft(reversed(worker.pending))
        worker.pending.clear()
        self._end([worker])
        if retry and worker.served and not task.tries:
            task.tries += 1
            waiting.appendleft(task)
        else:
            yield task, FilmError(f"{task.path}: {reason}")

    def _end(self, workers: Iterable["_Worker"]) -> None:
        for worker in workers:
            self._workers.remove(worker)
            worker.end()


@dataclass(slots=True, eq=False)
class _Worker:
    """One process. pending: requests in the order that it answers them; served: films that it has answered for."""

    process: "subprocess.Popen[bytes]"
    link: socket.socket
    lifeline: int
    deadline: float
    pending: deque[_Task] = field(default_factory=deque)
    ready: bool = False
    broken: bool = False
    served: int = 0
    _bytes: bytes = b""
    _descriptors: deque[int] = field(default_factory=deque)

    @classmethod
    def start(cls, memory_mb: int) -> "_Worker":
        ours, theirs = socket.socketpair()
        watched, held = os.pipe()
        try:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    _START.format(path=sys.path),
                    str(theirs.fileno()),
                    str(watched),
                    str(memory_mb),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), watched),
                start_new_session=True,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        except OSError as error:
            ours.close()
            os.close(held)
            raise RadtraceError(f"a process to decode films could not be started: {error.strerror}") from error
        finally:
            theirs.close()
            os.close(watched)
        return cls(process, ours, held, time.monotonic() + _START_SECONDS)

    def ask(self, task: _Task, seconds: float) -> None:
        if self.ready and not self.pending:
            self.deadline = time.monotonic() + seconds
        self.pending.append(task)
        request = {"path": os.path.abspath(task.path), "true_size": task.true_size}  # noqa: PTH100 (keeps symlinks)
        try:
            self.link.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            self.broken = True

    def receive(self) -> bool:
        """Take in what has arrived; False once the process is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.link, 1 << 16, 16)
        except OSError:
            return False
        self._bytes += data
        self._descriptors.extend(descriptors)
        return bool(data)

    def answers(self, seconds: float) -> Iterator[tuple[dict[str, Any], int | None]]:
        """Whole answers, each with the descriptor of its pixels, which is now the caller's."""
        while b"\n" in self._bytes:
            line, _, self._bytes = self._bytes.partition(b"\n")
            answer = json.loads(line)
            if "ready" in answer:
                self.ready, self.deadline = True, time.monotonic() + seconds
                continue
            yield answer, self._descriptors.popleft() if "width" in answer else None

    def finished(self, seconds: float) -> None:
        self.pending.popleft()
        self.served += 1
        self.deadline = time.monotonic() + seconds

    def cause_of_death(self) -> str:
        status = self.process.wait()
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.link.close()
        os.close(self.lifeline)
        while self._descriptors:
            os.close(self._descriptors.popleft())


def _outcome(task: _Task, answer: dict[str, Any], pixels: int | None) -> Film | FilmError:
    if "missing" in answer:
        raise MissingExtraError("read", f"{task.path}: DICOM")
    if pixels is None:
        return FilmError(f"{task.path}: {answer['refused']}")
    shape = (answer["height"], answer["width"])
    try:
        memory = mmap.mmap(pixels, 4 * shape[0] * shape[1])
    finally:
        os.close(pixels)
    turned = answer["orientation"]
    return Film(
        np.frombuffer(memory, np.float32).reshape(shape),
        answer["sha256"],
        answer["mm_per_pixel"],
        answer["projection"],
        Orientation(*turned) if turned else None,
    )
