import json
import re

import numpy as np
import pytest

from radtrace.errors import InputError, RecipeError
from radtrace.images import encode_png
from radtrace.records import Rejected, Study
from radtrace.sources import Source, open_source


def read(tmp_path, rows, **settings):
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(open_source({"kind": "table", "root": tmp_path, "table": "t.jsonl", **settings}).studies())


def film(**more):
    return {"study_id": "s", "image": "a.png", "width": 2000, "height": 1000, "findings": "Clear.", **more}


def test_rows_of_one_study_are_its_views(tmp_path):
    rows = [
        film(patient_id="p", projection="pa", split="train"),
        film(patient_id="p", image="b.png", projection="lateral", split="train"),
    ]
    (study,) = read(tmp_path, rows)
    assert [(view.id, view.projection) for view in study.views] == [("a.png", "PA"), ("b.png", "lateral")]
    assert (study.patient_id, study.split, study.report.findings) == ("p", "train", "Clear.")


def test_boxes_in_another_frame_and_vocabulary(tmp_path):
    boxes = [{"region": "abdomen", "box": [500, 250, 1000, 500]}]
    (study,) = read(tmp_path, [film(boxes=boxes)], frame="pixels-xywh", vocabulary="boxmed_rl", origin="radiologist")
    assert [region.name for region in study.regions] == ["right upper abdomen", "left upper abdomen"]
    assert {region.box.xyxy for region in study.regions} == {(0.25, 0.25, 0.75, 0.75)}
    assert {region.origin for region in study.regions} == {"radiologist"}


def test_a_headed_report_is_split_into_sections(tmp_path):
    row = film(report="FINDINGS: Lungs are clear.\nIMPRESSION: Normal.")
    del row["findings"]
    (study,) = read(tmp_path, [row])
    assert (study.report.findings, study.report.impression) == ("Lungs are clear.", "Normal.")


