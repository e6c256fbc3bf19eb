import numpy as np
import pytest

from radtrace.errors import InputError, RecipeError
from radtrace.metrics import PRESETS, Pair, metric, score
from radtrace.metrics.backing import Backing
from radtrace.metrics.reasoning import Answer
from radtrace.metrics.reasoning.of_answers import AnswerPair, among_open, renamed

PRESET = PRESETS["strict"]


def pair(name, kind, predicted, wanted):
    answer = Answer(name, kind, predicted, (wanted,))
    return AnswerPair(name, predicted, answer.reference, answer)


PAIRS = [
    pair("1", "closed", "yes", "yes"),
    pair("2", "open", "left nodule", "left nodule"),
    pair("3", "closed", None, "no"),
    pair("4", "open", "right nodule", "left mass"),
]


def test_chunks_change_no_value():
    whole, chunks = (score(cut, ["vqa"], PRESET) for cut in ([PAIRS], [PAIRS[:1], PAIRS[1:]]))
    assert whole == chunks
    assert (whole.n, whole.failed) == (4, 1)
    assert whole.scores["vqa_accuracy"] == whole.scores["vqa_accuracy_closed"] == 1 / 2
    assert whole.scores["vqa_accuracy_choice"] is None


def test_open_answers_by_a_metric_of_texts():
    (found,) = among_open(metric("rouge_1"), PAIRS, [each.answer for each in PAIRS], PRESET)
    # "left nodule" beside itself, and "right nodule" beside "left mass": no word.
    assert found.per_sample == (None, 1, None, 0)
    assert found.value == 1 / 2
    assert np.flatnonzero(found.statistics.any(axis=1)).tolist() == [1, 3]
    named = renamed(found)
    assert named.name == "vqa_open_rouge_1"
    assert named.signature.startswith("vqa_open_rouge_1|")


def test_a_checkpoint_that_is_given_is_used_or_refused(tmp_path):
    with pytest.raises((InputError, RecipeError)):
        metric("vqa", Backing({"ratescore": str(tmp_path / "nowhere")}))


def test_reports_are_no_answers():
    with pytest.raises(RecipeError, match="answers"):
        metric("vqa")([Pair("1", "yes", "yes")], PRESET)
