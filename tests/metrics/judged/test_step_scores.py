"""Relevance, correctness and completeness of steps, by rules and by a judge, by hand."""

import json

import pytest

from radtrace.errors import RecipeError
from radtrace.metrics import PRESETS, Pair, score
from radtrace.metrics.grounding import TracePair

PRESET = PRESETS["strict"]
REFERENCE = ("Small left pleural effusion. No pneumothorax.", "The heart is enlarged.")


def study(predicted, reference=REFERENCE, name="a", report="Small left pleural effusion. Cardiomegaly."):
    return TracePair(name, "Clear.", "Clear.", (), predicted, reference, report)


def values(*pairs, by="rules", backing=None):
    scores = score([list(pairs)], [f"steps_{by}"], PRESET, backing=backing).scores
    return [scores[f"steps_{figure}_{by}"] for figure in ("relevance", "correctness", "completeness")]


PREDICTED = (
    "Left pleural effusion.",  # relevant and true
    "Right pleural effusion.",  # relevant, but on the other side
    "There is a nodule.",  # of no matter, and not true
    "No rib fracture.",  # of no matter; the reference is silent on what is normal
    "Consider the question.",  # names no finding
)


def test_rules_by_hand():
    # relevant 2 of 5, correct 2 of 5; of the reference's steps the first is had by half (no pneumothorax is missing),
    # the second not at all
    assert values(study(PREDICTED)) == pytest.approx([2 / 5, 2 / 5, (1 / 2 + 0) / 2])


def test_identity_is_1():
    steps = (*REFERENCE, "Frontal view without an earlier film.")  # the last names no finding
    assert values(study(steps, steps)) == [1, 1, 1]
    assert values(study((*REFERENCE, "View"), steps))[:2] == pytest.approx(
        [2 / 3, 2 / 3]
    )  # a word of it is none of its sentences


def test_no_steps_are_0_and_no_reference_is_not_scored():
    silent = study(REFERENCE, ("Look.", " "), "silent")
    failed, blank = study(None, name="failed"), study((" ",), name="blank")
    assert values(study(REFERENCE), failed, blank, silent) == pytest.approx([1 / 3] * 3)
    assert values(silent) == [None] * 3


def test_steps_are_of_traces():
    with pytest.raises(RecipeError, match="trace datasets"):
        values(Pair("a", "Clear.", "Clear."))


def answer(model, reference):
    return json.dumps(
        {
            "model": [{"step": n, "relevant": bool(r), "correct": bool(c)} for n, (r, c) in enumerate(model, start=1)],
            "reference": [{"step": n, "covered": bool(c)} for n, c in enumerate(reference, start=1)],
        }
    )


FOUR = [(1, 1), (1, 0), (1, 0), (0, 0), (0, 0)]


def test_a_judge_by_hand(local_endpoint, backing):
    local_endpoint.words = lambda _: answer(FOUR, [1, 0])
    pairs = [study(PREDICTED), study(None, name="failed"), study(PREDICTED, (), "unscored")]
    assert values(*pairs, by="llm", backing=backing) == pytest.approx([3 / 5 / 2, 1 / 5 / 2, 1 / 2 / 2])
    assert len(local_endpoint.requests) == 1


@pytest.mark.parametrize("words", [answer(FOUR[:4], [1, 0]), answer(FOUR, [1]), answer(FOUR, [1, 1, 1]), "All good."])
def test_garbage_is_0_and_counted(local_endpoint, backing, words):
    local_endpoint.words = lambda _: words
    scores = score([[study(PREDICTED)]], ["steps_llm"], PRESET, backing=backing).scores
    assert list(scores.values()) == [0, 0, 0, 1]
    assert "steps_unusable_llm" in scores