def test_columns_by_other_names(tmp_path):
    (tmp_path / "t.tsv").write_text("Accession\tpath\ttext\nA1\ta.png\tLungs are clear.\n")
    names = {"study_id": "Accession", "image": "path", "report": "text"}
    source = open_source({"kind": "table", "root": tmp_path, "table": "t.tsv", "columns": names})
    (study,) = source.studies()
    assert (study.id, study.report.findings) == ("A1", "Lungs are clear.")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"boxes": [{"region": "left lung", "box": [0.5, 0.1, 0.2, 0.9]}]}, "'left lung'.*inverted"),
        ({"boxes": [{"region": "left lung", "box": [0.5, 0.1, 1.2, 0.9]}]}, "'left lung'.*outside"),
        ({"boxes": [{"region": "left lung", "box": [95, 70, 210, 860]}]}, "are pixels: set source.frame"),
        ({"boxes": [{"region": "left lung", "box": [0.5, float("nan"), 0.7, 0.9]}]}, "four finite numbers"),
        ({"boxes": [{"region": "left lung", "box": [0.5, 0.7, 0.9]}]}, "a box is four numbers"),
        ({"boxes": [{"region": "left lugn", "box": [0, 0, 1, 1]}]}, "did you mean 'left lung'"),
        ({"boxes": [{"name": "left lung", "box": [0, 0, 1, 1]}]}, "each of boxes is"),
        ({"boxes": {"left lung": [0, 0, 1, 1]}}, "not a list"),
        ({"boxes": "[1, 2"}, "line 1"),
        ({"projection": "sideways"}, "unknown projection: valid: AP"),
        ({"height": None}, "go together"),
        ({"image": ""}, "no image"),
        ({"split": "my split"}, "split: .*pattern"),
        ({"split": "all"}, "split: .*'all'"),
        ({"split": "a" * 65}, "split: "),
        ({"patient_id": float("nan")}, "column patient_id is not text"),
        ({"patient_id": ["p"]}, "column patient_id is not text"),
        ({"findings": True}, "column findings is not text"),
        ({"image": "a\0.png"}, "column image is not text"),
        ({"width": 100_001}, "width is not a whole number from 1 to 100000"),
        ({"width": 5001}, "no film has 5001x1000 pixels"),
        ({"boxes": "[" * 100_000}, "nested too deep"),
        ({"boxes": [{"region": "left lung", "box": [0, 0, 10**400, 1]}]}, "'left lung': a box is four finite numbers"),
        ({"boxes": [{"region": ["left lung"], "box": [0, 0, 1, 1]}]}, "each of boxes is"),
        ({"boxes": [{"region": "left lung", "box": [0, 0, 1, 1]}] * 2}, "region boxed twice: left lung"),
        ({"report": "FINDINGS: Clear."}, "both a whole report and single sections"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_the_rest_goes_on(tmp_path, wrong, reason):
    bad, good = read(tmp_path, [film(**wrong), film(study_id="other")])
    assert isinstance(bad, Rejected)
    assert bad.study_id == "s"
    assert re.search(reason, bad.reason), bad.reason
    assert isinstance(good, Study)


@pytest.mark.parametrize("study_id", [float("nan"), ["s"], {"a": 1}, False, "s\0"])
def test_a_study_id_that_is_no_text_is_called_by_its_line(tmp_path, study_id):
    bad, good = read(tmp_path, [film(study_id=study_id), film(study_id=7)])
    assert (bad.study_id, bad.reason) == ("t.jsonl line 1", "t.jsonl line 1: column study_id is not text")
    assert good.id == "7"


SECRET = "There is a nodule. Mr. X was told."


@pytest.mark.parametrize("column", ["width", "projection", "split", "boxes"])
def test_words_in_the_wrong_column_are_not_told(tmp_path, column):
    (bad,) = read(tmp_path, [film(**{column: SECRET})])
    assert SECRET not in bad.reason
    assert "nodule" not in bad.reason
    (named,) = read(tmp_path, [film(boxes=[{"region": SECRET, "box": [0, 0, 1]}])])
    assert "nodule" not in named.reason


def test_halves_of_the_heart_are_one_region(tmp_path):
    halves = [
        {"region": "left cardiac silhouette", "box": [0.5, 0.5, 0.75, 0.75]},
        {"region": "right cardiac silhouette", "box": [0.25, 0.5, 0.5, 0.75]},
    ]
    (study,) = read(tmp_path, [film(boxes=halves)], vocabulary="chest_imagenome")
    assert [(r.name, r.box.xyxy) for r in study.regions] == [("cardiac silhouette", (0.25, 0.5, 0.75, 0.75))]


def test_a_film_is_decoded_once_for_all_its_boxes(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encode_png(np.zeros((100, 200), np.float32)))
    decoded = []
    load = Source.film
    monkeypatch.setattr(Source, "film", lambda self, view: decoded.append(view.id) or load(self, view))
    boxes = [{"region": name, "box": [50, 25, 100, 50]} for name in ("left lung", "right lung", "trachea")]
    (study,) = read(
        tmp_path,
        [
            film(width=None, height=None, boxes=boxes),
        ],
        frame="pixels",
    )
    assert {region.box.xyxy for region in study.regions} == {(0.25, 0.25, 0.5, 0.5)}
    assert decoded == ["a.png"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_mapped_column_that_does_not_exist_is_refused(tmp_path, ending):
    (tmp_path / "t.csv").write_text("study_id,image,patient\ns,a.png,p\n")
    (tmp_path / "t.jsonl").write_text(json.dumps({"study_id": "s", "image": "a.png", "patient": "p"}) + "\n")
    values = {"kind": "table", "root": tmp_path, "table": f"t.{ending}"}
    with pytest.raises(InputError, match=r"column patent.*did you mean 'patient'\?"):
        list(open_source({**values, "columns": {"patient_id": "patent"}}).studies())
    (study,) = open_source({**values, "columns": {"patient_id": "patient"}}).studies()
    assert study.patient_id == "p"


def test_rows_that_contradict_each_other_are_rejected(tmp_path):
    differ, doubled = (
        read(tmp_path, [film(), film(image="b.png", patient_id="p")])[0],
        read(tmp_path, [film(), film()])[0],
    )
    assert "t.jsonl line 1, t.jsonl line 2: rows of one study differ in patient_id" in differ.reason
    assert "doubled view_id 'a.png'" in doubled.reason


def test_settings_are_checked(tmp_path):
    with pytest.raises(RecipeError, match="did you mean 'study_id'"):
        read(tmp_path, [], columns={"studyid": "x"})
    with pytest.raises(RecipeError, match="did you mean 'squash-336'"):
        read(tmp_path, [], frame="squash336")
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        list(open_source({"kind": "table", "root": tmp_path, "table": "none.csv"}).studies())
