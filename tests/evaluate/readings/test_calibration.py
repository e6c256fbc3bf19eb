import io

import numpy as np
import pytest
from PIL import Image

from radtrace.evaluate.readings.calibration import (
    Stated,
    against_gold,
    against_reports,
    bins_of,
    brier,
    brier_rows,
    calibration_error,
    skill,
    summary,
)
from radtrace.evaluate.readings.plot import draw_reliability, wilson
from radtrace.findings import NIH14
from radtrace.metrics.clinical.gold import Gold
from radtrace.records import Assessment, Label, Report, Study, Trace, View


def stated(probabilities, truth):
    values = np.array(probabilities, float)
    return Stated(("a",), values[:, None], np.array(truth, bool)[:, None], np.ones((len(values), 1), bool))


def test_the_calibration_error_is_the_gap_of_each_bin_weighed_by_its_count():
    # Bin .1-.2: said .15, one of two true (gap .35). Bin .8-.9: said .85, true (gap .15). (2 x .35 + 1 x .15) / 3.
    sums = bins_of(stated([0.1, 0.2 - 1e-9, 0.85], [0, 1, 1]), [0]).sum(0)
    assert float(calibration_error(sums)) == pytest.approx((2 * 0.35 + 0.15) / 3)


def test_the_brier_score_and_its_skill_over_prevalence():
    # Errors .01, .04, .09: mean .14 / 3. Stating 1/3 each time: (1/9 + 1/9 + 4/9) / 3.
    rows = brier_rows(stated([0.1, 0.2, 0.7], [0, 0, 1]), [0]).sum(0)
    assert float(brier(rows)) == pytest.approx(0.14 / 3)
    assert float(skill(rows)) == pytest.approx(1 - 0.14 / (6 / 9))


def test_what_is_not_assessed_is_not_judged_but_counted():
    said = summary(stated([0.1, np.nan, 0.9, 0.8], [0, 1, 1, 1]))
    assert said["assessed"] == 0.75
    assert said["positives_assessed"] == pytest.approx(2 / 3)
    assert (said["all"]["judged"], said["all"]["positives"]) == (3, 2)
    assert said["supported"] == {"judged": 0}


def trace(study, **probabilities):
    each = tuple(Assessment(label=name.replace("_", " "), probability=p) for name, p in probabilities.items())
    return Trace(study_id=study, view=View(id="v", uri="v.png"), steps=(), assessments=each)


def test_gold_and_reports_are_the_truth_and_silence_is_absence():
    row = [0] * 14
    row[NIH14.index("Atelectasis")] = 1
    gold = Gold("", "nih14", {"1": tuple(row)}, frozenset(), "column")
    traces = {"1": trace("1", Atelectasis=0.7, Cardiomegaly=0.2, Edema=None), "2": trace("2", Edema=0.5)}
    found = against_gold(traces, gold)
    at = found.names.index
    assert found.probabilities.shape == (1, 13)  # Hernia is empty throughout the file
    assert found.probabilities[0, at("Atelectasis")] == 0.7
    assert found.truth[0].sum() == 1
    assert np.isnan(found.probabilities[0, at("Edema")])
    report = Report(findings="There is mild cardiomegaly. Possible atelectasis. No edema.")
    study = Study(id="1", source="openi", views=(), report=report)
    found = against_reports(traces, [study])
    at = found.names.index
    assert found.truth[0, at("Cardiomegaly")]
    assert not found.known[0, at("Atelectasis")]  # uncertain
    assert found.known[0, at("Pneumothorax")]
    assert not found.truth[0, at("Pneumothorax")]


@pytest.mark.parametrize("report", [None, Report(findings="", impression=" ")])
def test_without_a_report_nothing_is_known_and_labels_are_no_report(report):
    labels = (Label(label="Edema", view_id="v", origin="dataset"),)
    found = against_reports(
        {"1": trace("1", Edema=0.5)}, [Study(id="1", source="s", views=(), report=report, labels=labels)]
    )
    assert not found.known.any()
    assert summary(found)["all"] == {"judged": 0}
    impression = Report(findings="", impression="No edema.")
    found = against_reports({"1": trace("1", Edema=0.5)}, [Study(id="1", source="s", views=(), report=impression)])
    assert found.judged.sum() == 1


def test_the_plot_is_a_picture_with_a_panel_each():
    picture = Image.open(io.BytesIO(draw_reliability({str(n): [(0.1, 0.2, 9), (0.8, 1.0, 3)] for n in range(5)})))
    assert picture.size == (4 * 300, 2 * 300)
    low, high = wilson(0.5, 100)
    assert (low, high) == (pytest.approx(0.404, abs=1e-3), pytest.approx(0.596, abs=1e-3))
