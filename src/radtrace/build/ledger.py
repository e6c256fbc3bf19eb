"""What a build remembers of each case, so that it can go on after a kill and describe what it made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

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
    """One line of the ledger: consecutive studies, the first of which is the source's number `start`; the traced ones
    are the rows of their part, in order.
    """

    start: int
    entries: tuple[Entry, ...]


class Ledger:
    """The chunks that are done; a chunk is on the disk after its part is. What is in them stays on the disk.

    sizes: start of each chunk -> its studies.
    """

    def __init__(self, path: Path) -> None:
        self._lines = JsonLines(path)
        self.sizes: dict[int, int] = {}
        self._rejected: dict[int, list[Rejected]] = {}
        for chunk in self._chunks():
            self._remember(chunk)

    def add(self, chunk: Chunk) -> None:
        """Remember a chunk."""
        self._lines.append(chunk.model_dump(mode="json"))
        self._remember(chunk)

    def _remember(self, chunk: Chunk) -> None:
        self.sizes[chunk.start] = len(chunk.entries)
        refused = [entry.rejected for entry in chunk.entries if isinstance(entry, Refused)]
        if refused:
            self._rejected[chunk.start] = refused

    def _chunks(self) -> Iterator[Chunk]:
        try:
            yield from map(Chunk.model_validate, self._lines.read())
        except ValidationError as error:
            raise InputError(f"{self._lines.path}: damaged; delete the folder or choose another output") from error

    @property
    def done(self) -> int:
        """Studies that are finished."""
        return sum(self.sizes.values())

    def missing(self, total: int, most: int) -> Iterator[tuple[int, int]]:
        """(start, studies) of what is not done yet, in pieces of at most `most` studies."""
        at = 0
        for start, size in [*sorted(self.sizes.items()), (total, 0)]:
            yield from ((piece, min(most, start - piece)) for piece in range(at, start, most))
            at = start + size

    def traced(self) -> Iterator[tuple[int, Traced]]:
        """(start of its chunk, what is known of it) of every trace, chunk by chunk as they were finished; those of a
        chunk in the order of its part's rows.
        """
        for chunk in self._chunks():
            yield from ((chunk.start, entry) for entry in chunk.entries if isinstance(entry, Traced))

    @property
    def refused(self) -> int:
        """How many studies were refused."""
        return sum(len(refused) for refused in self._rejected.values())

    @property
    def rejected(self) -> list[Rejected]:
        """The refused studies, in order."""
        return [one for _, refused in sorted(self._rejected.items()) for one in refused]
