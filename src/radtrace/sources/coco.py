"""Films with boxes in the COCO detection format, and reports from a table if there is one.

Lin et al., "Microsoft COCO", ECCV 2014, and the data format at cocodataset.org: `images` (id, file_name, width,
height), `annotations` (image_id, category_id, bbox as [x, y, width, height] in pixels) and `categories` (id, name).
Read beside these where they stand: `study_id`, `patient_id`, `split` and `projection` of an image, `label_text` of an
annotation (as MS-CXR has it).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from pydantic import Field

from radtrace.anatomy import FINDINGS, REGIONS
from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import Box, Written
from radtrace.records import Label, Origin, Projection, Region, Rejected, Study, View
from radtrace.sources import OwnSource
from radtrace.sources.boxes import (
    FrameCheck,
    FrameName,
    Vocabulary,
    check_frame,
    finding_label,
    four_numbers,
    one_box_each,
    read_box,
    region_names,
    shown,
)
from radtrace.sources.reports import ReportTable
from radtrace.sources.tables import cell_text, check_size, one_line, read_json

_Meaning = tuple[tuple[str, ...], str | None]
"""What a category stands for: regions of ours, or a finding."""


class Coco(OwnSource):
    """One study an image, or a `study_id`; boxes of anatomy become regions, boxes of findings labels.

    root: folder that `file_name` starts from. annotations: the JSON file; reports: a table of `study_id` and report
        (see `radtrace.sources.reports`), None without; both relative to root. A study is called by its image's file
        name without its ending where the image has no `study_id`.
    frame, frame_check: see `radtrace.sources.table.Table`. vocabulary: whose region names the categories are.
    categories: category name -> region or finding of ours, where it is neither; "" leaves its boxes out.
    origin: who drew the boxes. name, licence, citation: for the dataset card.
    """

    annotations: Path
    reports: Path | None = None
    frame: FrameName = "pixels-xywh"
    frame_check: FrameCheck = "error"
    vocabulary: Vocabulary = "radtrace"
    categories: Mapping[str, str] = Field(default_factory=dict)
    origin: Origin = "dataset"
    name: str = "coco"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`. Raises InputError also where a category is neither region nor finding."""
        tables = _tables(read_json(self.root / self.annotations), str(self.annotations))
        reports = ReportTable(self.root / self.reports, "study_id") if self.reports else None
        meanings = self._meanings(tables["categories"])
        drawn: dict[Any, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for place, annotation in tables["annotations"]:
            drawn[_key(annotation, "image_id")].append((place, annotation))
        check_frame(self.frame, _written(tables["images"], drawn), self.frame_check, str(self.annotations))
        by_study: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for place, image in tables["images"]:
            by_study[_study_id(image) or place].append((place, image))
        ids = Counter(_key(image, "id") for _, image in tables["images"])
        for study_id, images in by_study.items():
            try:
                yield self._study(study_id, images, drawn, ids, meanings, reports)
            except (ValueError, InputError) as error:
                yield Rejected(study_id=study_id, stage="source", reason=one_line(error))
        for image_id, entries in drawn.items():
            if image_id not in ids:
                reason = f"{entries[0][0]}: there is no such image"
                yield Rejected(study_id=f"image {image_id!r}", stage="source", reason=reason)
        for key, fault in (reports.unasked_faults() if reports else {}).items():
            yield Rejected(study_id=f"report {key}", stage="source", reason=fault)

    def _meanings(self, categories: list[tuple[str, dict[str, Any]]]) -> dict[Any, _Meaning]:
        """Category id -> what it stands for."""
        meanings: dict[Any, _Meaning] = {}
        unknown = []
        for place, category in categories:
            name = category.get("name")
            if not isinstance(name, str) or _key(category, "id") in meanings:
                raise InputError(f"{self.annotations}: {place}: no name, or a doubled id")
            try:
                meanings[_key(category, "id")] = self._meaning(name)
            except InputError:
                unknown.append(name)
        if unknown:
            names = sorted({*REGIONS, *FINDINGS})
            raise InputError(
                f"{self.annotations}: categories {', '.join(map(repr, unknown))} are neither regions nor findings; "
                f"name them in source.categories ({unknown[0]!r}: {did_you_mean(unknown[0], names)})"
            )
        return meanings

    def _meaning(self, name: str) -> _Meaning:
        ours = self.categories.get(name, name)
        if ours == "":
            return (), None
        try:
            return region_names(ours, "radtrace" if name in self.categories else self.vocabulary), None
        except InputError:
            return (), finding_label(ours)

    def _study(
        self,
        study_id: str,
        images: list[tuple[str, dict[str, Any]]],
        drawn: Mapping[Any, list[tuple[str, dict[str, Any]]]],
        ids: Mapping[Any, int],
        meanings: Mapping[Any, _Meaning],
        reports: ReportTable | None,
    ) -> Study:
        views: dict[str, View] = {}
        regions: list[Region] = []
        labels: list[Label] = []
        for place, image in images:
            image_id = _key(image, "id")
            if ids[image_id] > 1:
                raise InputError(f"{place}: doubled image id {image_id}")
            view = _view(place, image)
            if view.id in views:
                raise InputError(f"{place}: doubled file_name")
            views[view.id] = view
            anatomy: list[tuple[Any, tuple[str, ...], Box]] = []
            for where, annotation in drawn.get(image_id, ()):
                try:
                    self._add(annotation, view, meanings, anatomy, labels)
                except (ValueError, InputError) as error:
                    raise InputError(f"{where}: {one_line(error)}") from error
            try:
                regions += one_box_each(anatomy, view.id, self.origin)
            except ValueError as error:
                raise InputError(f"{place}: {error}") from error
        return Study(
            id=study_id,
            source=self.name,
            patient_id=_shared(images, "patient_id"),
            views=tuple(views.values()),
            report=reports.get(study_id) if reports else None,
            regions=tuple(regions),
            labels=tuple(labels),
            split=_shared(images, "split"),
        )

    def _add(
        self,
        annotation: dict[str, Any],
        view: View,
        meanings: Mapping[Any, _Meaning],
        anatomy: list[tuple[Any, tuple[str, ...], Box]],
        labels: list[Label],
    ) -> None:
        category = _key(annotation, "category_id")
        if category not in meanings:
            raise ValueError(f"there is no category {shown(str(category))}")
        names, label = meanings[category]
        if not names and label is None:
            return
        box = read_box(four_numbers(annotation.get("bbox")), self.frame, (view.width or 1, view.height or 1))
        if names:
            anatomy.append((category, names, box))
        if label is not None:
            phrase = annotation.get("label_text")
            labels.append(
                Label(
                    label=label,
                    box=box,
                    view_id=view.id,
                    origin=self.origin,
                    phrase=phrase if isinstance(phrase, str) else "",
                )
            )


def _tables(document: Any, where: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The three lists with the place of each entry."""
    found = {}
    for name in ("images", "annotations", "categories"):
        entries = document.get(name) if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise InputError(f"{where}: no COCO detection file: lacks the list {name!r}")
        if not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f"{where}: {name} holds what is no object")
        found[name] = [(f"{where}: {name} entry {number}", entry) for number, entry in enumerate(entries, start=1)]
    return found


def _key(entry: Mapping[str, Any], name: str) -> Any:
    """An id as it stands if it is a number or text, else None, which is no one's id."""
    value = entry.get(name)
    return value if isinstance(value, int | str) else None


def _study_id(image: Mapping[str, Any]) -> str:
    with suppress(ValueError):
        given = cell_text(image.get("study_id"), "study_id")
        if given:
            return given
    name = image.get("file_name")
    if not isinstance(name, str):
        return ""
    path = PurePosixPath(name)
    return str(path.parent / path.stem) if path.stem else ""


def _view(place: str, image: Mapping[str, Any]) -> View:
    name, width, height = (image.get(key) for key in ("file_name", "width", "height"))
    if _key(image, "id") is None or not isinstance(name, str) or not name:
        raise InputError(f"{place}: no id or no file_name")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        raise InputError(f"{place}: width and height are not positive whole numbers")
    try:
        check_size(width, height)
        for column in ("file_name", "study_id"):
            cell_text(image.get(column), column)
    except ValueError as error:
        raise InputError(f"{place}: {error}") from error
    given = image.get("projection")
    known: dict[str, Projection] = {each.lower(): each for each in get_args(Projection)}
    return View(
        id=name, uri=name, projection=known.get(str(given or "unknown").lower(), "unknown"), width=width, height=height
    )


def _shared(images: list[tuple[str, dict[str, Any]]], name: str) -> str | None:
    found = {cell_text(image.get(name), name) for _, image in images}
    if len(found) > 1:
        raise InputError(f"{images[0][0]}: images of one study differ in {name}")
    return found.pop() or None


def _written(
    images: list[tuple[str, dict[str, Any]]], drawn: Mapping[Any, list[tuple[str, dict[str, Any]]]]
) -> Iterator[Written]:
    """Every box with its image's size, for the check of the frame."""
    for _, image in images:
        width, height = image.get("width"), image.get("height")
        if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
            for _, annotation in drawn.get(_key(image, "id"), ()):
                with suppress(ValueError):
                    yield four_numbers(annotation.get("bbox")), (width, height)
