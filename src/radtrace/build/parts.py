"""The traces of a chunk on the way to a dataset: an uncompressed Arrow file, whose rows are copied into shards."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from radtrace.build.shards import SCHEMA, ShardWriter, to_row
from radtrace.runs import publish

if TYPE_CHECKING:
    from radtrace.build.case import Case

_ROWS_A_GROUP = 20
_BYTES_A_GROUP = 32 << 20
"""Of a row group, unless one row has more: what a reader holds in memory at once."""


def part_path(parts: Path, start: int) -> Path:
    """Where the traces of the chunk are whose first study has this number."""
    return parts / f"part-{start:07d}.arrow"


class PartWriter:
    """A part that appears under its name only when it is whole, on leaving the context without an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.part")
        self._cases: list[Case] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        self._file = self._temporary.open("wb")
        self._writer = pa.ipc.new_file(self._file, SCHEMA)
        return self

    def write(self, case: "Case") -> None:
        """Add a case."""
        self._cases.append(case)
        self._bytes += len(case.film_png) + sum(len(png) for png in case.step_pngs if png)
        if self._bytes >= _BYTES_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist([to_row(case) for case in self._cases], SCHEMA))
        self._cases, self._bytes = [], 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._file:
            if error is not None:
                return
            self._flush()
            self._writer.close()
            self._file.flush()
            os.fsync(self._file.fileno())
        publish(self._temporary, self._path)


def write_shard(path: Path, rows: Iterable[tuple[Path, Sequence[int]]]) -> None:
    """Copy the named rows of each part, in order, into one Parquet file."""
    writer = ShardWriter(path)
    for group in _groups(rows):
        writer.write(pa.concat_tables(group).combine_chunks())
    writer.close()


def _groups(rows: Iterable[tuple[Path, Sequence[int]]]) -> Iterator[list[pa.Table]]:
    """Consecutive rows, as many as a row group takes."""
    group: list[pa.Table] = []
    size = 0
    for row in _rows(rows):
        if group and (len(group) == _ROWS_A_GROUP or size + row.nbytes > _BYTES_A_GROUP):
            yield group
            group, size = [], 0
        group.append(row)
        size += row.nbytes
    if group:
        yield group


def _rows(rows: Iterable[tuple[Path, Sequence[int]]]) -> Iterator[pa.Table]:
    for path, indices in rows:
        with pa.OSFile(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        yield from (table.slice(index, 1) for index in indices)
