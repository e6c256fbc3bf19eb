"""The per-sample score file that `radtrace score -o` writes: JSON Lines, a header and then one line a sample."""

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radtrace.errors import InputError
from radtrace.metrics.corpora import from_spec
from radtrace.metrics.scores import Corpus, FloatArray, ratio

_NAMED = 5
"""Ids that a message names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of one model over N samples.

    values: (N,), NaN where a sample is unscored, or the metric has no value a sample.
    statistics: (N, K), summed over any samples and given to `corpus` they are its corpus value.
    scored: (N,) of bool, the samples that count. lower: lower is better, as its signature says.
    summed: False where `corpus` is the mean of `values` because the file gives no statistics that can be summed.
    """

    name: str
    signature: str
    values: FloatArray
    statistics: FloatArray
    scored: NDArray[np.bool_]
    corpus: Corpus
    summed: bool

    @property
    def value(self) -> float | None:
        """Of the corpus; None where no sample is scored or the metric is undefined, as F1 without any positive."""
        value = float(self.corpus(self.statistics[self.scored].sum(axis=0))) if self.scored.any() else math.nan
        return None if math.isnan(value) else value

    @property
    def lower(self) -> bool:
        """Whether lower is better."""
        return "better:lower" in self.signature.split("|")

    def take(self, order: NDArray[np.int64]) -> "Measured":
        """The same metric over some of the samples."""
        return Measured(
            self.name,
            self.signature,
            self.values[order],
            self.statistics[order],
            self.scored[order],
            self.corpus,
            self.summed,
        )


@dataclass(frozen=True, slots=True)
class Scored:
    """A score file. strata: each sample's, key -> its values (a sample may have several, or none)."""

    path: Path
    ids: tuple[str, ...]
    failed: NDArray[np.bool_]
    strata: tuple[dict[str, tuple[str, ...]], ...]
    metrics: dict[str, Measured]

    def take(self, order: NDArray[np.int64]) -> "Scored":
        """The same file over some of its samples."""
        return Scored(
            self.path,
            tuple(self.ids[i] for i in order),
            self.failed[order],
            tuple(self.strata[i] for i in order),
            {name: metric.take(order) for name, metric in self.metrics.items()},
        )

    def in_stratum(self, key: str, level: str) -> "Scored":
        """The samples of one stratum."""
        return self.take(np.array([i for i, each in enumerate(self.strata) if level in each.get(key, ())], np.int64))


def read_scored(path: Path) -> Scored:
    """Read a score file.

    Raises:  InputError naming the file and the line or id that is wrong: no score file, a doubled id, a value that is
        no number, a sample without one of the metrics, fewer samples than the header says.
    """
    with path.open("rb") as file:
        lines = enumerate(file, start=1)
        header = _header(path, lines)
        columns = {name: _Column(name, path) for name in header["signatures"]}
        samples = _Samples(path)
        for number, line in lines:
            if line.strip():
                samples.add(_object(line, f"{path}: line {number}"), columns)
    if len(samples.failed) != header["n"]:
        raise InputError(f"{path}: {len(samples.failed)} samples where its first line says {header['n']}: incomplete")
    metrics: dict[str, Measured] = {
        name: column.measured(header["signatures"][name], header.get("corpora", {}).get(name), len(samples.failed))
        for name, column in columns.items()
    }
    for name, value in header.get("values", {}).items():
        if name in metrics and not _agrees(metrics[name], value):
            raise InputError(f"{path}: the statistics of {name!r} do not sum up to its value {value!r}")
    return Scored(path, tuple(samples.ids), np.array(samples.failed, bool), tuple(samples.strata), metrics)


def aligned(first: Scored, second: Scored) -> Scored:
    """The second file in the order of the first. Raises InputError naming ids that only one of them has."""
    places = {name: place for place, name in enumerate(second.ids)}
    for here, there in ((first, second), (second, first)):
        missing = sorted(set(here.ids) - set(there.ids))
        if missing:
            raise InputError(f"{there.path}: lacks {_listed(missing)} of {here.path}; score both on the same samples")
    return second.take(np.array([places[name] for name in first.ids], np.int64))


def _agrees(metric: Measured, value: object) -> bool:
    """Whether the corpus value that the file states is the one that is computed from it."""
    if not metric.summed:
        return True
    if not isinstance(value, int | float):
        return value is None and metric.value is None
    return metric.value is not None and math.isclose(metric.value, value, rel_tol=1e-6, abs_tol=1e-9)


