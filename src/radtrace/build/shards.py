"""Traces as Parquet rows with embedded images, which `datasets.load_dataset` and `read_rows` open."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from radtrace.errors import InputError
from radtrace.records import Label, Report, Trace
from radtrace.runs import publish

if TYPE_CHECKING:
    from radtrace.build.case import Case

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_BOX = pa.list_(pa.float64())
_STRINGS = pa.list_(pa.string())
_SPAN = pa.list_(pa.int64())

_FINDING = pa.struct(
    [
        ("label", pa.string()),
        ("status", pa.string()),
        ("severity", pa.string()),
        ("laterality", pa.string()),
        ("change", pa.string()),
        ("regions", _STRINGS),
        ("span", _SPAN),
    ]
)
_REGION = pa.struct([("name", pa.string()), ("box", _BOX), ("view_id", pa.string()), ("origin", pa.string())])
_STEP = pa.struct(
    [
        ("domain", pa.string()),
        ("regions", pa.list_(_REGION)),
        ("rationale", pa.string()),
        ("findings", pa.list_(_FINDING)),
        ("box", _BOX),
        ("image", _IMAGE),
        ("image_kind", pa.string()),
        ("image_box", _BOX),
    ]
)
_LABEL = pa.struct(
    [
        ("label", pa.string()),
        ("status", pa.string()),
        ("box", _BOX),
        ("view_id", pa.string()),
        ("origin", pa.string()),
        ("phrase", pa.string()),
    ]
)
_VIEW = pa.struct(
    [
        ("id", pa.string()),
        ("uri", pa.string()),
        ("projection", pa.string()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("mm_per_pixel", pa.float64()),
        ("sha256", pa.string()),
    ]
)
_REPORT = pa.struct(
    [(name, pa.string()) for name in ("findings", "impression", "indication", "comparison", "technique")]
)
_ASSESSMENT = pa.struct([("label", pa.string()), ("probability", pa.float64())])
_STAGE = pa.struct([("name", pa.string()), ("version", pa.string()), ("detail", pa.string())])

_LATER = frozenset({"assessments"})
"""Columns that a dataset of an older radtrace may lack."""

_CORNERS = ("x1", "y1", "x2", "y2")

_COLUMNS = pa.schema(
    [
        ("study_id", pa.string()),
        ("patient_id", pa.string()),
        ("source", pa.string()),
        ("source_split", pa.string()),
        ("image", _IMAGE),
        ("view", _VIEW),
        ("steps", pa.list_(_STEP)),
        ("report", _REPORT),
        ("labels", pa.list_(_LABEL)),
        ("assessments", pa.list_(_ASSESSMENT)),
        ("provenance", pa.list_(_STAGE)),
        ("schema_version", pa.int64()),
    ]
)


def _feature(kind: pa.DataType) -> Any:
    """An Arrow type as the `datasets` library writes it in a file's metadata."""
    if kind == _IMAGE:
        return {"_type": "Image"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": str(kind).replace("double", "float64"), "_type": "Value"}


SCHEMA = _COLUMNS.with_metadata(
    {"huggingface": json.dumps({"info": {"features": {field.name: _feature(field.type) for field in _COLUMNS}}})}
)
"""Columns of a trace dataset, with the metadata that makes `datasets` decode the images."""


def _leaves(kind: pa.DataType, name: str) -> Iterator[str]:
    """The columns that a column is stored as, by their names in Parquet."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(field.type, f"{name}.{field.name}")
    elif pa.types.is_list(kind):
        yield from _leaves(kind.value_type, f"{name}.list.element")
    else:
        yield name


_PICTURES = ("image.bytes", "steps.list.element.image.bytes")
_REPETITIVE = [leaf for field in _COLUMNS for leaf in _leaves(field.type, field.name) if leaf not in _PICTURES]
_COMPRESSION = dict.fromkeys(_REPETITIVE, "zstd") | dict.fromkeys(_PICTURES, "none")
"""PNG cannot be made smaller."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case read back: the trace, PNG bytes of its film and of each step's box, and what its source states."""

    trace: Trace
    film_png: bytes
    step_pngs: tuple[bytes | None, ...]
    labels: tuple[Label, ...] = ()


def to_row(case: "Case") -> dict[str, Any]:
    """A case as one row of `SCHEMA`."""
    trace = case.trace.model_dump(mode="json", exclude={"answer"})
    for step, png in zip(trace["steps"], case.step_pngs, strict=True):
        image = step.pop("image")
        step["image"] = image and {"bytes": png, "path": image["uri"]}
        step["image_kind"] = image and image["kind"]
        step["image_box"] = image and _numbers(image["box"])
        step["box"] = _numbers(step["box"])
        for region in step["regions"]:
            region["box"] = _numbers(region["box"])
        for finding in step["findings"]:
            finding["span"] = _numbers(finding["span"])
    labels = [label.model_dump(mode="json") for label in case.study.labels]
    for label in labels:
        label["box"] = _numbers(label["box"])
    return {
        **trace,
        "labels": labels,
        "patient_id": case.study.patient_id,
        "source": case.study.source,
        "source_split": case.study.split,
        "image": {"bytes": case.film_png, "path": f"{case.study.id}/film.png"},
    }


def _numbers(record: dict[str, Any] | None) -> list[Any] | None:
    return None if record is None else list(record.values())


def from_row(row: dict[str, Any]) -> Row:
    """A row of `SCHEMA` as a trace and its pictures."""
    steps, pngs = [], []
    for step in row["steps"]:
        image, kind, shown = step.pop("image"), step.pop("image_kind"), _named(_CORNERS, step.pop("image_box"))
        pngs.append(image and image["bytes"])
        step["image"] = image and {"kind": kind, "uri": image["path"], "box": shown}
        step["box"] = _named(_CORNERS, step["box"])
        for region in step["regions"]:
            region["box"] = _named(_CORNERS, region["box"])
        for finding in step["findings"]:
            finding["span"] = _named(("start", "end"), finding["span"])
        steps.append(step)
    names = ("schema_version", "study_id", "view", "report", "provenance")
    said = row.get("assessments") or []
    trace = Trace.model_validate({name: row[name] for name in names} | {"steps": steps, "assessments": said})
    labels = tuple(Label.model_validate({**label, "box": _named(_CORNERS, label["box"])}) for label in row["labels"])
    return Row(trace, row["image"]["bytes"], tuple(pngs), labels)


def _named(names: tuple[str, ...], values: list[Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(zip(names, values, strict=True))


class ShardWriter:
    """A Parquet file of traces that appears under its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.with_name(f".{path.name}.part")
        self._file = self._temporary.open("wb")
        self._writer = pq.ParquetWriter(self._file, SCHEMA, compression=_COMPRESSION, use_dictionary=_REPETITIVE)

    def write(self, table: pa.Table) -> None:
        """Add the rows of a table as one row group."""
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))

    def close(self) -> None:
        """Finish the file, fsync it and give it its name."""
        self._writer.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        publish(self._temporary, self.path)


def study_ids(path: Path) -> list[str]:
    """The study of each row. Raises InputError, naming the file, where it is no trace dataset."""
    names: list[str] = _opened(path).read(columns=["study_id"]).column("study_id").to_pylist()
    return names


def study_reports(path: Path) -> Iterator[tuple[str, Report | None]]:
    """The study and the report of each row, without its pictures. Raises InputError where it is no trace dataset."""
    for batch in _opened(path).iter_batches(columns=["study_id", "report"]):
        for row in batch.to_pylist():
            yield row["study_id"], None if row["report"] is None else Report.model_validate(row["report"])


def read_rows(path: Path, indices: Collection[int]) -> Iterator[Row]:
    """The rows at the given places, in the file's order; only their row groups are read."""
    file = _opened(path)
    start = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        wanted = [index - start for index in sorted(indices) if start <= index < start + count]
        if wanted:
            for row in file.read_row_group(group).take(wanted).to_pylist():
                yield _checked(path, row)
        start += count


def _checked(path: Path, row: dict[str, Any]) -> Row:
    try:
        return from_row(row)
    except (ValidationError, TypeError, ValueError, KeyError) as error:
        raise InputError(f"{path}: study {row.get('study_id')!r} is no trace of this version") from error


def _opened(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet") from error
    missing = [name for name in SCHEMA.names if name not in {*file.schema_arrow.names, *_LATER}]
    if missing:
        raise InputError(f"{path}: no trace dataset: lacks the column {', '.join(missing)}")
    return file
