"""The GEMeX and GEMeX-ThinkVG layouts: questions about films, with boxes of anatomy in the answers.

Schema: Liu et al., "GEMeX: A Large-Scale, Groundable, and Explainable Medical VQA Benchmark for Chest X-ray Diagnosis",
2024, arXiv:2411.16778 (`visual_regions`, `visual_locations`, `ori_report`), and its successor "GEMeX-ThinkVG", 2025
(`image_path, question, question_type, thinkVG, response`; boxes in the text as
`<location><ref>name</ref><box>[x1, y1, x2, y2]</box></location>`). Neither says what frame its boxes are in: the newer
ones fit a squashed 336 square, the older ones a 224. The data are credentialed; none stand here.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from radtrace.errors import InputError
from radtrace.geometry import Written
from radtrace.records import Region, Rejected, Report, Study, View
from radtrace.reports import sections
from radtrace.sources import Source, SourceCard
from radtrace.sources.boxes import (
    FrameCheck,
    FrameName,
    Vocabulary,
    check_frame,
    four_numbers,
    read_box,
    region_names,
    view_size,
)
from radtrace.sources.ms_cxr import mimic_ids
from radtrace.sources.tables import Row, each_study, object_row, one_line, read_json, read_table

_LOCATION = re.compile(r"<location>(.*?)</location>", re.DOTALL)
_REF = re.compile(r"<ref>(.*?)</ref>", re.DOTALL)
_BOX = re.compile(r"<box>\s*(\[.*?\])\s*</box>", re.DOTALL)

_Located = tuple[str, tuple[float, ...]]
"""A region's name as it is written, and its numbers."""


class GemexThinkVG(Source):
    """One study a MIMIC-CXR study (an image, where its path is laid out otherwise): regions from all its questions.

    The thinking and the answers are a language model's, not a radiologist's: no words of them are read, only boxes. A
    study has a report where the layout has one (`ori_report`). A box that stands for several regions at once
    ("bilateral …") is the box of none of them; it is left out and counted in `Study.notes`, as are unknown and nameless
    places and second boxes of a region.

    root: folder that `image_path` starts from. annotations: a .json list or .jsonl file, relative to root.
    frame, frame_check: see `radtrace.sources.table.Table`. vocabulary: whose region names these are.
    """

    CARD: ClassVar[SourceCard] = SourceCard(
        name="GEMeX-ThinkVG over MIMIC-CXR",
        licence="PhysioNet Credentialed Health Data License 1.5.0: not to be passed on",
        citation="Liu et al., arXiv:2411.16778; GEMeX-ThinkVG, 2025; Johnson et al., Sci Data 2019",
    )

    annotations: Path
    frame: FrameName = "squash-336"
    frame_check: FrameCheck = "error"
    vocabulary: Vocabulary = "chest_imagenome"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`."""
        by_study: dict[str, list[Row]] = defaultdict(list)
        for row in self._rows():
            path = row.text("image_path")
            by_study[mimic_ids(path)[0] or path or row.place].append(row)
        rows = (row for found in by_study.values() for row in found)
        check_frame(self.frame, _written(rows), self.frame_check, str(self.annotations))
        yield from each_study(by_study, self._study)

    def _rows(self) -> Iterator[Row]:
        path = self.root / self.annotations
        if path.suffix != ".json":
            yield from read_table(path, ("image_path",))
            return
        entries = read_json(path)
        if not isinstance(entries, list):
            raise InputError(f"{path}: not a list of questions")
        for number, entry in enumerate(entries, start=1):
            yield object_row(entry, f"{path.name} entry {number}", ("image_path",))

    def _study(self, study_id: str, rows: list[Row]) -> Study:
        views: dict[str, View] = {}
        regions: dict[tuple[str, str], Region] = {}
        left_out: Counter[str] = Counter()
        for row in rows:
            try:
                if row.fault or not row.text("image_path"):
                    raise ValueError(row.fault or "no image_path")
                path = row.text("image_path")
                view = views.setdefault(path, View(id=path, uri=path))
                for name, numbers in _located(row):
                    self._add(name, numbers, view, regions, left_out)
            except (ValueError, InputError) as error:
                raise InputError(f"{row.place}: {one_line(error)}") from error
        return Study(
            id=study_id,
            source="gemex_thinkvg",
            patient_id=mimic_ids(rows[0].text("image_path"))[1] or None,
            views=tuple(views.values()),
            report=_report(rows),
            regions=tuple(regions.values()),
            notes=tuple(f"{count} boxes left out: {why}" for why, count in sorted(left_out.items())),
        )

    def _add(
        self,
        name: str,
        numbers: tuple[float, ...],
        view: View,
        regions: dict[tuple[str, str], Region],
        left_out: Counter[str],
    ) -> None:
        box = read_box(numbers, self.frame, view_size(self, view, self.frame))
        names = self._names(name)
        if len(names) != 1:
            left_out["of several regions at once" if names else "of no region that we know"] += 1
            return
        region = Region(name=names[0], box=box, view_id=view.id, origin="dataset")
        if regions.setdefault((view.id, region.name), region) != region:
            left_out["a second box of its region"] += 1

    def _names(self, name: str) -> tuple[str, ...]:
        """Our regions for a name; several where it means both sides; none where it is unknown."""
        words = " ".join(name.lower().split())
        with suppress(InputError):
            return region_names(words, self.vocabulary)
        _, bilateral, part = words.partition("bilateral ")
        for singular in (part, part.removesuffix("s")) if bilateral else ():
            with suppress(InputError):
                return tuple(one for side in ("right", "left") for one in self._sided(side, singular))
        return ()

    def _sided(self, side: str, part: str) -> tuple[str, ...]:
        return region_names(f"{side} {part}", self.vocabulary)


def _located(row: Row) -> Iterator[_Located]:
    """Every box of a row with its name: in the text, and in the older fields. Raises ValueError."""
    for field in ("thinkVG", "response"):
        for match in _LOCATION.finditer(row.text(field)):
            name = _REF.search(match[1])
            for box in _BOX.finditer(match[1]):
                for numbers in _boxes(_json(box[1])):
                    yield name[1].strip() if name else "", numbers
    names, boxes = (_json(row.values.get(field) or []) for field in ("visual_regions", "visual_locations"))
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not isinstance(boxes, list) or (boxes and len(names) != len(boxes)):
        raise ValueError("visual_regions and visual_locations are not lists of the same length")
    for each, box in zip(names, boxes, strict=False):
        for numbers in _boxes(box):
            yield each if isinstance(each, str) else "", numbers


def _json(value: Any) -> Any:
    """A value, or what a string of JSON holds; a string that is none is a name."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("a box or list that is not JSON") from error


def _boxes(value: Any) -> list[tuple[float, ...]]:
    """One box, or a list of them."""
    nested = isinstance(value, list) and bool(value) and all(isinstance(each, list) for each in value)
    return [four_numbers(each) for each in (value if nested else [value])]


def _report(rows: list[Row]) -> Report | None:
    texts = {row.text("ori_report"): row.place for row in rows if row.text("ori_report")}
    if len(texts) > 1:
        raise InputError(f"{', '.join(texts.values())}: rows of one study differ in ori_report")
    return next(map(sections, texts), None)


def _written(rows: Iterator[Row]) -> Iterator[Written]:
    """Every box that can be read as numbers, for the check of the frame."""
    for row in rows:
        with suppress(ValueError):
            for _, numbers in _located(row):
                yield numbers, None
