"""Sources of boxes, on files made here: none of the datasets' own content stands in these tests."""

import csv
import json
import logging
import re

import pytest

from radtrace.anatomy import FINDINGS
from radtrace.errors import InputError, RecipeError
from radtrace.geometry import Box
from radtrace.records import Rejected, Study
from radtrace.sources import open_source
from radtrace.sources.boxes import finding_label, one_box_each, region_names


def read(kind, root, **settings):
    return list(open_source({"kind": kind, "root": root, **settings}).studies())


def by_id(cases):
    found = {case.study_id if isinstance(case, Rejected) else case.id: case for case in cases}
    assert len(found) == len(cases)
    return found


# --- NIH -------------------------------------------------------------------------------------------------------------
NIH = "file,nih_image,patient_id,view,labels,orig_width,orig_height"


def nih(root, rows, boxes):
    (root / "labels.csv").write_text("\n".join([NIH, *rows]) + "\n")
    (root / "boxes.json").write_text(boxes if isinstance(boxes, str) else json.dumps(boxes))
    return by_id(read("nih_boxes", root))


def nih_box(label="Effusion", xyxy=(0.1, 0.2, 0.3, 0.4)):
    return {"label": label, "source": "x", "xyxy_norm": list(xyxy)}


def test_nih_labels_and_boxes(tmp_path):
    boxes = [{"nih_image": "1_0.png", "boxes": [nih_box(), nih_box("Lung Opacity")]}]
    rows = [
        "images/1_0.jpg,1_0.png,7,PA,Effusion|Pleural_Thickening,2000,2500",
        "images/1_1.jpg,1_1.png,7,AP,No Finding,,",
    ]
    found = nih(tmp_path, rows, boxes)
    one, two = found["1_0"], found["1_1"]
    assert (one.patient_id, one.report, one.views[0].projection, one.views[0].height) == ("7", None, "PA", 2500)
    assert [(x.label, x.origin, x.box and x.box.xyxy) for x in one.labels] == [
        ("Pleural Effusion", "dataset", None),
        ("Pleural Thickening", "dataset", None),
        ("Pleural Effusion", "radiologist", (0.1, 0.2, 0.3, 0.4)),
        ("Lung Opacity", "radiologist", (0.1, 0.2, 0.3, 0.4)),
    ]
    assert (two.labels, two.views[0].width) == ((), None)


@pytest.mark.parametrize(
    ("row", "boxes", "reason"),
    [
        ("a.jpg,a.png,1,PA,Effusion,wide,9", [], "labels.csv line 2: orig_width is not a whole number"),
        ("a.jpg,a.png,1,PA,Efusion,9,9", [], "did you mean"),
        ("a.jpg,a.png,1,PA,Mass|Mass,9,9", [], "doubled label 'Mass'"),
        (",a.png,1,PA,Mass,9,9", [], "no nih_image or no file"),
        ("a.jpg,a.png,1,PA", [], "fewer cells"),
        ("a.jpg,a.png,1,PA,,9,9\na.jpg,a.png,1,PA,,9,9", [], "doubled nih_image: labels.csv line 2, labels.csv line 3"),
        ("a.jpg,a.png,1,PA,,9,9", [{"nih_image": "a.png", "boxes": []}] * 2, "doubled film: boxes.json entry 1, boxes"),
        ("a.jpg,a.png,1,PA,,9,9", [{"nih_image": "a.png"}], "boxes.json entry 1: boxes is not a list"),
        (
            "a.jpg,a.png,1,PA,,9,9",
            [{"nih_image": "a.png", "boxes": [nih_box(xyxy=(0.5, 0.1, 0.2, 0.9))]}],
            "boxes.json entry 1, box 1: .*inverted",
        ),
        ("a.jpg,a.png,1,PA,,9,9", [{"nih_image": "a.png", "boxes": [{"label": "Mass"}]}], "four numbers"),
        ("a.jpg,a.png,1,PA,,9,9", [{"nih_image": "a.png", "boxes": [nih_box(xyxy=(10**400, 0, 1, 1))]}], "finite"),
    ],
)
def test_a_bad_nih_film_costs_itself_only(tmp_path, row, boxes, reason):
    found = nih(tmp_path, [row, "b.jpg,b.png,2,PA,,9,9"], boxes)
    bad = found.get("a") or found["labels.csv line 2"]
    assert isinstance(bad, Rejected)
    assert re.search(reason, bad.reason), bad.reason
    assert isinstance(found["b"], Study)
    assert len(found) == 2


