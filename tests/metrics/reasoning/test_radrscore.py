import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.metrics.reasoning import Matches, Reasoned, radrscore, radrscore_rules
from radtrace.metrics.reasoning.normal import says_normal

SENTENCES = (
    "There is a small left pleural effusion.",
    "There is a right pleural effusion.",
    "No pneumothorax.",
    "The heart is enlarged.",
    "The heart is normal.",
    "Possible pneumonia in the right lower lobe.",
    "A nodule is seen.",
    "No acute cardiopulmonary abnormality.",
)
reports = st.lists(st.sampled_from(SENTENCES), max_size=4, unique=True).map(" ".join)
cases = st.lists(st.builds(Reasoned, st.just("x"), st.none() | reports, reports, reports), max_size=5)


def values(*cases):
    scores = radrscore_rules(cases)
    assert [score.name for score in scores] == [
        "radrscore_rules",
        "radrscore_rules_factuality",
        "radrscore_rules_completeness",
        "radrscore_rules_effectiveness",
    ]
    return [score.value for score in scores]


def test_by_hand():
    # Model: left effusion, no pneumothorax (the report is silent), cardiomegaly (the report denies it), a nodule.
    # 2 of 4 are true. Reference: left effusion, no cardiomegaly: 1 of 2 is found, and 1 of 4 is needed.
    case = Reasoned(
        "1",
        "There is a small left pleural effusion. No pneumothorax. The heart is enlarged. A nodule is seen.",
        "There is a left pleural effusion. The heart is normal.",
        "There is a small left pleural effusion. The heart is normal.",
    )
    assert values(case) == pytest.approx([(2 / 4 + 1 / 2 + 1 / 4) / 3, 2 / 4, 1 / 2, 1 / 4])


@pytest.mark.parametrize(
    ("said", "report", "factuality"),
    [
        ("No pneumothorax.", "The heart is normal.", 1),  # an unmentioned normal
        ("No pneumothorax.", "There is a left pneumothorax.", 0),  # mentioned, and not normal
        ("No pneumothorax.", "Possible pneumothorax.", 0),
        ("No right pneumothorax.", "There is a left pneumothorax.", 1),  # of the other side the report is silent
        ("There is a right pneumothorax.", "There is a left pneumothorax.", 0),
        ("There is a pneumothorax.", "There is a left pneumothorax.", 1),
        ("There is a pneumothorax.", "The heart is normal.", 0),  # an unmentioned finding
    ],
)
def test_factuality(said, report, factuality):
    assert values(Reasoned("1", said, "The heart is normal.", report))[1] == factuality


def test_nothing_said_is_no_quality():
    text = "There is a left pleural effusion."
    for failed in (None, " ", "I cannot tell."):
        assert values(Reasoned("1", failed, text, text)) == [0, 0, 0, 0]


def test_unscored_without_a_reference():
    text = "There is a left pleural effusion."
    assert values(Reasoned("1", text, None, None)) == [None] * 4
    assert values(Reasoned("1", text, "Let us look.", text)) == [None, 1, None, None]
    assert values(Reasoned("1", text, text, None)) == [None, None, 1, 1]


def test_judge_that_answers_nonsense_fails_in_the_denominator():
    text = "There is a left pleural effusion."
    answers = iter((None, Matches(model=1, reference=1, true=1, effective=1, found=1)))
    scores = radrscore("radrscore_x", [Reasoned(name, text, text, text) for name in "ab"], lambda _: next(answers))
    assert [score.value for score in scores] == [0.5] * 4
    assert scores[0].per_sample == (0, 1)


@given(cases)
def test_bounds_and_statistics(cases):
    for score in radrscore_rules(cases):
        assert all(value is None or 0 <= value <= 1 for value in score.per_sample)
        if score.value is not None:
            assert score.value == pytest.approx(float(score.corpus(score.statistics.sum(axis=0))))


@given(cases)
def test_reference_scores_one(cases):
    scores = radrscore_rules([Reasoned(case.id, case.reasoning, case.reasoning, case.reasoning) for case in cases])
    assert all(value in (None, 1) for score in scores for value in score.per_sample)


@given(cases, st.randoms())
def test_order_does_not_matter(cases, random):
    order = list(range(len(cases)))
    random.shuffle(order)
    for one, other in zip(radrscore_rules(cases), radrscore_rules([cases[place] for place in order]), strict=True):
        assert other.per_sample == tuple(one.per_sample[place] for place in order)


NO_ACUTE = "No acute cardiopulmonary abnormality."


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        (NO_ACUTE, True),
        ("There is no evidence of acute disease in the chest.", True),
        ("No acute or active cardiac, pulmonary or pleural disease.", True),
        ("Negative for acute abnormality.", True),
        ("2. Normal chest x-ray.", True),
        ("The chest radiograph is unremarkable.", True),
        ("Normal.", True),
        ("Stable cardiomegaly without acute abnormality.", True),  # as the sentence says; cardiomegaly is an entity too
        ("No acute bony abnormality.", False),
        ("The ribs are without acute abnormality.", False),
        ("No acute abnormality of the left lung.", False),
        ("No acute pulmonary findings.", False),  # the lungs only
        ("No pneumothorax.", False),
        ("The heart is normal.", False),
        ("Otherwise normal chest.", False),
        ("No acute abnormality other than a rib fracture.", False),
        ("Not a normal chest.", False),
        ("Compared with the prior normal chest radiograph.", False),
        ("No acute abnormality?", False),
        ("", False),
    ],
)
def test_statements_of_a_normal_study(said, normal):
    assert says_normal(said) is normal


@pytest.mark.parametrize(
    ("report", "factuality"),
    [
        ("Normal chest.", 1),  # says so too
        ("A nodule is seen. No acute disease.", 1),  # says so too
        ("No pneumothorax.", 1),  # silent, and nothing is there
        ("A central line ends in the superior vena cava.", 1),  # a device is no abnormality
        ("There is a left pneumothorax.", 0),
        ("Possible pneumonia in the right lower lobe.", 0),
    ],
)
def test_a_normal_study_is_an_observation(report, factuality):
    # The reference says the same in other words, so that it is found and needed.
    found = [pytest.approx((factuality + 2) / 3), factuality, 1, 1]
    assert values(Reasoned("1", NO_ACUTE, "The chest is normal.", report)) == found


def test_a_normal_study_is_counted_once_and_not_in_place_of_findings():
    case = Reasoned("1", f"{NO_ACUTE} Normal chest. A nodule is seen.", "A nodule is seen.", "A nodule is seen.")
    # The normal study is not true where the report has a nodule; the nodule is.
    assert values(case)[1:] == [1 / 2, 1, 1 / 2]
