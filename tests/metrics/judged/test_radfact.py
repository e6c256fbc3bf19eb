"""Phrases, their entailment and their boxes, by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from radtrace.geometry import Box
from radtrace.metrics import PRESETS, Pair, metric, score
from radtrace.metrics.corpora import from_spec, to_spec
from radtrace.metrics.grounding import TracePair
from radtrace.metrics.judged.phrases import phrases_of
from radtrace.metrics.judged.radfact import harmonic

PRESET = PRESETS["strict"]
LEFT, RIGHT, TOP, ALL = (Box.of(each) for each in ((0, 0, 0.5, 1), (0.5, 0, 1, 1), (0, 0, 1, 0.5), (0, 0, 1, 1)))


def test_phrases_are_sentences_without_numbers():
    mine, others = phrases_of(Pair("a", "1. Clear lungs. 2. No effusion. ...", None))
    assert [phrase.text for phrase in mine] == ["Clear lungs.", "No effusion. ..."]
    assert others == ()


def judged(shown, entailed):
    """A judge for whom a phrase follows from the phrases that `entailed` names after it, by their words."""

    def words(request):
        first, second = (
            {line.split(". ", 1)[1]: number for number, line in enumerate(shown(request, name).splitlines(), start=1)}
            for name in ("first", "second")
        )
        rows = [
            {
                "phrase": number,
                "entailed": text in entailed,
                "evidence": [second[other] for other in entailed.get(text, ())],
            }
            for text, number in first.items()
        ]
        return json.dumps({"phrases": rows})

    return words


def values(backing, *pairs, name="radfact_style"):
    scores = score([list(pairs)], [name], PRESET, backing=backing).scores
    return {key.removeprefix("radfact_style_"): value for key, value in scores.items()}


TEXT = Pair("a", "Clear lungs. A nodule. No effusion.", "The lungs are clear. No pleural effusion.")
FOLLOW = {
    "Clear lungs.": ["The lungs are clear."],
    "No effusion.": ["No pleural effusion."],
    "The lungs are clear.": ["Clear lungs."],
}


def test_reports_by_hand(local_endpoint, backing, shown):
    local_endpoint.words = judged(shown, FOLLOW)
    found = values(backing, TEXT, Pair("failed", None, "Clear."), Pair("unscored", "Clear.", None))
    # 2 of 3 and 1 of 2, and 0 for the failed one; F1 is of these means, not the mean of F1
    precision, recall = 2 / 3 / 2, 1 / 2 / 2
    assert (found["logical_precision"], found["logical_recall"]) == (pytest.approx(precision), pytest.approx(recall))
    assert found["logical_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert [value for name, value in found.items() if name.startswith(("grounding", "spatial"))] == [None] * 6
    assert found["unusable"] == 0
    assert len(local_endpoint.requests) == 2


def test_identity_is_1(local_endpoint, backing, shown):
    local_endpoint.words = judged(shown, {"Clear lungs.": ["Clear lungs."]})
    found = values(backing, Pair("a", "Clear lungs.", "Clear lungs."))
    assert [found[f"logical_{kind}"] for kind in ("precision", "recall", "f1")] == [1, 1, 1]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"phrase": 1, "entailed": True, "evidence": [1]}],
        [{"phrase": number, "entailed": True, "evidence": [9]} for number in (1, 2, 3)],
        [{"phrase": 1, "entailed": True, "evidence": [1]}] * 3,
    ],
)
def test_an_unusable_direction_is_0(local_endpoint, backing, rows, shown):
    fine = judged(shown, FOLLOW)
    local_endpoint.words = lambda request: (
        json.dumps({"phrases": rows}) if "A nodule" in shown(request, "first") else fine(request)
    )
    found = values(backing, TEXT)
    assert (found["logical_precision"], found["logical_recall"], found["logical_f1"]) == (0, 0.5, 0)
    assert found["unusable"] == 1


def traces(predicted, reference, name="a"):
    """A pair of steps, each a sentence and its box."""
    return TracePair(
        id=name,
        prediction="Clear.",
        reference="Clear.",
        steps=(),
        predicted_steps=None if predicted is None else tuple(text for text, _ in predicted),
        reference_steps=tuple(text for text, _ in reference),
        report="Clear.",
        predicted_boxes=tuple(box for _, box in predicted or ()),
        reference_boxes=tuple(box for _, box in reference),
    )


PREDICTED = (
    ("Left effusion.", LEFT),
    ("Right nodule.", RIGHT),
    ("Apical scar.", TOP),
    ("Old rib.", ALL),
    ("Fine.", None),
)
REFERENCE = (("An effusion.", ALL), ("A scar.", RIGHT), ("Pacemaker.", TOP), ("All fine.", None))
GROUNDED = {
    "Left effusion.": ["An effusion."],  # all of its box is under the evidence
    "Apical scar.": ["A scar."],  # exactly half of it: not more than half
    "Old rib.": ["All fine."],  # evidence without a box
    "Fine.": ["All fine."],
    "An effusion.": ["Left effusion.", "Right nodule."],  # covered by the two together
    "All fine.": ["Fine."],
}


def test_traces_by_hand(local_endpoint, backing, shown):
    local_endpoint.words = judged(shown, GROUNDED)
    found = values(backing, traces(PREDICTED, REFERENCE), name="radfact_style_grounded")
    assert (found["logical_precision"], found["logical_recall"]) == (4 / 5, 2 / 4)
    # of three entailed phrases with boxes one lies on its evidence, of four with boxes in all one
    assert (found["grounding_precision"], found["spatial_precision"]) == (pytest.approx(1 / 3), 1 / 4)
    # of one entailed phrase with a box one, of three with boxes in all one
    assert (found["grounding_recall"], found["spatial_recall"]) == (1, pytest.approx(1 / 3))
    assert found["grounding_f1"] == pytest.approx(2 * (1 / 3) / (4 / 3))


def test_a_failed_trace_is_0_where_the_reference_has_boxes(backing):
    boxless = tuple((text, None) for text, _ in REFERENCE)
    (grounding,) = (
        one
        for one in metric("radfact_style", backing)([traces(None, REFERENCE), traces(None, boxless, "b")], PRESET)
        if one.name == "radfact_style_grounding_precision"
    )
    assert grounding.per_sample == (0, None)
    assert "phrases:steps" in grounding.signature


def test_steps_give_phrases_with_their_boxes():
    mine, _ = phrases_of(replace(traces(PREDICTED, REFERENCE), predicted_steps=("Clear lungs. No scar.", " ")))
    assert [(phrase.text, phrase.box) for phrase in mine] == [("Clear lungs.", LEFT), ("No scar.", LEFT)]


def test_f1_is_summed_up_from_a_file():
    sums = np.array([[1.5, 2, 0.5, 2], [0, 2, 0, 2], [0, 0, 1, 2]])
    assert from_spec(to_spec(harmonic)) is harmonic
    # means 3/4 and 1/4; 0 and 0; none and 1/2
    assert harmonic(sums).tolist() == [pytest.approx(2 * 0.75 * 0.25), 0, pytest.approx(np.nan, nan_ok=True)]
