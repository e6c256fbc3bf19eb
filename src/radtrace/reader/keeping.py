"""A folder of readings: what is read once is not read again, and nothing that is read is lost."""

import errno
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from radtrace.errors import InputError
from radtrace.reader.reading import given
from radtrace.records import Rejected, Stage, Study, Trace
from radtrace.runs import JsonLines, write_atomically
from radtrace.sources import Source

_REJECTED = "rejected.jsonl"


@dataclass(frozen=True, slots=True)
class Readings:
    """A folder with `<study>.trace.json` and `<study>.html` for each study, and `rejected.jsonl`."""

    folder: Path

    def begin(self, studies: Iterable[Study | Rejected]) -> None:
        """Make the folder ready; what it says of earlier refusals of these studies is forgotten.

        Raises:  InputError where it cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            again = {_id(study) for study in studies}
            if not os.access(self.folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            path = self.folder / _REJECTED
            rows = list(JsonLines(path).read())
            kept = [row for row in rows if row.get("study_id") not in again]
            if len(kept) < len(rows):
                write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be used as output: {error.strerror}") from error

    def page(self, study_id: str) -> Path:
        """Where a study's page is."""
        return self.folder / f"{study_id}.html"

    def trace_file(self, study_id: str) -> Path:
        """Where a study's trace is; it is written last."""
        return self.folder / f"{study_id}.trace.json"

    def known(self, study: Study, source: Source, stage: Stage) -> Trace | None:
        """The trace of a study that was read before by the same reader and came with the same films."""
        try:
            trace = Trace.model_validate_json(self.trace_file(study.id).read_bytes())
        except (OSError, ValidationError):
            return None
        same = stage in trace.provenance and given(study, source) in trace.provenance
        return trace if same else None

    def keep(self, trace: Trace) -> None:
        """Write a trace. Raises InputError where there is no room for it."""
        path = self.trace_file(trace.study_id)
        try:
            write_atomically(path, trace.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error

    def refuse(self, rejected: Rejected) -> None:
        """Note a study that cannot be read; what was read of it before stays. Raises InputError as `keep`."""
        path = self.folder / _REJECTED
        try:
            JsonLines(path).append(rejected.model_dump(mode="json"))
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def split_known(
    readings: Readings, studies: Sequence[Study | Rejected], source: Source, stage: Stage
) -> tuple[list[Trace], list[Study | Rejected]]:
    """(traces that are there already, studies that are to be read)."""
    traces: list[Trace] = []
    left: list[Study | Rejected] = []
    for study in studies:
        trace = readings.known(study, source, stage) if isinstance(study, Study) else None
        if trace:
            traces.append(trace)
        else:
            left.append(study)
    return traces, left


def _id(study: Study | Rejected) -> str:
    return study.id if isinstance(study, Study) else study.study_id
