import math

import numpy as np
import pytest

from radtrace.train.encoder.scores import (
    Judged,
    against_normal,
    auroc,
    calibration,
    calibration_error,
    interval,
    joint_thresholds,
    mean_auroc,
    probabilities,
    reliability,
    thresholds,
)
from radtrace.train.encoder.targets import ABNORMAL

# scores, truth, by hand
AUROCS = [
    ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
    ([1, 2, 3, 4], [1, 0, 0, 1], 0.5),  # one positive above both negatives, one below both
    ([1, 1, 1, 1], [1, 0, 0, 1], 0.5),  # ties count half
    ([3, 1, 2], [1, 1, 0], 0.5),
    ([1, 2], [1, 1], math.nan),
]


@pytest.mark.parametrize(("scores", "truth", "value"), AUROCS)
def test_auroc_is_the_share_of_pairs_in_order(scores: list[float], truth: list[int], value: float) -> None:
    found = auroc(np.array(scores, float), np.array(truth, bool))
    assert found == pytest.approx(value, nan_ok=True)


def judged(logits: list[list[float]], values: list[list[float]], labels: tuple[str, ...]) -> Judged:
    known = ~np.isnan(np.array(values, float))
    return Judged.of(labels, np.array(logits, float), np.nan_to_num(np.array(values, float)), known)


def test_what_is_uncertain_or_unknown_is_not_judged() -> None:
    found = judged([[1], [2], [3], [4]], [[0.5], [math.nan], [0], [1]], ("Nodule",))
    logits, truth = found.column("Nodule")
    assert logits.tolist() == [3, 4]
    assert truth.tolist() == [False, True]
    assert found.enough(1) == ("Nodule",)
    assert found.enough(2) == ()


def test_the_mean_leaves_out_a_label_that_has_no_positives() -> None:
    found = judged([[1, 1], [2, 2]], [[0, 0], [1, 0]], ("Nodule", "Mass"))
    assert mean_auroc(found, ("Nodule", "Mass")) == 1.0
    assert math.isnan(mean_auroc(found, ("Mass",)))


def test_the_interval_holds_the_value_and_narrows_with_studies() -> None:
    rng = np.random.default_rng(0)

    def made(count: int) -> Judged:
        truth = (np.arange(count) % 2).astype(float)
        return judged([[x] for x in rng.normal(truth, 1)], [[t] for t in truth], ("Nodule",))

    few, many = (interval(made(count), ("Nodule",), 200) for count in (40, 400))
    assert many[0] < 0.76 < many[1]  # Phi(1 / sqrt 2)
    assert many[1] - many[0] < few[1] - few[0]


def test_calibration_finds_the_line_that_the_truth_was_drawn_from() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 5000)
    truth = rng.random(5000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    found = judged([[x] for x in logits], [[float(t)] for t in truth], ("Nodule",))
    lines = calibration(found)
    assert lines["Nodule"] == pytest.approx((0.5, -1.0), abs=0.1)
    raw, right = (probabilities(found, each) for each in ({"Nodule": (1.0, 0.0)}, lines))
    errors = [calibration_error(reliability(found, sure)) for sure in (raw, right)]
    assert errors[1] < 0.03 < errors[0]


def test_without_positives_calibration_changes_nothing() -> None:
    assert calibration(judged([[1], [2]], [[0], [0]], ("Nodule",))) == {"Nodule": (1.0, 0.0)}


LABELS = (ABNORMAL, "Nodule", "Mass")
# 4 normal studies and a positive of each
LOGITS = [[0, 1, 0], [0, 2, 0], [0, 3, 9], [0, 4, 1], [9, 5, 0], [9, 0, 5]]
VALUES = [[0, 0, 0]] * 4 + [[1, 1, 0], [1, 0, 1]]


def test_a_threshold_is_exceeded_by_its_share_of_the_normal_studies() -> None:
    found = judged(LOGITS, VALUES, LABELS)
    assert thresholds(found, 0.5)["Nodule"] == 2.5


def test_joint_thresholds_accuse_no_more_normals_than_they_may() -> None:
    found = judged(LOGITS, VALUES, LABELS)
    # sorted: nodule 1 2 3 4, mass 0 0 1 9. Above (2, 0) are the two studies with 3 or 4, above (1, 0) three.
    share, edges = joint_thresholds(found, ("Nodule", "Mass"), 0.5)
    assert edges == {"Nodule": 2.0, "Mass": 0.0}
    assert share == 0.5
    assert joint_thresholds(found, ("Nodule", "Mass"), 0.25)[1] == {"Nodule": 4.0, "Mass": 9.0}


def test_positives_may_be_told_from_normals_alone() -> None:
    found = judged(LOGITS, VALUES, LABELS)
    assert against_normal(found, "Nodule") == 1.0
    assert against_normal(found, "Mass") == 0.75  # above 0, 0 and 1, below 9