def test_nih_boxes_of_unknown_films_and_broken_files(tmp_path):
    found = nih(tmp_path, [], [{"nih_image": "z.png", "boxes": []}, "odd"])
    assert found["z"].reason == "boxes.json entry 1: labels.csv has no such film"
    assert "boxes.json entry 2" in found
    with pytest.raises(InputError, match=r"boxes\.json: not JSON"):
        nih(tmp_path, [], "[" * 100_000)
    with pytest.raises(InputError, match=r"boxes\.json: not a list"):
        nih(tmp_path, [], {})


def test_the_real_nih_films(data_dir):
    found = read("nih_boxes", data_dir / "boxes" / "nih")
    assert all(isinstance(case, Study) for case in found)
    labels = [label for study in found for label in study.labels]
    assert (len(found), sum(label.box is not None for label in labels)) == (730, 181)
    assert {label.label for label in labels} <= FINDINGS.keys()


def test_names_of_findings():
    assert finding_label("Pleural_Thickening") == "Pleural Thickening"
    assert finding_label(" infiltrate ") == "Infiltration"
    with pytest.raises(InputError, match="did you mean 'Pneumonia'"):
        finding_label("Pneumonie")


# --- COCO ------------------------------------------------------------------------------------------------------------
def coco(root, images, annotations, names=("left lung", "Nodule"), **settings):
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
    }
    (root / "c.json").write_text(json.dumps(document))
    return read("coco", root, annotations="c.json", **settings)


def image(number=1, **more):
    return {"id": number, "file_name": f"d/{number}.png", "width": 400, "height": 200, **more}


def drawn(number=1, category=0, bbox=(100, 50, 100, 50), **more):
    return {"id": 9, "image_id": number, "category_id": category, "bbox": list(bbox), **more}


def test_coco_categories_are_regions_or_findings(tmp_path):
    (tmp_path / "r.csv").write_text("study_id,findings\nd/1,A nodule.\n")
    annotations = [drawn(), drawn(category=1, label_text="small nodule"), drawn(category=2)]
    names = ("left lung", "nodule", "ETT", "logo")
    settings = {"categories": {"ETT": "Endotracheal Tube", "logo": ""}, "origin": "radiologist", "reports": "r.csv"}
    images = [image(split="val", projection="pa")]
    (study,) = coco(tmp_path, images, [*annotations, drawn(category=3, bbox=())], names, **settings)
    assert study.id == "d/1"
    assert (study.split, study.views[0].projection, study.report.findings) == ("val", "PA", "A nodule.")
    assert [(r.name, r.box.xyxy, r.origin) for r in study.regions] == [
        ("left lung", (0.25, 0.25, 0.5, 0.5), "radiologist")
    ]
    assert [(x.label, x.phrase) for x in study.labels] == [("Nodule", "small nodule"), ("Endotracheal Tube", "")]


def test_coco_images_of_one_study_and_another_vocabulary(tmp_path):
    images = [image(1, study_id="s", patient_id=4), image(2, study_id="s", patient_id=4)]
    (study,) = coco(tmp_path, images, [drawn(2)], ("whole lung",), vocabulary="boxmed_rl")
    assert (study.id, study.patient_id, len(study.views)) == ("s", "4", 2)
    assert [(r.name, r.view_id) for r in study.regions] == [("right lung", "d/2.png"), ("left lung", "d/2.png")]


