"""CSV, TSV and JSON Lines as rows of text, with the place of each row for error messages.

Messages never quote a cell, which may hold a report, nor a header's cell that does not look like a column's name: a
file without a header has a report there too.
"""

import csv
import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radtrace.errors import InputError
from radtrace.records import Rejected, Study

_LARGEST_CELL = 100_000_000
"""Characters; the csv module's own limit is too small for a cell of many boxes."""
_LARGEST_SIDE = 100_000
_LARGEST_ASPECT = 5
"""Pixels, and long to short side, beyond which a stated size is no film's: a spine film has three."""
_COLUMN_NAME = re.compile(r"[^\W\d][\w .-]{0,39}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    values: column -> cell; text in a CSV, any JSON value in JSON Lines. What is no text is left out where it would be
        needed to tell whose row it is.
    place: "reports.csv line 12", the line where the row begins.
    fault: why the row cannot be used (not UTF-8, not JSON, cells missing), None where it can.
    """

    values: dict[str, Any]
    place: str
    fault: str | None = None

    def text(self, column: str) -> str:
        """The cell as `cell_text`. Never raises for a CSV and for required columns."""
        return cell_text(self.values.get(column), column)

    def whole(self, column: str) -> int | None:
        """The cell as a number of pixels ("2320.0" is one); None where it is empty. Raises ValueError."""
        text = self.text(column)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not value.is_integer() or not 1 <= value <= _LARGEST_SIDE:
            raise ValueError(f"{column} is not a whole number from 1 to {_LARGEST_SIDE}")
        return int(value)

    def size(self, width: str, height: str) -> tuple[int, int] | None:
        """A film's (width, height) in pixels; None where both cells are empty. Raises ValueError."""
        columns, rows = self.whole(width), self.whole(height)
        if columns is None and rows is None:
            return None
        if columns is None or rows is None:
            raise ValueError(f"{width} and {height} go together")
        check_size(columns, rows)
        return columns, rows


def check_size(width: int, height: int) -> None:
    """Raises ValueError where no film has such sides, in pixels: its file would be stretched to them."""
    if max(width, height) > min(_LARGEST_SIDE, _LARGEST_ASPECT * min(width, height)):
        raise ValueError(
            f"no film has {width}x{height} pixels: sides are up to {_LARGEST_SIDE}, and one up to {_LARGEST_ASPECT} "
            "times the other"
        )


def cell_text(value: Any, column: str) -> str:
    """A cell as stripped text; empty where it is null. Raises ValueError where it is neither text nor a number."""
    if value is None:
        return ""
    if not _is_text(value):
        raise ValueError(f"column {column} is not text")
    return str(value).strip()


def _is_text(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return "\0" not in value if isinstance(value, str) else isinstance(value, int) and not isinstance(value, bool)


def each_study(
    by_study: Mapping[str, list[Row]], make: Callable[[str, list[Row]], Study]
) -> Iterator[Study | Rejected]:
    """The study that each group of rows makes, or its rejection where `make` raises ValueError or InputError."""
    for study_id, rows in by_study.items():
        try:
            yield make(study_id, rows)
        except (ValueError, InputError) as error:
            yield Rejected(study_id=study_id, stage="source", reason=one_line(error))


def one_line(error: Exception) -> str:
    """The message of our own or of a pydantic error, without the lines and the values that pydantic adds to it."""
    errors = getattr(error, "errors", None)
    if not errors:
        return str(error)
    return "; ".join(
        ": ".join([*map(str, problem["loc"]), problem["msg"].removeprefix("Value error, ")])
        for problem in errors(include_url=False)
    )


def read_json(path: Path) -> Any:
    """A whole JSON file. Raises InputError where it is missing or no JSON."""
    try:
        data = path.read_bytes()
        document = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON") from error
    if b"\\u" in data and not _is_unicode(document):
        raise InputError(f"{path}: has half a surrogate pair")
    return document


def read_table(path: Path, required: Iterable[str], named: Iterable[str] = ()) -> Iterator[Row]:
    """The rows of a .csv, .tsv or .jsonl file.

    Args:    required: columns that every row must have; named: those that the header, or in JSON Lines at least one
             row, must have.
    Raises:  InputError where the file is missing, has another ending, lacks a column, or its quoting is broken, after
             which no row can be trusted.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix == ".jsonl":
        return _json_rows(path, tuple(required), tuple(named))
    if path.suffix in {".csv", ".tsv"}:
        return _csv_rows(path, tuple(dict.fromkeys((*required, *named))), "\t" if path.suffix == ".tsv" else ",")
    raise InputError(f"{path}: a table ends in .csv, .tsv or .jsonl")


def _csv_rows(path: Path, required: tuple[str, ...], delimiter: str) -> Iterator[Row]:
    rows = _cells(path, delimiter)
    _, columns = next(rows, (1, []))
    _check_header(path, required, columns)
    for line, cells in rows:
        fault = _csv_fault(cells, len(columns))
        # Text that is none could not be told to the user, or stand in a dataset, as a row's id.
        values = {name: cell for name, cell in zip(columns, cells, strict=False) if not fault or _is_sound(cell)}
        yield Row(values, f"{path.name} line {line}", fault)


def _cells(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(the line where it begins, cells) of each row that is not blank; bytes that are no UTF-8 as surrogates."""
    csv.field_size_limit(_LARGEST_CELL)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{path}: the row that begins in line {line}: {error}") from error


def _check_header(path: Path, required: tuple[str, ...], columns: list[str]) -> None:
    if not all(map(_is_sound, columns)):
        raise InputError(f"{path}: not UTF-8 text")
    missing = [name for name in required if name not in columns]
    if missing:
        has = f"columns found: {len(columns)}" if columns else "it has no header"
        if len(columns) == 1 and ";" in columns[0]:
            has += ", since cells are parted by ';' where ',' is needed"
        raise InputError(f"{path}: lacks the column {', '.join(missing)}; {has}{_near(missing[0], columns)}")
    doubled = [name for name in columns if name and columns.count(name) > 1]
    if doubled:
        name = f" {doubled[0]}" if _COLUMN_NAME.fullmatch(doubled[0]) else ""
        raise InputError(f"{path}: its header has the column{name} more than once")


def _near(name: str, columns: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, filter(_COLUMN_NAME.fullmatch, columns), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _is_sound(cell: str) -> bool:
    """Whether a cell is UTF-8 text without NUL characters."""
    return "\0" not in cell and (cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell))


def _csv_fault(cells: list[str], columns: int) -> str | None:
    if len(cells) != columns:
        return "more cells than columns" if len(cells) > columns else "fewer cells than columns"
    if any("\0" in cell for cell in cells):
        return "has a NUL character"
    return None if all(map(_is_sound, cells)) else "not UTF-8"


def _json_rows(path: Path, required: tuple[str, ...], named: tuple[str, ...]) -> Iterator[Row]:
    seen: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                row = _json_row(line, f"{path.name} line {number}", required)
                seen.update(row.values)
                yield row
    missing = [name for name in named if name not in seen]
    if missing:
        raise InputError(f"{path}: no row has the column {', '.join(missing)}{_near(missing[0], sorted(seen))}")


def _json_row(line: bytes, place: str, required: tuple[str, ...]) -> Row:
    try:
        values = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Row({}, place, "not UTF-8")
    except (ValueError, RecursionError):
        return Row({}, place, "not JSON")
    if b"\\u" in line and not _is_unicode(values):
        return Row({}, place, "has half a surrogate pair")
    return object_row(values, place, required)


def object_row(values: Any, place: str, required: Iterable[str]) -> Row:
    """The row that a JSON value is."""
    if not isinstance(values, dict):
        return Row({}, place, "not a JSON object")
    missing = [name for name in required if name not in values]
    if missing:
        return Row(values, place, f"lacks {', '.join(missing)}")
    wrong = [name for name in required if values[name] is not None and not _is_text(values[name])]
    if wrong:
        sound = {name: value for name, value in values.items() if name not in wrong}
        return Row(sound, place, f"column {', '.join(wrong)} is not text")
    return Row(values, place)


def _is_unicode(values: Any) -> bool:
    """JSON may escape half a surrogate pair, which no UTF-8 file can hold."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
