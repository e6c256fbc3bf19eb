"""NIH ChestX-ray14 films with the finding boxes drawn for them; no reports exist.

Labels are text-mined from reports that were never published (Wang et al., "ChestX-ray8", CVPR 2017). Radiologists drew
the boxes: the NIH list of 2017 (same paper), and lung opacities for the RSNA challenge of 2018 (Shih et al., Radiology:
AI 2019, doi:10.1148/ryai.2019180041). A missing box is not a negative, and neither is a missing label.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from radtrace.errors import InputError
from radtrace.geometry import Box
from radtrace.records import Label, Projection, Rejected, Study, View
from radtrace.sources import Source, SourceCard
from radtrace.sources.boxes import finding_label, four_numbers, shown
from radtrace.sources.tables import Row, one_line, read_json, read_table

_COLUMNS = ("file", "nih_image", "patient_id", "view", "labels", "orig_width", "orig_height")
_PROJECTIONS: dict[str, Projection] = {"PA": "PA", "AP": "AP", "LL": "lateral"}


class NihBoxes(Source):
    """One study a film, with labels and finding boxes in `Study.labels` and no report.

    root: a folder with `labels.csv` (one row a film; labels joined by "|"), `boxes.json` (a list of films, each with
        its boxes as fractions of the view in `xyxy_norm`) and the films they name.
    """

    CARD: ClassVar[SourceCard] = SourceCard(
        name="NIH ChestX-ray14 with NIH and RSNA finding boxes",
        licence="NIH ChestX-ray14: no restrictions, attribution; RSNA 2018: any purpose, attribution",
        citation="Wang et al., CVPR 2017; Shih et al., Radiology: AI 2019, doi:10.1148/ryai.2019180041",
        url="https://nihcc.app.box.com/v/ChestXray-NIHCC",
    )

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`."""
        boxes = _boxes_by_film(self.root / "boxes.json")
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in read_table(self.root / "labels.csv", _COLUMNS):
            rows[_id_of(row.text("nih_image")) or row.place].append(row)
        for study_id, found in rows.items():
            try:
                yield _study(study_id, found, boxes.pop(study_id, []))
            except (ValueError, InputError) as error:
                yield Rejected(study_id=study_id, stage="source", reason=f"{found[0].place}: {one_line(error)}")
        for study_id, entries in boxes.items():
            reason = f"{entries[0][0]}: labels.csv has no such film"
            yield Rejected(study_id=study_id, stage="source", reason=reason)


_Entry = tuple[str, Any]
"""Where an entry of boxes.json stands, and its boxes."""


def _boxes_by_film(path: Path) -> dict[str, list[_Entry]]:
    entries = read_json(path)
    if not isinstance(entries, list):
        raise InputError(f"{path}: not a list of films")
    found: dict[str, list[_Entry]] = defaultdict(list)
    for number, entry in enumerate(entries, start=1):
        place = f"boxes.json entry {number}"
        name = entry.get("nih_image") if isinstance(entry, dict) else None
        key = _id_of(name) if isinstance(name, str) and name else place
        found[key].append((place, entry.get("boxes") if isinstance(entry, dict) else None))
    return found


def _id_of(image: str) -> str:
    return image.rpartition(".")[0] or image


def _study(study_id: str, rows: list[Row], entries: list[_Entry]) -> Study:
    row = rows[0]
    if len(rows) > 1:
        raise ValueError(f"doubled nih_image: {', '.join(each.place for each in rows)}")
    if row.fault:
        raise ValueError(row.fault)
    if not row.text("nih_image") or not row.text("file"):
        raise ValueError("no nih_image or no file")
    width, height = row.size("orig_width", "orig_height") or (None, None)
    projection = _PROJECTIONS.get(row.text("view").upper(), "unknown")
    view = View(id=study_id, uri=row.text("file"), projection=projection, width=width, height=height)
    return Study(
        id=study_id,
        source="nih_boxes",
        patient_id=row.text("patient_id") or None,
        views=(view,),
        labels=(*_mined(row, study_id), *_drawn(entries, study_id)),
    )


def _mined(row: Row, view_id: str) -> Iterator[Label]:
    """The text-mined labels; "No Finding" is none, not a list of negatives."""
    names = [name for name in row.text("labels").split("|") if name and name != "No Finding"]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ValueError(f"doubled label {shown(doubled[0])}")
    for name in names:
        yield Label(label=finding_label(name), view_id=view_id, origin="dataset")


def _drawn(entries: list[_Entry], view_id: str) -> Iterator[Label]:
    if len(entries) > 1:
        raise ValueError(f"doubled film: {', '.join(place for place, _ in entries)}")
    for place, boxes in entries:
        if not isinstance(boxes, list):
            raise ValueError(f"{place}: boxes is not a list")
        for number, box in enumerate(boxes, start=1):
            try:
                if not isinstance(box, dict) or not isinstance(box.get("label"), str):
                    raise ValueError("no label")
                drawn = Box.of(four_numbers(box.get("xyxy_norm")))
                yield Label(label=finding_label(box["label"]), box=drawn, view_id=view_id, origin="radiologist")
            except (ValueError, InputError) as error:
                raise ValueError(f"{place}, box {number}: {one_line(error)}") from error