@pytest.mark.parametrize(
    ("images", "annotations", "reason"),
    [
        ([image(width=None)], [], "c.json: images entry 1: width and height"),
        ([image(file_name="")], [], "no id or no file_name"),
        ([image(file_name="..", id=None)], [], "no id or no file_name"),
        ([image(), image()], [], "doubled image id 1"),
        ([image()], [drawn(bbox=(1, 2, 3))], "c.json: annotations entry 1: a box is four numbers"),
        ([image()], [drawn(bbox=(1, 2, -3, 4))], "is no box in frame"),
        ([image()], [drawn(bbox=(390, 0, 30, 10))], "is no box in frame"),
        ([image()], [drawn(category=7)], "there is no category '7'"),
        ([image(study_id="s"), image(2, study_id="s", split="test")], [], "differ in split"),
        ([image(width=10**6, height=10**6)], [], "no film has 1000000x1000000 pixels"),
        ([image(width=600, height=100)], [], "no film has 600x100 pixels"),
        ([image(file_name="a\0.png")], [], "column file_name is not text"),
        ([image(patient_id=[1])], [], "column patient_id is not text"),
        ([image(study_id=True)], [], "column study_id is not text"),
        ([image()], [drawn(), drawn()], "c.json: images entry 1: region boxed twice: left lung"),
        ([image()], [drawn(category="The lungs. Mr. X.")], "there is no category (no name)"),
    ],
)
def test_a_bad_coco_image_costs_itself_only(tmp_path, images, annotations, reason):
    bad, good = coco(tmp_path, [*images, image(50)], annotations)
    assert isinstance(bad, Rejected)
    assert reason in bad.reason
    assert good.id == "d/50"


def test_coco_what_belongs_to_nothing(tmp_path):
    (tmp_path / "r.csv").write_text("study_id,findings\n,Lost.\n")
    study, orphan, lost = coco(tmp_path, [image()], [drawn(8)], reports="r.csv")
    assert isinstance(study, Study)
    assert (orphan.study_id, orphan.reason) == ("image 8", "c.json: annotations entry 1: there is no such image")
    assert lost.reason == "r.csv line 2: no study_id"


def test_a_report_that_is_no_text_costs_its_study_only(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"study_id": "d/1", "findings": ["Made up."]}\n')
    bad, good = coco(tmp_path, [image(), image(2)], [], reports="r.jsonl")
    assert (bad.study_id, bad.reason) == ("d/1", "r.jsonl line 1: column findings is not text")
    assert good.id == "d/2"


def test_coco_orphans_have_names_of_their_own(tmp_path):
    assert [case.study_id for case in coco(tmp_path, [], [drawn(8), drawn("8")])] == ["image 8", "image '8'"]


def test_coco_files_that_cannot_be_read_at_all(tmp_path):
    with pytest.raises(InputError, match=r"'left lugn', 'Nodul' are neither regions nor findings.*'left lung'"):
        coco(tmp_path, [], [], ("left lugn", "Nodul"))
    (tmp_path / "c.json").write_text(r'["\ud83d"]')
    with pytest.raises(InputError, match=r"c\.json: has half a surrogate pair"):
        read("coco", tmp_path, annotations="c.json")
    (tmp_path / "c.json").write_text("[]")
    with pytest.raises(InputError, match="lacks the list 'images'"):
        read("coco", tmp_path, annotations="c.json")
    with pytest.raises(InputError, match=r"none\.json: No such file"):
        read("coco", tmp_path, annotations="none.json")


def test_a_wrong_frame_is_named(tmp_path, caplog):
    """Boxes written in a 336 square, stated in pixels of films of 2000 and more."""
    images = [image(n, width=2000, height=2400) for n in range(30)]
    annotations = [drawn(n, bbox=(10 * n, 8 * n, 10 * n + 40, 8 * n + 80)) for n in range(30)]
    with pytest.raises(InputError, match="no box goes past 17 % of the frame 'pixels'; they fit 'squash-336'"):
        coco(tmp_path, images, annotations, frame="pixels")
    with caplog.at_level(logging.WARNING):
        found = coco(tmp_path, images, annotations, frame="pixels", frame_check="warn")
    assert "they fit 'squash-336'; set source.frame" in caplog.text
    assert len(found) == 30
    with pytest.raises(RecipeError, match="did you mean 'squash-336'"):
        coco(tmp_path, [], [], frame="squash336")


def test_names_of_one_region_give_their_hull_and_a_union_gives_way():
    left, right, both = (Box.of(xyxy) for xyxy in ((0.5, 0.2, 0.9, 0.8), (0.1, 0.3, 0.5, 0.9), (0, 0, 1, 1)))
    halves = [("left half", ("cardiac silhouette",), left), ("right half", ("cardiac silhouette",), right)]
    (heart,) = one_box_each(halves, "v", "dataset")
    assert heart.box == Box.of((0.1, 0.2, 0.9, 0.9))
    lungs = one_box_each([("l", ("left lung",), left), ("both", ("right lung", "left lung"), both)], "v", "dataset")
    assert {region.name: region.box for region in lungs} == {"right lung": both, "left lung": left}
    with pytest.raises(ValueError, match="region boxed twice: left lung"):
        one_box_each([("l", ("left lung",), left), ("l", ("left lung",), left)], "v", "dataset")


