"""CSV, TSV and JSON Lines as rows of text, with the place of each row for error messages."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radtrace.errors import InputError

_LARGEST_CELL = 10_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    values: column -> cell; text in a CSV, any JSON value in JSON Lines.
    place: "reports.csv line 12".
    fault: why the row cannot be used (not UTF-8, not JSON, cells missing), None where it can.
    """

    values: dict[str, Any]
    place: str
    fault: str | None = None

    def text(self, column: str) -> str:
        """The cell as stripped text; empty where the column is absent or null."""
        value = self.values.get(column)
        return "" if value is None else str(value).strip()

    def whole(self, column: str) -> int | None:
        """The cell as a positive whole number ("2320.0" is one); None where it is empty. Raises ValueError."""
        text = self.text(column)
        if not text:
            return None
        value = float(text)
        if not value.is_integer() or value < 1:
            raise ValueError(f"{column} is {text!r}, not a positive whole number")
        return int(value)


def one_line(error: Exception) -> str:
    """The message of our own or of a pydantic error, without the lines that pydantic adds around it."""
    errors = getattr(error, "errors", None)
    return "; ".join(problem["msg"] for problem in errors(include_url=False)) if errors else str(error)


def read_json(path: Path) -> Any:
    """A whole JSON file. Raises InputError where it is missing or no JSON."""
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON") from error


def read_table(path: Path, required: Iterable[str]) -> Iterator[Row]:
    """The rows of a .csv, .tsv or .jsonl file.

    Raises:  InputError where the file is missing, has another ending, or its header lacks a required column.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix == ".jsonl":
        return _json_rows(path, tuple(required))
    if path.suffix in {".csv", ".tsv"}:
        return _csv_rows(path, tuple(required), "\t" if path.suffix == ".tsv" else ",")
    raise InputError(f"{path}: a table ends in .csv, .tsv or .jsonl")


def _csv_rows(path: Path, required: tuple[str, ...], delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LARGEST_CELL)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        try:
            _check_columns(path, required, reader.fieldnames or ())
            for values in reader:
                yield Row(values, f"{path.name} line {reader.line_num}", _csv_fault(values))
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: {error}") from error


def _check_columns(path: Path, required: tuple[str, ...], columns: Iterable[str]) -> None:
    present = list(columns)
    missing = [name for name in required if name not in present]
    if missing:
        raise InputError(f"{path}: lacks the column {', '.join(missing)}; it has {', '.join(present) or 'no header'}")


def _csv_fault(values: dict[str | Any, Any]) -> str | None:
    if None in values:
        return "more cells than columns"
    if None in values.values():
        return "fewer cells than columns"
    if any("\udc80" <= character <= "\udcff" for cell in values.values() for character in cell):
        return "not UTF-8"
    return None


def _json_rows(path: Path, required: tuple[str, ...]) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _json_row(line, f"{path.name} line {number}", required)


def _json_row(line: bytes, place: str, required: tuple[str, ...]) -> Row:
    try:
        values = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Row({}, place, "not UTF-8")
    except (ValueError, RecursionError):
        return Row({}, place, "not JSON")
    if not isinstance(values, dict):
        return Row({}, place, "not a JSON object")
    if b"\\u" in line and not _is_unicode(values):
        return Row({}, place, "has half a surrogate pair")
    missing = [name for name in required if name not in values]
    return Row(values, place, f"lacks {', '.join(missing)}" if missing else None)


def _is_unicode(values: dict[str, Any]) -> bool:
    """JSON may escape half a surrogate pair, which no UTF-8 file can hold."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
