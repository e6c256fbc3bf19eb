"""A generic table of one's own films and reports: CSV, TSV or JSON Lines, one row a view, boxes if there are any."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from pydantic import Field, field_validator

from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import Box, Written
from radtrace.records import Origin, Projection, Region, Rejected, Report, Study, View
from radtrace.reports import sections
from radtrace.sources import OwnSource
from radtrace.sources.boxes import (
    FrameCheck,
    FrameName,
    Vocabulary,
    check_frame,
    four_numbers,
    one_box_each,
    read_box,
    region_names,
    view_size,
)
from radtrace.sources.tables import Row, each_study, one_line, read_table

_SECTIONS = ("findings", "impression", "indication", "comparison", "technique")
_COLUMNS = frozenset(
    {"study_id", "image", "view_id", "patient_id", "projection", "width", "height", "split", "report", "boxes"}
    | set(_SECTIONS)
)
_LONGEST_PATH = 255


class Table(OwnSource):
    """One's own dataset.

    root: folder that `image` paths start from. table: the file, relative to root; .csv, .tsv or .jsonl.
    columns: our name -> the table's name, where they differ. Ours: study_id, image (both required); view_id,
        patient_id, projection (PA, AP, frontal, lateral, unknown), width and height (of the original film, where the
        file is squashed), split; report (headed text) or findings, impression, indication, comparison, technique;
        boxes: a JSON list of {"region": name, "box": [4 numbers]}.
    frame: the frame that box numbers are in: "fraction" or a name of `radtrace.geometry.FRAMES`.
    frame_check: what to do where the boxes do not look as if they were in that frame.
    vocabulary: whose region names the boxes use: "radtrace", "chest_imagenome" or "boxmed_rl".
    origin: who drew the boxes.
    name, licence, citation: see `OwnSource`.
    """

    table: Path
    columns: Mapping[str, str] = Field(default_factory=dict)
    frame: FrameName = "fraction"
    frame_check: FrameCheck = "error"
    vocabulary: Vocabulary = "radtrace"
    origin: Origin = "dataset"
    name: str = "table"

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, columns: Mapping[str, str]) -> Mapping[str, str]:
        for name in columns:
            if name not in _COLUMNS:
                raise ValueError(f"unknown column {name!r}: {did_you_mean(name, _COLUMNS)}")
        return columns

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`; rows of one study_id are its views, and must agree on everything else."""
        required = tuple(self.columns.get(name, name) for name in ("study_id", "image"))
        by_study: dict[str, list[Row]] = defaultdict(list)
        for row in read_table(self.root / self.table, required, self.columns.values()):
            by_study[row.text(required[0]) or row.place].append(row)
        check_frame(self.frame, self._written(by_study), self.frame_check, str(self.table))
        yield from each_study(by_study, self._study)

    def _study(self, study_id: str, rows: list[Row]) -> Study:
        views: dict[str, View] = {}
        regions: list[Region] = []
        for row in rows:
            self._check(row)
            try:
                view = self._view(row)
                if view.id in views:
                    raise ValueError(f"doubled view_id {view.id!r} in study {study_id!r}")
                views[view.id] = view
                regions += self._regions(row, view)
            except (ValueError, InputError) as error:
                raise InputError(f"{row.place}: {one_line(error)}") from error
        return Study(
            id=study_id,
            source=self.name,
            patient_id=self._shared(rows, "patient_id") or None,
            views=tuple(views.values()),
            report=self._report(rows),
            regions=tuple(regions),
            split=self._shared(rows, "split") or None,
        )

    def _check(self, row: Row) -> None:
        if row.fault:
            raise InputError(f"{row.place}: {row.fault}")
        for name in ("study_id", "image"):
            if not self._text(row, name):
                raise InputError(f"{row.place}: no {name}")

    def _text(self, row: Row, name: str) -> str:
        return row.text(self.columns.get(name, name))

    def _shared(self, rows: list[Row], name: str) -> str:
        found = {self._text(row, name) for row in rows}
        if len(found) > 1:
            raise InputError(f"{rows[0].place}, {rows[1].place}: rows of one study differ in {name}")
        return found.pop()

    def _report(self, rows: list[Row]) -> Report:
        whole = self._shared(rows, "report")
        parts = {name: self._shared(rows, name) for name in _SECTIONS}
        if whole and any(parts.values()):
            raise InputError(f"{rows[0].place}: has both a whole report and single sections")
        return sections(whole) if whole else Report(**parts)

    def _view(self, row: Row) -> View:
        uri = self._text(row, "image")
        if len(uri) > _LONGEST_PATH or "\n" in uri:
            raise ValueError("image is no path")  # a shifted column may put a report here
        width, height = row.size(*(self.columns.get(name, name) for name in ("width", "height"))) or (None, None)
        projection = _projection(self._text(row, "projection"))
        view_id = self._text(row, "view_id") or uri
        return View(id=view_id, uri=uri, projection=projection, width=width, height=height)

    def _regions(self, row: Row, view: View) -> list[Region]:
        entries = list(self._entries(row))
        if not entries:
            return []
        size = view_size(self, view, self.frame)  # may decode the film
        written = ((name, *self._located(name, numbers, size)) for name, numbers in entries)
        return one_box_each(written, view.id, self.origin)

    def _located(self, name: str, numbers: Any, size: tuple[int, int]) -> tuple[tuple[str, ...], Box]:
        regions = region_names(name, self.vocabulary)
        try:
            return regions, read_box(four_numbers(numbers), self.frame, size)
        except ValueError as error:
            hint = "; numbers like these are pixels: set source.frame" if _beyond_fractions(numbers, self.frame) else ""
            raise ValueError(f"box of {name!r}: {one_line(error)}{hint}") from error

    def _entries(self, row: Row) -> Iterator[tuple[str, Any]]:
        """(name, what should be its four numbers) as they stand in the row. Raises ValueError."""
        cell = row.values.get(self.columns.get("boxes", "boxes"))
        if cell in (None, "", []):
            return
        try:
            entries = json.loads(cell) if isinstance(cell, str) else cell
        except RecursionError as error:
            raise ValueError("boxes is nested too deep") from error
        if not isinstance(entries, list):
            raise ValueError("boxes is not a list")
        yield from map(_entry, entries)

    def _written(self, by_study: Mapping[str, list[Row]]) -> Iterator[Written]:
        """All boxes that can be read as numbers, for the check of the frame."""
        for row in (row for rows in by_study.values() for row in rows if not row.fault):
            with suppress(ValueError, InputError):
                view = self._view(row)
                size = (view.width, view.height) if view.width and view.height else None
                for _, numbers in self._entries(row):
                    yield four_numbers(numbers), size


def _entry(entry: Any) -> tuple[str, Any]:
    if not isinstance(entry, dict) or set(entry) != {"region", "box"} or not isinstance(entry["region"], str):
        raise ValueError('each of boxes is {"region": name, "box": [4 numbers]}')
    return entry["region"], entry["box"]


def _projection(text: str) -> Projection:
    names: dict[str, Projection] = {name.lower(): name for name in get_args(Projection)}
    if text and text.lower() not in names:
        raise ValueError(f"unknown projection: {did_you_mean(text[:40], names.values())}")
    return names.get(text.lower(), "unknown")


def _beyond_fractions(numbers: Any, frame: str) -> bool:
    return (
        frame == "fraction" and isinstance(numbers, list) and any(isinstance(n, int | float) and n > 2 for n in numbers)
    )