@pytest.mark.parametrize("words", ["The left lung is clear. Mr. X was told.", "left lung " * 9, "lung\n"])
def test_what_is_no_name_is_not_quoted(words):
    for reader in (finding_label, lambda name: region_names(name, "chest_imagenome")):
        with pytest.raises(InputError) as caught:
            reader(words)
        assert words not in str(caught.value)
        assert repr(words)[1:-1] not in str(caught.value)


# --- MS-CXR ----------------------------------------------------------------------------------------------------------
MS_CXR = ["dicom_id", "category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height", "split"]


def phrase(**more):
    row = dict(zip(MS_CXR, ["d1", "Pneumonia", "made up", "", 100, 50, 100, 50, 400, 200, "val"], strict=True))
    return {**row, "path": "files/p10/p1000/s5000/d1.jpg", **more}


def ms_cxr(root, rows, **settings):
    with (root / "MS_CXR_Local_Alignment.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, MS_CXR)
        writer.writeheader()
        writer.writerows(rows)
    return read("ms_cxr", root, **settings)


def test_ms_cxr_phrases_are_labels_with_boxes(tmp_path):
    (tmp_path / "files/p10/p1000").mkdir(parents=True)
    (tmp_path / "files/p10/p1000/s5000.txt").write_text("FINDINGS: Made up words.\nIMPRESSION: None.")
    rows = [phrase(), phrase(x=0, category_name="Edema"), phrase(dicom_id="d2", path="files/p10/p1000/s5000/d2.jpg")]
    (study,) = ms_cxr(tmp_path, rows, reports=".")
    assert (study.id, study.patient_id, study.split) == ("s5000", "p1000", "val")
    assert [(x.label, x.phrase, x.view_id, x.box.xyxy) for x in study.labels] == [
        ("Pneumonia", "made up", "d1", (0.25, 0.25, 0.5, 0.5)),
        ("Edema", "made up", "d1", (0.0, 0.25, 0.25, 0.5)),
        ("Pneumonia", "made up", "d2", (0.25, 0.25, 0.5, 0.5)),
    ]
    assert study.report.findings == "Made up words."
    assert ms_cxr(tmp_path, [phrase()])[0].report is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"w": ""}, "line 2: x, y, w, h are not four numbers"),
        ({"w": -5}, "line 2: .*no box in frame"),
        ({"x": 350}, "line 2: .*no box in frame"),
        ({"image_width": ""}, "image_width and image_height go together"),
        ({"category_name": "Nothing"}, "unknown finding"),
        ({"dicom_id": ""}, "no dicom_id"),
    ],
)
def test_a_bad_ms_cxr_row_costs_its_study_only(tmp_path, wrong, reason):
    bad, good = ms_cxr(tmp_path, [phrase(**wrong), phrase(path="files/p10/p1000/s6000/d9.jpg", dicom_id="d9")])
    assert bad.study_id == "s5000"
    assert re.search(reason, bad.reason), bad.reason
    assert "made up" not in bad.reason
    assert good.id == "s6000"


def test_ms_cxr_contradictions_and_lost_reports(tmp_path):
    assert "differ in split" in ms_cxr(tmp_path, [phrase(), phrase(split="test")])[0].reason
    assert "differ in path or size" in ms_cxr(tmp_path, [phrase(), phrase(image_width=500)])[0].reason
    assert "s5000.txt: No such file" in ms_cxr(tmp_path, [phrase()], reports=".")[0].reason
    assert "does not lead to a report" in ms_cxr(tmp_path, [phrase(path="../../x/d1.jpg")], reports=".")[0].reason
    (study,) = ms_cxr(tmp_path, [phrase(path="d1.jpg")])
    assert (study.id, study.patient_id) == ("d1", None)


