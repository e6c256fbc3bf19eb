"""Sentences that a text may be composed of, and of which studies they may be said."""

import pytest

from radtrace.decode.choosing.told import Told
from radtrace.train.consensus.sentences import pool_of, wholes_of

SECTIONS = [
    "The heart is normal in size. The lungs are clear. No pleural effusion.",
    "The heart is normal in size. The lungs are clear. There is a left pleural effusion. Stable nodule.",
    "The heart is normal in size. The lungs are clear. XXXX XXXX are intact. Possible small pneumothorax. 3 mm nodule.",
    "There is a left pleural effusion. The lungs are otherwise clear. 1. The heart is large in size.",
]


def test_whole_sentences_of_one_film_that_leave_nothing_open() -> None:
    written = {each.text: each for each in pool_of(SECTIONS) if each.count}
    # "No pleural effusion." finds nothing and stands in too few; a stable nodule compares; "otherwise" points;
    # "large" may be a slip, which few sections have
    assert set(written) == {
        "The heart is normal in size.",
        "The lungs are clear.",
        "There is a left pleural effusion.",
    }
    effusion = written["There is a left pleural effusion."]
    assert effusion.present == {"Pleural Effusion", "Pleural Effusion, left"}
    assert (effusion.found, effusion.domain, effusion.count) == ({"Pleural Effusion"}, "lung", 2)
    assert written["The heart is normal in size."].absent == {"Cardiomegaly"}


@pytest.mark.parametrize(
    "text",
    [
        "Of the pulmonary vascularity is prominent.",  # where a word was blanked
        "Granulomatous disease in the bilateral.",
        "And scattered calcified granulomas.",
        "There is a small left pleural effusion.",  # nobody decided how small,
        "There is atelectasis in the left upper lobe.",  # in which lobe,
        "There are surgical clips in the abdomen.",  # where else,
        "There are left basilar airspace opacities.",  # or what an opacity is
    ],
)
def test_no_broken_sentence_and_none_that_says_more_than_what_was_decided(text: str) -> None:
    assert not [each for each in (*pool_of([text] * 3), *wholes_of([text] * 3)) if each.count]


def test_plain_sentences_say_their_finding_and_side_and_nothing_else() -> None:
    told = {each.text: each.present for each in pool_of([])}
    assert told["There is left-sided atelectasis."] == {"Atelectasis", "Atelectasis, left"}
    assert told["There are bilateral lung nodules."] == {"Nodule", "Nodule, right", "Nodule, left"}
    assert told["There are sternal wires."] == {"Sternal Wires"}
    assert told["There is an elevated hemidiaphragm."] == {"Elevated Hemidiaphragm"}
    assert "There is bilateral cardiomegaly." not in told


def test_the_usual_come_first_and_a_plain_one_of_each_finding_last() -> None:
    pool = pool_of(SECTIONS)
    assert pool[0].count == 3
    plain = [each for each in pool if not each.count]
    assert {"Pneumothorax", "Scoliosis"} <= {label for each in plain for label in each.present}
    assert pool[-len(plain) :] == plain


def test_a_plain_sentence_that_somebody_wrote_is_there_once() -> None:
    for sections, count in ([], 0), (["There is hyperinflation."] * 3, 3):
        assert [each.count for each in pool_of(sections) if each.text == "There is hyperinflation."] == [count]


@pytest.mark.parametrize(
    ("text", "columns", "suits"),
    [
        ("The lungs are clear.", [], True),
        ("The lungs are clear.", ["Cardiomegaly"], True),
        ("The lungs are clear.", ["Atelectasis"], False),  # a lung with atelectasis is not clear
        ("The lungs are well-aerated.", ["Atelectasis"], False),  # nor is it aired
        ("The lungs are well-aerated.", ["Cardiomegaly"], True),
        ("No acute disease.", ["Cardiomegaly"], True),
        ("No acute disease.", ["Pleural Effusion"], False),
        ("Lungs are normally inflated.", ["Hyperinflation"], False),
        ("There is a left pleural effusion.", ["Pleural Effusion", "Pleural Effusion, left"], True),
        ("There is a left pleural effusion.", ["Pleural Effusion", "Pleural Effusion, right"], False),
        ("There is a left pleural effusion.", [], False),
        ("No pleural effusion.", ["Pleural Effusion"], False),
        ("The lungs are clear.", ["Scarring"], False),
        ("No focal consolidation.", ["Pneumonia"], False),
        ("The skeletal structures are normal.", ["Scoliosis"], False),
        ("There are no acute bony findings.", ["Fracture"], False),
        ("The skeletal structures are normal.", ["Central Venous Catheter"], True),
    ],
)
def test_a_sentence_says_nothing_that_was_not_decided(text: str, columns: list[str], suits: bool) -> None:
    (sentence,) = (each for each in wholes_of([text] * 3) if each.text == text)
    assert sentence.suits(Told.of(columns)) is suits


def test_sums_of_other_columns_are_not_told() -> None:
    assert Told.of(["Abnormal", "Support Devices", "Pacemaker"]).columns == {"Pacemaker"}
