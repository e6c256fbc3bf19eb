"""What a build remembers of each case, so that it can go on after a kill and describe what it made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from radtrace.build.case import Case
from radtrace.build.split import Member
from radtrace.errors import InputError
from radtrace.records import Domain, Record, Rejected, Status
from radtrace.runs import JsonLines


class Look(Record):
    """One step, counted. words: of its rationale; grounded: whether it has a box."""

    domain: Domain
    words: int
    grounded: bool
    regions: tuple[str, ...]
    findings: tuple[tuple[str, Status], ...]


class Traced(Record):
    """A study that became a trace: what the split and the statistics need."""

    kind: Literal["traced"] = "traced"
    study_id: str
    patient_id: str | None
    split: str | None
    looks: tuple[Look, ...]

    @property
    def member(self) -> Member:
        """What the split needs."""
        return Member(self.study_id, self.patient_id, len(self.looks), self.split)


class Refused(Record):
    """A study that became none."""

    kind: Literal["refused"] = "refused"
    rejected: Rejected


Entry = Annotated[Traced | Refused, Field(discriminator="kind")]


class Chunk(Record):
    """One line of the ledger: consecutive studies; the traced ones are the rows of its part, in order."""

    chunk: int
    entries: tuple[Entry, ...]


_CHUNK = TypeAdapter(Chunk)


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


class Ledger:
    """The chunks that are done; a chunk is on the disk after its part is."""

    def __init__(self, path: Path) -> None:
        self._lines = JsonLines(path)
        try:
            self.chunks = {chunk.chunk: chunk.entries for chunk in map(_CHUNK.validate_python, self._lines.read())}
        except ValidationError as error:
            raise InputError(f"{path}: damaged; delete the folder or choose another output") from error

    def add(self, chunk: Chunk) -> None:
        """Remember a chunk."""
        self._lines.append(chunk.model_dump(mode="json"))
        self.chunks[chunk.chunk] = chunk.entries

    def entries(self) -> Iterator[Traced | Refused]:
        """All entries, in the order of the studies."""
        for number in sorted(self.chunks):
            yield from self.chunks[number]

    @property
    def rejected(self) -> list[Rejected]:
        """The refused studies, in order."""
        return [entry.rejected for entry in self.entries() if isinstance(entry, Refused)]
