"""The Indiana University chest X-ray collection (Open-I), as CSV tables or as its official XML and PNG download.

Demner-Fushman et al., "Preparing a collection of radiology examinations for distribution and retrieval", JAMIA 2016,
doi:10.1093/jamia/ocv080. Its MeSH terms (`mesh`, `mesh_auto`, `problems`) are labels and are never read here.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, get_args

from radtrace.errors import InputError
from radtrace.images import FILM_SUFFIXES
from radtrace.records import Projection, Rejected, Report, Study, View
from radtrace.reports import report_from_openi_xml
from radtrace.sources import Source, SourceCard
from radtrace.sources.tables import Row, one_line, read_table

Split = Literal["train", "val", "test", "unsplit"]

_REPORT_COLUMNS = ("uid", "image_id", "file", "projection", "orig_width", "orig_height")
_STUDY_COLUMNS = ("uid", "findings", "impression", "indication", "comparison")


class OpenI(Source):
    """Open-I studies.

    root: a folder with `reports.csv` (one row an image), `studies.csv` (one row a study) and the films they name; or
          one with the official reports (`*.xml`) and films (`*.png`) anywhere below it.
    split: R2Gen's splits to read ("unsplit": studies that R2Gen left out), or "all". The XML layout has none.
    """

    CARD: ClassVar[SourceCard] = SourceCard(
        name="Indiana University Chest X-ray Collection (Open-I)",
        licence="CC BY-NC-ND 4.0",
        licence_id="cc-by-nc-nd-4.0",
        citation="Demner-Fushman et al., JAMIA 2016, doi:10.1093/jamia/ocv080",
        url="https://openi.nlm.nih.gov/",
    )

    split: Literal["all"] | Split | tuple[Split, ...] = "all"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`. Raises InputError also where no study belongs to the chosen split."""
        tables = (self.root / "studies.csv").is_file() or (self.root / "reports.csv").is_file()
        everything = list(_from_tables(self.root) if tables else _from_xml(self.root))
        chosen = [case for case, split in everything if self._wants(split)]
        if not chosen:
            counts = Counter(split for _, split in everything)
            raise InputError(f"{self.root}: no study in split {self.split!r}; there are {dict(counts)}")
        yield from chosen

    def _wants(self, split: str) -> bool:
        return self.split == "all" or split == self.split or (isinstance(self.split, tuple) and split in self.split)


Case = tuple[Study | Rejected, str]
"""A study or its rejection, and R2Gen's split; "other" for what is none of them."""


def _from_tables(root: Path) -> Iterator[Case]:
    views, faults = _views_by_study(root)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in read_table(root / "studies.csv", _STUDY_COLUMNS):
        rows[row.text("uid") or row.place].append(row)
    for uid, found in rows.items():
        split = found[0].text("r2gen_split") or "unsplit"
        case = _study(uid, found, views.pop(uid, []), faults.pop(uid, None))
        yield case, split if split in get_args(Split) else "other"
    for uid in [*views, *(uid for uid in faults if uid not in views)]:
        reason = faults.get(uid, "reports.csv has films of it, studies.csv has no row")
        yield Rejected(study_id=uid, stage="source", reason=reason), "unsplit"


def _views_by_study(root: Path) -> tuple[dict[str, list[View]], dict[str, str]]:
    """Views of each study in the table's order, and the first fault of each study that has one."""
    views: dict[str, list[View]] = defaultdict(list)
    faults: dict[str, str] = {}
    seen: set[str] = set()
    for row in read_table(root / "reports.csv", _REPORT_COLUMNS):
        uid = row.text("uid") or row.place
        try:
            view = _view(row)
            if view.id in seen:
                raise ValueError(f"doubled image_id {view.id}")
            seen.add(view.id)
            views[uid].append(view)
        except ValueError as error:
            faults.setdefault(uid, f"{row.place}: {one_line(error)}")
    return views, faults


def _view(row: Row) -> View:
    if row.fault:
        raise ValueError(row.fault)
    if not row.text("image_id") or not row.text("file"):
        raise ValueError("no image_id or no file")
    width, height = row.size("orig_width", "orig_height") or (None, None)
    return View(id=row.text("image_id"), uri=row.text("file"), projection=_projection(row), width=width, height=height)


def _projection(row: Row) -> Projection:
    """The collection's hand-made frontal/lateral column; the header's view position only tells PA from AP."""
    side = row.text("projection").lower()
    if side == "frontal":
        position = row.text("dicom_view_position").upper()
        return "PA" if position == "PA" else "AP" if position == "AP" else "frontal"
    return "lateral" if side == "lateral" else "unknown"


def _study(uid: str, rows: list[Row], views: list[View], view_fault: str | None) -> Study | Rejected:
    fault = rows[0].fault and f"{rows[0].place}: {rows[0].fault}"
    if len(rows) > 1:
        fault = f"doubled uid: {', '.join(row.place for row in rows)}"
    elif not rows[0].text("uid"):
        fault = f"{rows[0].place}: no uid"
    fault = fault or view_fault
    if fault:
        return Rejected(study_id=uid, stage="source", reason=fault)
    sections = {name: rows[0].text(name) for name in ("findings", "impression", "indication", "comparison")}
    split = rows[0].text("r2gen_split") or None
    try:
        return Study(id=uid, source="openi", views=tuple(views), report=Report(**sections), split=split)
    except ValueError as error:
        return Rejected(study_id=uid, stage="source", reason=f"{rows[0].place}: {one_line(error)}")


def _from_xml(root: Path) -> Iterator[Case]:
    reports = sorted(root.rglob("*.xml"), key=lambda path: (len(path.stem), path.stem, path))
    if not reports:
        raise InputError(f"{root}: holds neither reports.csv and studies.csv nor *.xml reports")
    films = {path.stem: path for path in sorted(root.rglob("*")) if path.suffix.lower() in FILM_SUFFIXES}
    first_file: dict[str, str] = {}
    for path in reports:
        yield _study_of_xml(root, path, films, first_file), "unsplit"


def _study_of_xml(root: Path, path: Path, films: dict[str, Path], first_file: dict[str, str]) -> Study | Rejected:
    """A report that cannot be used is called by its file, since its uid is unknown or another one's."""
    name = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
    try:
        parsed = report_from_openi_xml(path)
    except InputError as error:
        return Rejected(study_id=f"file {name}", stage="source", reason=str(error))
    if first_file.setdefault(parsed.uid, name) != name:
        reason = f"doubled uid {parsed.uid}: {first_file[parsed.uid]}, {name}"
        return Rejected(study_id=f"file {name}", stage="source", reason=reason)
    uris = {image: str(films[image].relative_to(root)) if image in films else f"{image}.png" for image in parsed.images}
    views = tuple(View(id=image, uri=uri) for image, uri in uris.items())
    return Study(id=parsed.uid, source="openi", views=views, report=parsed.report)
