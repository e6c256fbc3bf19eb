import csv
import tarfile
from collections import Counter

import numpy as np
import pytest

from radtrace.config import SOURCES
from radtrace.errors import InputError, RecipeError
from radtrace.images import encode_png
from radtrace.records import Rejected, Study
from radtrace.sources import open_source

IMAGE_COLUMNS = ["uid", "image_id", "file", "projection", "dicom_view_position", "orig_width", "orig_height"]
STUDY_COLUMNS = ["uid", "findings", "impression", "indication", "comparison", "mesh", "r2gen_split"]


def write(root, images, studies):
    for name, columns, rows in (("reports.csv", IMAGE_COLUMNS, images), ("studies.csv", STUDY_COLUMNS, studies)):
        with (root / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows([columns, *rows])


def studies(root, **settings):
    return list(open_source({"kind": "openi", "root": root, **settings}).studies())


def test_both_tables_make_studies(tmp_path):
    write(
        tmp_path,
        [
            ["7", "CXR7_1", "images/a.jpg", "Frontal", "PA", "2320.0", "2828.0"],
            ["7", "CXR7_2", "images/b.jpg", "Lateral", "PA", "2320.0", "2828.0"],
            ["8", "CXR8_1", "images/c.jpg", "Frontal", "", "", ""],
        ],
        [
            ["7", "Lungs are clear.", "Normal.", "Cough", "None.", "normal", "train"],
            ["8", "", "Normal.", "", "", "SECRET LABEL", ""],
            ["9", "Lungs are clear.", "", "", "", "", "val"],
        ],
    )
    seven, eight, nine = studies(tmp_path)
    assert [view.projection for view in seven.views] == ["PA", "lateral"]
    assert (seven.views[0].width, seven.views[0].height, seven.split) == (2320, 2828, "train")
    assert (eight.views[0].projection, eight.views[0].width, eight.split) == ("frontal", None, None)
    assert nine.views == ()
    assert "SECRET" not in eight.model_dump_json()


def test_a_bad_row_costs_its_own_study_only(tmp_path):
    write(
        tmp_path,
        [
            ["1", "A", "images/a.jpg", "Frontal", "PA", "wide", "2828"],
            ["2", "B", "images/b.jpg", "Frontal", "PA", "20", "28"],
            ["3", "B", "images/b.jpg", "Frontal", "PA", "20", "28"],
            ["5", "E", "images/e.jpg", "Frontal", "PA", "20", "28"],
        ],
        [[uid, "Clear.", "", "", "", "", ""] for uid in ("1", "2", "3", "4", "4")],
    )
    found = {case.study_id if isinstance(case, Rejected) else case.id: case for case in studies(tmp_path)}
    assert isinstance(found["2"], Study)
    assert "reports.csv line 2: orig_width is not a whole number" in found["1"].reason
    assert "doubled image_id B" in found["3"].reason
    assert found["4"].reason == "doubled uid: studies.csv line 5, studies.csv line 6"
    assert "studies.csv has no row" in found["5"].reason
    assert len(found) == 5


def test_a_missing_column_is_named(tmp_path):
    write(tmp_path, [], [])
    (tmp_path / "studies.csv").write_text("uid,findings\n")
    with pytest.raises(InputError, match=r"studies\.csv: lacks the column impression, indication, comparison"):
        studies(tmp_path)


def test_an_empty_folder_and_an_unknown_split_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds neither reports"):
        studies(tmp_path)
    with pytest.raises(RecipeError, match=r"source\.split"):
        studies(tmp_path, split="valid")
    with pytest.raises(RecipeError, match="did you mean 'openi'"):
        open_source({"kind": "openai", "root": tmp_path})
    with pytest.raises(RecipeError, match=r"source\.kind"):
        open_source({"root": tmp_path})
    assert "openi" in SOURCES


XML = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR{uid}"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="INDICATION"/>
<AbstractText Label="FINDINGS">Lungs are clear.</AbstractText>
<AbstractText Label="IMPRESSION">Normal &amp; well.</AbstractText>
</Abstract></Article></MedlineCitation><MeSH><major>SECRET LABEL</major></MeSH>
<parentImage id="CXR{uid}_IM-1-1001"/><parentImage id="CXR{uid}_IM-1-2001"/></eCitation>"""


def test_the_official_layout(tmp_path):
    (tmp_path / "ecgen-radiology").mkdir()
    (tmp_path / "NLMCXR_png").mkdir()
    for name, uid in (("2", 2), ("10", 10), ("11", 10)):
        (tmp_path / "ecgen-radiology" / f"{name}.xml").write_text(XML.format(uid=uid))
    (tmp_path / "ecgen-radiology" / "12.xml").write_text("<eCitation>")
    (tmp_path / "NLMCXR_png" / "CXR2_IM-1-1001.png").write_bytes(encode_png(np.zeros((64, 64), np.float32)))
    two, ten, doubled, broken = studies(tmp_path)
    assert (two.id, ten.id) == ("2", "10")
    assert two.report.impression == "Normal & well."
    assert two.views[0].uri == "NLMCXR_png/CXR2_IM-1-1001.png"
    assert {view.projection for view in two.views} == {"unknown"}
    assert doubled.reason == "doubled uid 10: ecgen-radiology/10.xml, ecgen-radiology/11.xml"
    assert (doubled.study_id, broken.study_id) == ("file ecgen-radiology/11.xml", "file ecgen-radiology/12.xml")
    assert "SECRET" not in two.model_dump_json()


def test_xml_reports_that_cannot_be_used_are_told_apart(tmp_path):
    """A broken 5.xml beside the report of uid 5, the same broken name in two folders, one uid three times."""
    files = {"a/5.xml": "<eCitation>", "b/5.xml": "<eCitation>", "a/6.xml": 5, "a/7.xml": 8, "a/8.xml": 8, "b/8.xml": 8}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content if isinstance(content, str) else XML.format(uid=content))
    ids = [case.study_id if isinstance(case, Rejected) else case.id for case in studies(tmp_path)]
    assert ids == ["file a/5.xml", "file b/5.xml", "5", "8", "file a/8.xml", "file b/8.xml"]


def test_an_odd_split_or_size_costs_its_own_study_only(tmp_path):
    cases = [("1", 1600, ""), ("2", 200, "tr ain"), ("3", 200, "val")]
    write(
        tmp_path,
        [[uid, uid, "images/a.jpg", "Frontal", "PA", width, "300"] for uid, width, _ in cases],
        [[uid, "Clear.", "", "", "", "", split] for uid, _, split in cases],
    )
    wide, odd, good = studies(tmp_path)
    assert wide.reason == (
        "reports.csv line 2: no film has 1600x300 pixels: sides are up to 100000, and one up to 5 times the other"
    )
    assert odd.reason.startswith("studies.csv line 3: split: ")
    assert "tr ain" not in odd.reason
    assert good.split == "val"
    with pytest.raises(InputError, match=r"there are \{'unsplit': 1, 'other': 1, 'val': 1\}"):
        studies(tmp_path, split="test")


def test_both_layouts_of_the_real_collection_agree(data_dir, tmp_path):
    tables = {study.id: study for study in studies(data_dir / "openi")}
    with tarfile.open(data_dir / "openi" / "NLMCXR_reports.tgz") as archive:
        archive.extractall(tmp_path, filter="data")
    xml = {study.id: study for study in studies(tmp_path)}
    assert tables.keys() == xml.keys()
    assert all(isinstance(study, Study) for study in tables.values())
    words = lambda study: (study.report.findings.split(), study.report.impression.split())  # noqa: E731
    assert all(words(tables[name]) == words(xml[name]) for name in tables)
    assert Counter(study.split for study in tables.values()) == {"train": 2069, "val": 296, None: 1000}


def test_a_split_of_the_real_collection(data_dir):
    assert len(studies(data_dir / "openi", split="val")) == 296
    assert len(studies(data_dir / "openi", split=["train", "unsplit"])) == 3069
    with pytest.raises(InputError, match=r"no study in split 'test'; there are \{'train': 2069"):
        studies(data_dir / "openi", split="test")


def test_a_real_film_has_its_true_aspect(data_dir):
    source = open_source({"kind": "openi", "root": data_dir / "openi"})
    view = next(study for study in source.studies() if study.id == "1").views[0]
    film = source.film(view)
    assert (view.width, view.height) == (2320, 2828)
    assert (film.width, film.height) == (256, 312)
