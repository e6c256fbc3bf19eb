"""A generic table of one's own films and reports: CSV, TSV or JSON Lines, one row a view, boxes if there are any."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from radtrace.anatomy import REGIONS, VOCABULARIES, regions_of
from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import FRAMES, Box
from radtrace.records import Origin, Projection, Region, Rejected, Report, Study, View
from radtrace.reports import sections
from radtrace.sources import Source, SourceCard
from radtrace.sources.tables import Row, read_table

_SECTIONS = ("findings", "impression", "indication", "comparison", "technique")
_COLUMNS = frozenset(
    {"study_id", "image", "view_id", "patient_id", "projection", "width", "height", "split", "report", "boxes"}
    | set(_SECTIONS)
)


class Table(Source):
    """One's own dataset.

    root: folder that `image` paths start from. table: the file, relative to root; .csv, .tsv or .jsonl.
    columns: our name -> the table's name, where they differ. Ours: study_id, image (both required); view_id,
        patient_id, projection (PA, AP, frontal, lateral, unknown), width and height (of the original film, where the
        file is squashed), split; report (headed text) or findings, impression, indication, comparison, technique;
        boxes: a JSON list of {"region": name, "box": [4 numbers]}.
    frame: the frame that box numbers are in: "fraction" or a name of `radtrace.geometry.FRAMES`.
    vocabulary: whose region names the boxes use: "radtrace", "chest_imagenome" or "boxmed_rl".
    origin: who drew the boxes.
    name, licence, citation: for the dataset card.
    """

    table: Path
    columns: Mapping[str, str] = Field(default_factory=dict)
    frame: str = "fraction"
    vocabulary: Literal["radtrace", "chest_imagenome", "boxmed_rl"] = "radtrace"
    origin: Origin = "dataset"
    name: str = "table"
    licence: str = "unstated"
    citation: str = "unstated"

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, columns: Mapping[str, str]) -> Mapping[str, str]:
        for name in columns:
            if name not in _COLUMNS:
                raise ValueError(f"unknown column {name!r}: {did_you_mean(name, _COLUMNS)}")
        return columns

    @field_validator("frame")
    @classmethod
    def _known_frame(cls, frame: str) -> str:
        if frame != "fraction" and frame not in FRAMES:
            raise ValueError(f"unknown frame {frame!r}: {did_you_mean(frame, ['fraction', *FRAMES])}")
        return frame

    @property
    def card(self) -> SourceCard:
        """See `Source.card`."""
        return SourceCard(name=self.name, licence=self.licence, citation=self.citation)

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`; rows of one study_id are its views, and must agree on everything else."""
        required = tuple(self.columns.get(name, name) for name in ("study_id", "image"))
        by_study: dict[str, list[Row]] = defaultdict(list)
        for row in read_table(self.root / self.table, required):
            by_study[row.text(required[0]) or row.place].append(row)
        for study_id, rows in by_study.items():
            try:
                yield self._study(study_id, rows)
            except (ValueError, InputError) as error:
                yield Rejected(study_id=study_id, stage="source", reason=_one_line(error))

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
                raise InputError(f"{row.place}: {_one_line(error)}") from error
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
        size = {}
        for name in ("width", "height"):
            value = row.whole(self.columns.get(name, name))
            if value is not None:
                size[name] = value
        if len(size) == 1:
            raise ValueError("width and height go together")
        projection = _projection(self._text(row, "projection"))
        return View(id=self._text(row, "view_id") or uri, uri=uri, projection=projection, **size)

    def _regions(self, row: Row, view: View) -> Iterator[Region]:
        cell = row.values.get(self.columns.get("boxes", "boxes"))
        if cell in (None, "", []):
            return
        entries = json.loads(cell) if isinstance(cell, str) else cell
        if not isinstance(entries, list):
            raise ValueError("boxes is not a list")
        for entry in entries:
            name, numbers = _entry(entry)
            try:
                box = self._box(numbers, view)
            except ValueError as error:
                raise ValueError(f"box of {name!r}: {_one_line(error)}") from error
            for region in self._names(name):
                yield Region(name=region, box=box, view_id=view.id, origin=self.origin)

    def _box(self, numbers: list[float], view: View) -> Box:
        if self.frame == "fraction":
            return Box.of(numbers)
        if view.width is None or view.height is None:
            film = self.film(view)
            return FRAMES[self.frame].read(numbers, film.width, film.height)
        return FRAMES[self.frame].read(numbers, view.width, view.height)

    def _names(self, name: str) -> tuple[str, ...]:
        if self.vocabulary in VOCABULARIES:
            return regions_of(name, self.vocabulary)
        if name not in REGIONS:
            raise InputError(f"unknown region {name!r}: {did_you_mean(name, REGIONS)}")
        return (name,)


def _entry(entry: Any) -> tuple[str, list[float]]:
    if not isinstance(entry, dict) or set(entry) != {"region", "box"}:
        raise ValueError('each of boxes is {"region": name, "box": [4 numbers]}')
    numbers = entry["box"]
    if not isinstance(numbers, list) or not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
        raise ValueError(f"box of {entry['region']!r}: not four finite numbers")
    return str(entry["region"]), [float(number) for number in numbers]


def _projection(text: str) -> Projection:
    names: dict[str, Projection] = {name.lower(): name for name in get_args(Projection)}
    if text and text.lower() not in names:
        raise ValueError(f"projection {text!r}: {did_you_mean(text, names.values())}")
    return names.get(text.lower(), "unknown")


def _one_line(error: Exception) -> str:
    """The message of our own or of a pydantic error, without the lines that pydantic adds around it."""
    errors = getattr(error, "errors", None)
    return "; ".join(problem["msg"] for problem in errors(include_url=False)) if errors else str(error)
