import numpy as np
import pytest

from radtrace.anatomy import REGIONS
from radtrace.findings import NIH14
from radtrace.metrics.clinical.gold import Gold
from radtrace.records import Label, Report, Study, View
from radtrace.train.encoder.targets import (
    ABNORMAL,
    GOLD_OF,
    Reading,
    choose_labels,
    read_study,
    region_boxes,
    sided,
    targets_of,
)


def study(findings: str, name: str = "s", impression: str = "", labels: tuple[Label, ...] = ()) -> Study:
    view = View(id="v", uri="v.png")
    report = Report(findings=findings, impression=impression)
    return Study(id=name, source="test", views=(view,), report=report, labels=labels)


def gold(*positive: str, normal: bool = False) -> Gold:
    row = tuple(int(column in positive) for column in NIH14)
    return Gold("", "nih14", {"s": row}, frozenset({"s"} if normal else ()), "column")


# text, column, how sure
SAID = [
    ("The heart is enlarged.", "Cardiomegaly", 1.0),
    ("The heart is enlarged.", ABNORMAL, 1.0),
    ("No pleural effusion.", "Pleural Effusion", 0.0),
    ("No pleural effusion.", ABNORMAL, 0.0),
    ("There may be a small pleural effusion.", "Pleural Effusion", 0.5),
    ("Probable atelectasis.", "Atelectasis", 0.8),
    ("Small right pleural effusion.", sided("Pleural Effusion", "right"), 1.0),
    ("A pacemaker is in place.", "Support Devices", 1.0),
]


@pytest.mark.parametrize(("text", "column", "sure"), SAID)
def test_a_report_says_how_sure_it_is(text: str, column: str, sure: float) -> None:
    assert read_study(study(text), True, None).said[column] == sure


def test_the_strongest_mention_counts_over_both_sections() -> None:
    reading = read_study(study("No pleural effusion.", impression="Pleural effusion."), True, None)
    assert reading.said["Pleural Effusion"] == 1.0


def test_the_gold_file_has_the_last_word_on_its_columns() -> None:
    reading = read_study(study("The heart is enlarged. Scoliosis."), True, gold("Atelectasis"))
    assert reading.said["Cardiomegaly"] == 0.0
    assert reading.said["Atelectasis"] == 1.0
    assert reading.said["Scoliosis"] == 1.0
    assert read_study(study("Scoliosis."), True, gold(normal=True)).said[ABNORMAL] == 0.0


def test_a_side_is_unknown_where_nobody_told_it() -> None:
    labels = ("Pleural Effusion", "Pleural Effusion, right", "Pleural Effusion, left")
    texts = ("Small pleural effusion.", "Small right pleural effusion.", "No pleural effusion.")
    targets = targets_of([read_study(study(text), True, None) for text in texts], [False] * 3, labels)
    assert targets.known.tolist() == [[True, False, False], [True, True, True], [True, True, True]]
    assert targets.values.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_what_a_partial_reading_does_not_name_is_unknown_unless_it_is_normal() -> None:
    labels = ("Cardiomegaly", "Scoliosis")
    readings = [read_study(study(text), False, None) for text in ("Cardiomegaly.", "Normal chest.")]
    assert targets_of(readings, [False, False], labels).known.tolist() == [[True, False], [True, True]]


def test_mined_labels_are_doubtful_and_known_of_every_film_that_has_them() -> None:
    named = Label(label="Cardiomegaly", view_id="v", origin="dataset")
    readings = [read_study(study("", labels=labels), True, None) for labels in ((named,), ())]
    targets = targets_of(readings, [True, True], (ABNORMAL, "Cardiomegaly", "Scoliosis"))
    assert targets.values.tolist() == [[1.0, pytest.approx(0.9), 0.0], [0.0, pytest.approx(0.1), 0.0]]
    assert targets.known.tolist() == [[True, True, False], [True, True, False]]


def test_findings_are_learnt_from_enough_positives_in_the_order_of_the_table() -> None:
    texts = ["Right pleural effusion. Cardiomegaly."] * 2 + ["Left pleural effusion."] * 2 + ["Scoliosis."]
    readings = [read_study(study(text), True, None) for text in texts]
    assert choose_labels(readings, 2, 2) == (
        ABNORMAL,
        "Cardiomegaly",
        "Pleural Effusion",
        "Pleural Effusion, right",
        "Pleural Effusion, left",
    )
    assert choose_labels(readings, 3, 3) == (ABNORMAL, "Pleural Effusion")


def test_a_finding_of_one_side_lies_in_the_regions_of_that_side() -> None:
    places = {"Atelectasis": frozenset({"right lower lung zone", "left lower lung zone"})}
    regions = np.full((len(REGIONS), 4), np.nan, np.float32)
    regions[REGIONS.index("right lower lung zone")] = (0.1, 0.5, 0.4, 0.8)
    regions[REGIONS.index("left lower lung zone")] = (0.6, 0.5, 0.9, 0.8)
    reading = Reading({}, True, places)
    assert len(region_boxes(reading, "Atelectasis", regions)) == 2
    assert region_boxes(reading, "Atelectasis, left", regions)[0].tolist() == pytest.approx([0.6, 0.5, 0.9, 0.8])
    assert len(region_boxes(reading, "Nodule", regions)) == 0
    assert len(region_boxes(reading, "Atelectasis", np.full_like(regions, np.nan))) == 0


def test_the_gold_file_settles_the_finding_of_each_columns_name() -> None:
    assert GOLD_OF["Pneumothorax"] == "Pneumothorax"
    assert GOLD_OF["Pleural Effusion"] == "Effusion"
    assert GOLD_OF["Pleural Thickening"] == "Pleural_Thickening"
    assert "Hernia" not in GOLD_OF.values()
