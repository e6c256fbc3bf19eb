"""What a worker process of a build does: chunks of studies in, parts of a dataset and lines of the ledger out.

The modules that only workers need are imported here and not by the parent: a fork server imports them once for all
workers, while the parent reads the source (see `radtrace.build.crew`).
"""

import fcntl
import os
import select
import signal
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from radtrace.build.case import Case, Making, make_cases
from radtrace.build.ledger import Chunk, Look, Refused, Traced
from radtrace.build.messages import Alive, Job, Ready, Spoilt, Task
from radtrace.build.parts import PartWriter, part_path
from radtrace.build.spool import read_studies
from radtrace.errors import RadtraceError
from radtrace.images import Film, FilmReader, load_film
from radtrace.images.pictures import JPEG_MAGIC, PNG_MAGIC
from radtrace.localize import Localization, Localizer
from radtrace.records import Rejected, Study
from radtrace.sources import Load

_TELL_SECONDS = 1.0
"""How often a worker says at most that it goes on."""


class _StudyError(Exception):
    """An unforeseen error while a case was made."""


def serve(link: Connection, task: Task) -> None:
    """Answer each `Job` with a `Chunk`, a `Spoilt` or the error that stops the build, until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    os.chdir(task.folder)
    worker = Worker(task, link)
    link.send(Ready())
    with suppress(EOFError):
        while True:
            link.send(_answer(worker, link.recv()))


def _answer(worker: "Worker", job: Job) -> Chunk | Spoilt | Exception:
    try:
        return worker.work(job)
    except _StudyError as error:
        return Spoilt(str(error))
    except (RadtraceError, OSError) as error:
        return error


def _die_with_parent() -> None:
    """The kernel kills this process (SIGIO, left at its default) when the parent's end of a pipe is closed."""
    parent = parent_process()
    if parent is None:
        return
    fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, fcntl.fcntl(parent.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([parent.sentinel], [], [], 0)[0]:
        os._exit(1)


class Worker:
    """Makes chunks, in a process that may die of any of them."""

    def __init__(self, task: Task, link: Connection) -> None:
        self._task, self._link = task, link
        self._told = time.monotonic()

    def work(self, job: Job) -> Chunk:
        """Make the cases of a chunk and write their part.

        Raises:  _StudyError where a case meets an error that nobody foresaw; RadtraceError, OSError.
        """
        studies = read_studies(self._task.studies, job.offset, job.count)
        entries = []
        with PartWriter(part_path(self._task.parts, job.start)) as part:
            for case in self._cases(studies, self._decoder.load if job.alone else self._load):
                self._tell()
                if isinstance(case, Case):
                    part.write(case)
                entries.append(entry_of(case))
        return Chunk(start=job.start, entries=tuple(entries))

    def _cases(self, studies: Iterable[Study | Rejected], load: Load) -> Iterator[Case | Rejected]:
        recipe, weights = self._task.recipe, self._task.weights
        making = Making(recipe.picture, recipe.label_template, weights and weights[1])

        def telling(path: Path, true_size: tuple[int, int] | None) -> Film:
            self._tell()
            return load(path, true_size)

        try:
            yield from make_cases(studies, recipe.source, self._locate, making, telling)
        except RadtraceError:
            raise
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise _StudyError(f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}") from error

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._link.send(Alive())

    def _load(self, path: Path, true_size: tuple[int, int] | None) -> Film:
        """PNG and JPEG are decoded here, which a chunk can be done anew after; DICOM, by its decoder's process."""
        try:
            with path.open("rb") as file:
                plain = file.read(len(PNG_MAGIC)).startswith((PNG_MAGIC, JPEG_MAGIC))
        except (OSError, ValueError):
            plain = False
        return load_film(path, true_size) if plain else self._decoder.load(path, true_size)

    @cached_property
    def _decoder(self) -> FilmReader:
        return FilmReader(1)

    def _locate(self, films: Sequence[Film]) -> Sequence[Localization]:
        return self._localizer(films)

    @cached_property
    def _localizer(self) -> Localizer:
        localizer = Localizer.load(self._task.weights and self._task.weights[0], every_marker=False)
        import torch

        torch.set_num_threads(1)
        return localizer


def entry_of(case: Case | Rejected) -> Traced | Refused:
    """The ledger's entry for a finished case."""
    if isinstance(case, Rejected):
        return Refused(rejected=case)
    looks = tuple(
        Look(
            domain=step.domain,
            words=len(step.rationale.split()),
            grounded=step.box is not None,
            regions=tuple(region.name for region in step.regions),
            findings=tuple((finding.label, finding.status) for finding in step.findings),
        )
        for step in case.trace.steps
    )
    study = case.study
    return Traced(study_id=study.id, patient_id=study.patient_id, split=study.split, looks=looks)