# --- GEMeX -----------------------------------------------------------------------------------------------------------
def question(text="", number=5000, **more):
    path = f"files/p10/p1000/s{number}/a.jpg"
    return {"image_path": path, "question": "q", "question_type": "open", "thinkVG": text, "response": "r", **more}


def located(name, *box):
    return f"I look at <location><ref>{name}</ref><box>{list(box)}</box></location>."


def gemex(root, rows, **settings):
    (root / "g.json").write_text(json.dumps(rows))
    return read("gemex_thinkvg", root, annotations="g.json", **settings)


def test_gemex_thinking_gives_regions_and_no_words(tmp_path):
    text = located("Right lung", 0, 0, 168, 336) + located("bilateral lung", 0, 0, 336, 336)
    text += located("left knee", 0, 0, 9, 9) + "<location><ref/><box>[1, 2, 3, 4]</box></location>"
    (study,) = gemex(tmp_path, [question(text), question(located("right lung", 0, 0, 170, 336))])
    assert (study.id, study.patient_id, study.report) == ("s5000", "p1000", None)
    assert [(r.name, r.box.xyxy) for r in study.regions] == [("right lung", (0.0, 0.0, 0.5, 1.0))]
    assert study.notes == (
        "1 boxes left out: a second box of its region",
        "2 boxes left out: of no region that we know",
        "1 boxes left out: of several regions at once",
    )


def test_gemex_older_fields_in_their_frame(tmp_path):
    older = {"visual_regions": ["spine", "carina"], "visual_locations": [[56, 0, 112, 224], [[0, 0, 112, 112]]]}
    rows = [question(ori_report="FINDINGS: Made up.", **older), question(ori_report="FINDINGS: Made up.")]
    (study,) = gemex(tmp_path, rows, frame="squash-224")
    assert {r.name: r.box.xyxy for r in study.regions} == {"spine": (0.25, 0, 0.5, 1), "carina": (0, 0, 0.5, 0.5)}
    assert study.report.findings == "Made up."
    as_text = {name: json.dumps(value) for name, value in older.items()}
    assert gemex(tmp_path, [question(**as_text)], frame="squash-224")[0].regions == study.regions


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (question(located("spine", 9, 9, 3, 30)), "entry 1: .*is no box"),
        (question(located("spine", 9, 9, 400, 30)), "entry 1: .*is no box"),
        (question(located("spine", 9, 9, 40)), "entry 1: a box is four numbers"),
        (question("<location><ref>spine</ref><box>[1, 2</box></location>" + located("spine", 1, 2)), "four numbers"),
        (question("<location><ref>spine</ref><box>[1 2 3 4]</box></location>"), "not JSON"),
        (question(visual_regions=["spine"], visual_locations=[]), None),
        (question(visual_regions=["spine"], visual_locations=[[1, 2, 3, 4], [1, 2, 3, 4]]), "same length"),
    ],
)
def test_a_bad_gemex_row_costs_its_study_only(tmp_path, row, reason):
    bad, good = gemex(tmp_path, [row, question(number=6000)])
    assert isinstance(good, Study)
    assert isinstance(bad, Rejected) == (reason is not None)
    assert reason is None or re.search(reason, bad.reason), bad.reason


def test_gemex_odd_files(tmp_path):
    odd, nameless = gemex(tmp_path, ["odd", {"question": "q"}])
    assert (odd.reason, nameless.reason) == ("g.json entry 1: not a JSON object", "g.json entry 2: lacks image_path")
    with pytest.raises(InputError, match="not a list"):
        gemex(tmp_path, {})
    assert "differ in ori_report" in gemex(tmp_path, [question(ori_report="A."), question(ori_report="B.")])[0].reason


def test_the_older_gemex_read_in_the_newer_frame_is_refused(tmp_path):
    """Twenty boxes of a 224 square never pass two thirds of a 336 one."""
    rows = [question(located("spine", 5 * n, 5 * n, 5 * n + 120, 5 * n + 120), number=n + 1) for n in range(20)]
    with pytest.raises(
        InputError, match=r"g\.json: no box goes past 64 % of the frame 'squash-336'; they fit 'squash-224'"
    ):
        gemex(tmp_path, rows)
    assert all(isinstance(case, Study) for case in gemex(tmp_path, rows, frame_check="off"))
    assert len(gemex(tmp_path, rows, frame="squash-224")) == 20
