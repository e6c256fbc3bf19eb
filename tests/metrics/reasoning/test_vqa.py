import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.errors import InputError
from radtrace.metrics.reasoning import Answer, Options, normalised, objects, vqa

SIDES = Options({"A": "Left lung", "B": "Right lung", "C": "Both lungs and the pleura"})
NUMBERS = Options({"A": "Effusion", "B": "Pneumothorax"})


def figures(*answers):
    return {score.name: score for score in vqa(answers)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Right  lung.", "right lung"),
        ("**Answer:** yes", "yes"),
        ("The answer is: X-ray", "x ray"),
        ("Option (B)", "b"),
        ("1.5 cm", "1.5 cm"),
        ("-5", "-5"),
        ("> 5", "5"),
        (">5", ">5"),
        ("a", "a"),
        ("+", "+"),
        ("\uff39\uff25\uff33", "yes"),  # full width
    ],
)
def test_normalised(text, words):
    assert normalised(text) == words


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        (" (b) ", "B"),
        ("Option B", "B"),
        ("Choice: (B)", "B"),
        ("The answer is not B", None),
        ("the answer is B.", "B"),
        ("right lung", "B"),
        ("The right lung.", "B"),
        ("B. Right lung", "B"),
        ("(B) right lung", "B"),
        ("B right lung", "B"),
        ("Option B: right lung", "B"),
        ("A. Right lung", None),  # letter and text differ
        ("Left lung, not the right lung", None),  # no substring rule
        ("A or B", None),
        ("AB", None),
        ("lung", None),
        ("", None),
    ],
)
def test_option_that_an_answer_names(answer, letter):
    assert SIDES.chosen(answer) == letter


def test_article_is_no_letter():
    assert NUMBERS.chosen("A pneumothorax") == "B"
    assert NUMBERS.chosen("A. pneumothorax") is None
    assert NUMBERS.chosen("A") == "A"


@pytest.mark.parametrize("texts", [{"A": "The heart", "B": "heart."}, {"A": "B", "B": "x"}, {"a": "x", "A": "y"}])
def test_options_that_cannot_be_told_apart(texts):
    with pytest.raises(InputError, match="two options"):
        Options(texts)


def test_objects_of_a_list():
    assert objects("Heart \tlungs") == {"heart", "lungs"}
    assert objects("heart, the lungs and ribs/spine") == {"heart", "lungs", "ribs", "spine"}
    assert objects("C, left lung", SIDES) == {"A", "C"}
    assert objects("Both lungs and the pleura; B", SIDES) == {"C", "B"}
    assert objects(",") == {","}
    assert objects(" ") == frozenset()


def test_objects_that_the_reference_lists_apart():
    wanted = ("heart and great vessels", "ribs")
    assert figures(Answer("1", "set", "ribs, heart and great vessels", wanted))["vqa_set_f1"].value == 1
    assert figures(Answer("1", "set", "ribs, heart", wanted))["vqa_set_f1"].value == 1 / 2
    assert figures(Answer("1", "set", None, wanted))["vqa_set_f1"].value == 0


def test_figures_by_hand():
    scores = figures(
        Answer("1", "choice", "b) Right lung", ("Right lung",), SIDES),
        Answer("2", "choice", "It is not the right lung", ("B",), SIDES),
        Answer("3", "closed", "Yes.", ("yes",)),
        Answer("4", "closed", "yes and no", ("yes",)),
        Answer("5", "closed", None, ("no",)),
        Answer("6", "set", "heart, lungs, spine", ("lungs", "heart")),
        Answer("7", "open", "nodule in the left lung", ("left nodule",)),
        Answer("8", "open", "there is no pneumothorax", ("pneumothorax",)),
        Answer("9", "open", "x-ray", ("  ",)),
        Answer("10", "open", " ", ("X-ray",)),
    )
    assert scores["vqa_accuracy"].per_sample[:6] == (1, 0, 1, 0, 0, None)
    assert scores["vqa_accuracy"].value == 2 / 5
    assert scores["vqa_set_f1"].value == pytest.approx(2 * 2 / (3 + 2))
    assert scores["vqa_open_exact"].value == 0
    # nodule in left lung / left nodule: 2 * 2 / (4 + 2); there is no pneumothorax / pneumothorax: 2 * 1 / (4 + 1); 0
    assert scores["vqa_open_token_f1"].per_sample[6:] == pytest.approx((2 / 3, 2 / 5, None, 0))
    # A left nodule both times; a pneumothorax denied is none; our rules read nothing in the last reference.
    assert scores["vqa_open_rules_f1"].per_sample[6:] == (1, 0, None, None)
    assert all(score.signature.startswith(score.name + "|") for score in scores.values())