def _listed(ids: Sequence[str]) -> str:
    named = ", ".join(repr(name) for name in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"the id{'s' if len(ids) > 1 else ''} {named}{more}"


def _header(path: Path, lines: Iterator[tuple[int, bytes]]) -> dict[str, Any]:
    _, line = next(lines, (1, b""))
    try:
        header = _object(line, "")
    except InputError:
        header = {}
    signatures, corpora, values = header.get("signatures"), header.get("corpora", {}), header.get("values", {})
    if header.get("radtrace") != "scores" or type(header.get("n")) is not int or not _strings(signatures):
        raise InputError(f"{path}: not a score file; `radtrace score -o` writes one")
    tables = isinstance(corpora, dict) and all(isinstance(spec, dict) for spec in corpora.values())
    if not tables or not isinstance(values, dict):
        raise InputError(
            f"{path}: line 1: 'corpora' is not {{metric: {{\"by\": …}}}}, or 'values' not {{metric: value}}"
        )
    return header


def _strings(table: Any) -> bool:
    return isinstance(table, dict) and all(isinstance(value, str) for value in table.values())


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        detail = f": {error}" if isinstance(error, _NoNumberError) else " in UTF-8"
        raise InputError(f"{place}: not JSON{detail}") from None
    if not isinstance(entry, dict):
        raise InputError(f"{place}: not a JSON object")
    return entry


class _NoNumberError(ValueError):
    """A word that Python's JSON would read as a number."""


def _no_number(word: str) -> float:
    raise _NoNumberError(f"{word} is no number")


@dataclass(slots=True)
class _Samples:
    """The samples read so far."""

    path: Path
    ids: dict[str, None] = field(default_factory=dict)
    failed: list[bool] = field(default_factory=list)
    strata: list[dict[str, tuple[str, ...]]] = field(default_factory=list)

    def add(self, entry: dict[str, Any], columns: "dict[str, _Column]") -> None:
        name = entry.get("id")
        if type(name) not in (str, int):
            raise InputError(f"{self.path}: sample {len(self.ids) + 1} has no id")
        name = str(name)
        if name in self.ids:
            raise InputError(f"{self.path}: doubled id {name!r}")
        scores, statistics, strata = (self._table(entry, key, name) for key in ("scores", "statistics", "strata"))
        for metric, column in columns.items():
            column.add(name, scores.get(metric, _ABSENT), statistics.get(metric))
        self.ids[name] = None
        self.failed.append(bool(entry.get("failed", False)))
        self.strata.append({key: _levels(value) for key, value in strata.items()})

    def _table(self, entry: dict[str, Any], key: str, name: str) -> dict[str, Any]:
        table = entry.get(key) or {}
        if not isinstance(table, dict):
            raise InputError(f"{self.path}: id {name!r}: {key!r} is no table")
        return table


_ABSENT: Any = object()


def _levels(value: Any) -> tuple[str, ...]:
    """The strata that a sample stands in: null none, a list several."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(str(each) for each in values)


class _Column:
    """One metric's numbers as they are read, eight bytes each."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.values, self.rows, self.has_row = array("d"), array("d"), array("b")
        self.width = 0

    def add(self, sample: str, value: Any, row: Any) -> None:
        """Append one sample. A value or row of null is unscored."""
        if value is _ABSENT:
            raise InputError(f"{self.path}: id {sample!r} has no score {self.name!r}")
        self.values.append(math.nan if value is None else self._number(value, sample))
        self.has_row.append(row is not None)
        if row is not None:
            if not isinstance(row, list) or len(row) != (self.width or len(row)) or not row:
                raise InputError(f"{self.path}: id {sample!r}: statistics of {self.name!r} differ in length")
            self.width = len(row)
            self.rows.extend(self._number(number, sample) for number in row)

    def _number(self, value: Any, sample: str) -> float:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise InputError(f"{self.path}: id {sample!r}: {self.name!r} is no number")
        return float(value)

    def measured(self, signature: str, sums_by: dict[str, Any] | None, count: int) -> Measured:
        """The whole column. A sample without a value counts by its statistics where the metric has no sample values."""
        values = np.frombuffer(self.values, np.float64) if count else np.zeros(0)
        valued = ~np.isnan(values)
        function = from_spec(sums_by) if sums_by else ratio if self.width == 2 else None
        if sums_by and not function:
            raise InputError(
                f"{self.path}: {self.name!r} is summed up by {sums_by!r}, which this radtrace does not know"
            )
        if function is None or not self.width:
            means = np.stack([np.where(valued, values, 0.0), valued.astype(np.float64)], axis=1)
            return Measured(self.name, signature, values, means, valued, ratio, False)
        has_row = np.frombuffer(self.has_row, np.int8).astype(bool)
        statistics = np.zeros((count, self.width))
        statistics[has_row] = np.frombuffer(self.rows, np.float64).reshape(-1, self.width)
        try:  # the settings and the length of the rows come from the file
            function(statistics.sum(axis=0))
        except (IndexError, TypeError, ValueError):
            raise InputError(f"{self.path}: {self.name!r} cannot be summed up from {self.width} statistics") from None
        counted = valued if valued.any() else np.asarray(statistics.any(axis=1), bool)  # 0 throughout: unscored
        if (valued & ~has_row).any():
            place = int(np.argmax(valued & ~has_row))
            raise InputError(f"{self.path}: sample {place + 1} has a score {self.name!r} but no statistics of it")
        return Measured(self.name, signature, values, statistics, counted, function, True)
