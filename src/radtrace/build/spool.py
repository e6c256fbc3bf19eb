"""The studies of a source on the disk, so that a build holds none of them in memory."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter

from radtrace.errors import InputError
from radtrace.records import Rejected, Study

_STUDY: TypeAdapter[Study | Rejected] = TypeAdapter(Study | Rejected)


@dataclass(frozen=True, slots=True)
class Spool:
    """Studies as JSON Lines, in the source's order. offsets: of each study's line; sha256: of the whole file."""

    path: Path
    offsets: Sequence[int]
    sha256: str

    @classmethod
    def write(cls, path: Path, studies: Iterable[Study | Rejected]) -> Self:
        """Write the studies to a file, in place of what it held.

        Raises:  InputError where an id comes twice: whatever the source is, it is at fault.
        """
        digest, offsets, names, at = hashlib.sha256(), array("Q"), Counter[str](), 0
        with path.open("wb") as file:
            for study in studies:
                names[study.id if isinstance(study, Study) else study.study_id] += 1
                line = study.model_dump_json().encode() + b"\n"
                digest.update(line)
                file.write(line)
                offsets.append(at)
                at += len(line)
        doubled = sorted(name for name, count in names.items() if count > 1)
        if doubled:
            raise InputError(f"the source yields {len(doubled)} ids more than once, the first is {doubled[0]!r}")
        return cls(path, offsets, digest.hexdigest())

    def __len__(self) -> int:
        """Studies."""
        return len(self.offsets)

    def study(self, number: int) -> Study | Rejected:
        """One study, counted from 0."""
        return read_studies(self.path, self.offsets[number], 1)[0]


def read_studies(path: Path, offset: int, count: int) -> list[Study | Rejected]:
    """So many studies of a `Spool`, from the one whose line begins at `offset`."""
    with path.open("rb") as file:
        file.seek(offset)
        return [_STUDY.validate_json(file.readline()) for _ in range(count)]
