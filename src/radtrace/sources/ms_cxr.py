"""The MS-CXR layout: phrases of reports with boxes, in a CSV; films and reports as MIMIC-CXR lays them out.

Schema: Boecking et al., "Making the Most of Text Semantics to Improve Biomedical Vision-Language Processing", ECCV
2022, and its PhysioNet release (doi:10.13026/b90j-vb87); columns dicom_id, category_name, label_text, path, x, y, w, h,
image_width, image_height, split, boxes in pixels of the original film. The data are credentialed; none stand here.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

from radtrace.errors import InputError
from radtrace.geometry import Written
from radtrace.records import Label, Rejected, Report, Study, View
from radtrace.reports import sections
from radtrace.sources import Source, SourceCard
from radtrace.sources.boxes import FrameCheck, FrameName, check_frame, finding_label, read_box
from radtrace.sources.tables import Row, each_study, one_line, read_table

_COLUMNS = (
    "dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height", "split",
)  # fmt: skip
_NUMBERS = ("x", "y", "w", "h")


class MsCxr(Source):
    """One study a MIMIC-CXR study; each row is a label with its phrase and one of its boxes.

    root: folder that `path` starts from. annotations: the CSV, relative to root.
    reports: folder, relative to root, of MIMIC-CXR's reports (`files/p10/p1…/s5….txt`, beside the films' folders);
        None: the studies have no report.
    frame, frame_check: see `radtrace.sources.table.Table`.
    """

    CARD: ClassVar[SourceCard] = SourceCard(
        name="MS-CXR over MIMIC-CXR",
        licence="PhysioNet Credentialed Health Data License 1.5.0: not to be passed on",
        citation="Boecking et al., ECCV 2022, doi:10.13026/b90j-vb87; Johnson et al., Sci Data 2019",
        url="https://physionet.org/content/ms-cxr/",
    )

    annotations: Path = Path("MS_CXR_Local_Alignment.csv")
    reports: Path | None = None
    frame: FrameName = "pixels-xywh"
    frame_check: FrameCheck = "error"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`."""
        by_study: dict[str, list[Row]] = defaultdict(list)
        for row in read_table(self.root / self.annotations, _COLUMNS):
            study_id, _ = mimic_ids(row.text("path"))
            by_study[study_id or row.text("dicom_id") or row.place].append(row)
        rows = (row for found in by_study.values() for row in found)
        check_frame(self.frame, _written(rows), self.frame_check, str(self.annotations))
        yield from each_study(by_study, self._study)

    def _study(self, study_id: str, rows: list[Row]) -> Study:
        views: dict[str, View] = {}
        labels: list[Label] = []
        for row in rows:
            try:
                view = _view(row)
                if views.setdefault(view.id, view) != view:
                    raise ValueError("rows of one dicom_id differ in path or size")
                labels.append(self._label(row, view))
            except (ValueError, InputError) as error:
                raise InputError(f"{row.place}: {one_line(error)}") from error
        splits = {row.text("split") for row in rows}
        if len(splits) > 1:
            raise InputError(f"{rows[0].place}: rows of one study differ in split")
        return Study(
            id=study_id,
            source="ms_cxr",
            patient_id=mimic_ids(rows[0].text("path"))[1] or None,
            views=tuple(views.values()),
            report=self._report(rows[0]),
            labels=tuple(labels),
            split=splits.pop() or None,
        )

    def _label(self, row: Row, view: View) -> Label:
        return Label(
            label=finding_label(row.text("category_name")),
            box=read_box(_numbers(row), self.frame, (view.width or 1, view.height or 1)),
            view_id=view.id,
            origin="radiologist",
            phrase=row.text("label_text"),
        )

    def _report(self, row: Row) -> Report | None:
        if self.reports is None:
            return None
        folder = PurePosixPath(row.text("path")).parent
        if not folder.name or folder.is_absolute() or ".." in folder.parts:
            raise InputError(f"{row.place}: path does not lead to a report")
        path = self.root / self.reports / folder.with_name(f"{folder.name}.txt")
        try:
            return sections(path.read_text("utf-8"))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8") from error


def mimic_ids(path: str) -> tuple[str, str]:
    """(study, patient) of a MIMIC-CXR path `files/p10/p1…/s5…/….jpg`; empty where the path is laid out otherwise."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3:
        return "", ""
    patient, study = parts[-3], parts[-2]
    ours = patient[:1] == "p" and patient[1:].isdigit() and study[:1] == "s" and study[1:].isdigit()
    return (study, patient) if ours else ("", "")


def _view(row: Row) -> View:
    if row.fault:
        raise ValueError(row.fault)
    if not row.text("dicom_id") or not row.text("path"):
        raise ValueError("no dicom_id or no path")
    size = row.size("image_width", "image_height")
    if size is None:
        raise ValueError("no image_width and no image_height")
    return View(id=row.text("dicom_id"), uri=row.text("path"), width=size[0], height=size[1])


def _numbers(row: Row) -> tuple[float, ...]:
    try:
        return tuple(float(row.text(name)) for name in _NUMBERS)
    except ValueError as error:
        raise ValueError("x, y, w, h are not four numbers") from error


def _written(rows: Iterator[Row]) -> Iterator[Written]:
    """Every box that can be read as numbers, for the check of the frame."""
    for row in rows:
        try:
            view = _view(row)
            yield _numbers(row), (view.width or 1, view.height or 1)
        except ValueError:
            continue
