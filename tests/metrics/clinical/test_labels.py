import numpy as np
import pytest

from radtrace.findings import CHEXPERT
from radtrace.metrics import PRESETS, Pair
from radtrace.metrics.clinical.chexpert_rules import chexpert_rules
from radtrace.metrics.clinical.label_scores import PRESENT, UNCERTAIN, Labelled, label_scores
from radtrace.metrics.clinical.priors import compares, prior_hallucination
from radtrace.metrics.clinical.rules import labels_of

NAMES = ("No Finding", "Edema", "Fracture")
P, U = PRESENT, UNCERTAIN


def labelled(predicted, wanted, failed=()):
    count = len(wanted)
    return Labelled(
        "x",
        NAMES,
        np.array(predicted, np.int8),
        np.array(wanted, np.int8),
        np.ones(count, bool),
        np.array([row in failed for row in range(count)]),
    )


def values(labels, uncertain="present", macro="occurring"):
    return {score.name: score for score in label_scores(labels, uncertain, macro)}


# No Finding  Edema  Fracture
WANTED = [[P, 0, 0], [0, P, 0], [0, U, P], [P, 0, 0]]
PREDICTED = [[P, 0, 0], [0, P, P], [0, 0, P], [0, P, 0]]


def test_counts_by_hand():
    scores = values(labelled(PREDICTED, WANTED))
    # No Finding: tp 1, fn 1. Edema, uncertain as present: tp 1, fp 1, fn 1. Fracture: tp 1, fp 1.
    expected = {
        "x_micro_f1": 2 * 3 / (2 * 3 + 2 + 2),
        "x_macro_f1": (2 / 3 + 1 / 2 + 2 / 3) / 3,
        "x_macro_f1_supported": None,
        "x_micro_f1_top5": 1 / 2,
        "x_macro_f1_top5": 1 / 2,
        "x_f1_no_finding": 2 / 3,
        "x_sensitivity_no_finding": 1 / 2,
        "x_specificity_no_finding": 1,
        "x_sensitivity_edema": 1 / 2,
        "x_specificity_edema": 1 / 2,
        "x_specificity_fracture": 2 / 3,
        # Studies 1 and 2, Edema and Fracture: tp 2, fp 1, fn 1.
        "x_f1_not_normal": 2 / 3,
        "x_false_alarms_on_normal": 1 / 2,
    }
    assert {name: scores[name].value for name in expected} == pytest.approx(expected)
    assert scores["x_micro_f1"].per_sample == pytest.approx((1, 2 / 3, 2 / 3, 0))
    assert scores["x_f1_edema"].per_sample == (None, 1, 0, 0)
    assert scores["x_sensitivity_fracture"].per_sample == (None, None, 1, None)
    assert scores["x_false_alarms_on_normal"].per_sample == (0, None, None, 1)


@pytest.mark.parametrize(
    ("uncertain", "f1"),
    # Edema: the uncertain reference of study 2 is a miss, a right "not there", or left out.
    [("present", 2 / 4), ("absent", 2 / 3), ("ignored", 2 / 3)],
)
def test_what_uncertain_counts_as_is_stated(uncertain, f1):
    score = values(labelled(PREDICTED, WANTED), uncertain)["x_f1_edema"]
    assert score.value == pytest.approx(f1)
    assert f"uncertain:{uncertain}" in score.signature


def test_an_uncertain_cell_is_left_out_on_either_side():
    scores = values(labelled([[0, U, 0]], [[0, 0, P]]), "ignored")
    assert scores["x_specificity_edema"].value is None
    assert values(labelled([[0, U, 0]], [[0, 0, P]]), "present")["x_specificity_edema"].value == 0
    assert values(labelled([[0, U, 0]], [[0, 0, P]]), "absent")["x_specificity_edema"].value == 1


def test_a_class_that_never_occurs_is_zero_or_left_out():
    labels = labelled([[0, P, 0]], [[0, P, 0]])
    assert values(labels, macro="occurring")["x_macro_f1"].value == 1
    assert values(labels, macro="all")["x_macro_f1"].value == pytest.approx(1 / 3)
    assert values(labels)["x_f1_fracture"].value is None