def test_answers_that_make_no_sense_are_refused_by_id():
    with pytest.raises(InputError, match=r"'q7'.*none of the options"):
        Answer("q7", "choice", "A", ("middle lobe",), SIDES)
    with pytest.raises(InputError, match=r"'q8'.*several"):
        Answer("q8", "open", "A", ("x", "y"))
    with pytest.raises(InputError, match=r"'q9'.*options"):
        Answer("q9", "open", "A", ("x",), SIDES)


texts = st.text(max_size=30) | st.text("aB1 .,;/-+\n*", max_size=12)
cases = st.lists(
    st.one_of(
        st.builds(
            Answer, st.just("x"), st.sampled_from(("closed", "open", "set")), st.none() | texts, st.tuples(texts)
        ),
        st.builds(
            Answer,
            st.just("x"),
            st.just("choice"),
            texts | st.sampled_from("ABC"),
            st.tuples(st.sampled_from("ABC")),
            st.just(SIDES),
        ),
    ),
    max_size=8,
)


@given(cases)
def test_bounds_and_statistics(answers):
    for score in vqa(answers):
        assert len(score.per_sample) == len(answers)
        assert all(value is None or 0 <= value <= 1 for value in score.per_sample)
        if score.value is not None:
            assert score.value == pytest.approx(float(score.corpus(score.statistics.sum(axis=0))))


@given(cases)
def test_references_score_one(answers):
    perfect = [Answer(a.id, a.kind, a.reference, a.wanted, a.options) for a in answers]
    assert all(value in (None, 1) for score in vqa(perfect) for value in score.per_sample)


@given(cases, st.randoms())
def test_order_does_not_matter(answers, random):
    order = list(range(len(answers)))
    random.shuffle(order)
    for one, other in zip(vqa(answers), vqa([answers[place] for place in order]), strict=True):
        assert other.per_sample == tuple(one.per_sample[place] for place in order)
        assert other.value == (None if one.value is None else pytest.approx(one.value))


def test_real_questions(data_dir):
    questions = json.loads((data_dir / "vqa_rad" / "qa.json").read_text("utf-8"))
    kinds = {"CLOSED": "closed", "OPEN": "open"}
    known = [(str(q["qid"]), kinds[q["answer_type"]], str(q["answer"])) for q in questions]
    perfect = figures(*(Answer(name, kind, text, (text,)) for name, kind, text in known))
    assert perfect["vqa_accuracy"].value == perfect["vqa_open_exact"].value == 1
    assert perfect["vqa_open_token_f1"].value == perfect["vqa_open_rules_f1"].value == 1
    dealt = [known[place][2] for place in np.random.default_rng(0).permutation(len(known))]
    poor = figures(
        *(Answer(name, kind, other, (text,)) for (name, kind, text), other in zip(known, dealt, strict=True))
    )
    assert poor["vqa_accuracy"].value < 0.5
    assert poor["vqa_open_exact"].value < 0.1
    assert poor["vqa_open_token_f1"].value < 0.2
    assert poor["vqa_open_rules_f1"].value < 0.2