def test_a_failed_prediction_is_right_about_nothing():
    scores = values(labelled([[0, 0, 0]] * 2, [[P, 0, 0], [0, P, 0]], failed=(0, 1)))
    worst = {name: 1.0 if "false_alarms" in name else 0.0 for name in scores}
    assert {name: score.value for name, score in scores.items() if score.value is not None} == {
        name: worst[name]
        for name in scores
        if name not in ("x_macro_f1_supported", "x_f1_fracture", "x_sensitivity_fracture")
    }


def test_supported_classes_have_ten_positives():
    labels = labelled([[P, 0, 0]] * 10 + [[0, 0, P]], [[P, 0, 0]] * 10 + [[0, P, 0]])
    assert values(labels)["x_macro_f1_supported"].value == 1
    assert values(labels)["x_macro_f1"].value == pytest.approx(1 / 3)


def test_the_rules_read_both_sides(pairs):
    scores = {score.name: score for score in chexpert_rules(pairs, PRESETS["r2gen"])}
    # Prediction and reference: normal and normal; effusion, both; cardiomegaly, both; nothing ("x" is read as normal)
    # and atelectasis with effusion; normal and normal.
    assert scores["chexpert_rules_micro_f1"].per_sample == (1, 1, 1, 0, 1)
    assert scores["chexpert_rules_sensitivity_pleural_effusion"].value == 1 / 2
    assert scores["chexpert_rules_false_alarms_on_normal"].value == 0
    assert len(scores) == 5 + 2 + 3 * 14


def test_reports_equal_to_their_references_are_perfect(pairs):
    same = [Pair(pair.id, pair.reference, pair.reference) for pair in pairs]
    for score in chexpert_rules(same, PRESETS["r2gen"]):
        assert score.value in (None, 0 if "false_alarms" in score.name else 1)


def test_a_missing_prediction_or_reference(pairs):
    whole = [*pairs, Pair("none", None, "Mild cardiomegaly."), Pair("missing", "Clear.", None)]
    one = {score.name: score for score in chexpert_rules(whole, PRESETS["r2gen"])}
    assert one["chexpert_rules_micro_f1"].per_sample[-2:] == (0, None)
    assert one["chexpert_rules_sensitivity_cardiomegaly"].value == 1 / 2
    for score in chexpert_rules([], PRESETS["r2gen"]):
        assert (score.value, score.per_sample) == (None, ())


def test_statistics_are_summed_to_the_corpus_value(pairs):
    rows = [3, 3, 1, 2, 2]
    resampled = chexpert_rules([pairs[row] for row in rows], PRESETS["r2gen"])
    for score, other in zip(chexpert_rules(pairs, PRESETS["r2gen"]), resampled, strict=True):
        value = float(score.corpus(score.statistics[rows].sum(axis=0)))
        assert value == pytest.approx(np.nan if other.value is None else other.value, nan_ok=True)


def test_many_texts_are_read_in_processes_alike():
    texts = [f"Mild cardiomegaly, {number} cm. No effusion." for number in range(4100)]
    labels = labels_of(texts)
    assert labels.shape == (4100, len(CHEXPERT))
    assert (labels == labels_of(texts[:1])).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The effusion is unchanged.", True),
        ("Compared to the prior study, there is a new opacity.", True),
        ("Stable cardiomegaly.", True),
        ("No interval change.", True),
        ("Again seen is a calcified granuloma.", True),
        ("The heart is mildly enlarged. Increased density at the base.", False),
        ("No prior study is available for comparison. Clear lungs.", False),
        ("Comparison: None. Clear lungs.", False),
        ("", False),
    ],
)
def test_words_of_comparison(text, expected):
    assert compares(text) is expected


def test_a_failed_prediction_counts_as_a_hallucination():
    texts = ["Clear.", "Unchanged.", None, "Unchanged."]
    pairs = [Pair(str(number), text, "x" if number < 3 else None) for number, text in enumerate(texts)]
    (score,) = prior_hallucination(pairs, PRESETS["r2gen"])
    assert score.per_sample == (0, 1, 1, None)
    assert score.value == pytest.approx(2 / 3)
