"""The trace that is kept says what was decided, and what most others say."""

import pytest

from radtrace.decode.choosing.choice import Said, chosen, disagreement, most_alike, report_of, said_in
from radtrace.decode.writer import Draft
from radtrace.records import Report

STEP = '<step region="general"><findings>none</findings>Words.</step>\n'


def draft(findings: str) -> Draft:
    return Draft(f"{STEP}<report>FINDINGS: {findings}</report>")


def test_the_report_is_read_from_the_trace() -> None:
    assert report_of(draft("The heart is large. IMPRESSION: Cardiomegaly.")) == Report(
        findings="The heart is large.", impression="Cardiomegaly."
    )
    assert report_of(Draft(f"{STEP}<answer>Yes.</answer>")) == Report()


@pytest.mark.parametrize(
    ("words", "present", "loss"),
    [
        ("The heart is normal. No pleural effusion.", (), 0),
        ("There is a left pleural effusion.", ("Pleural Effusion",), 0),
        ("There is a left pleural effusion.", (), 3),  # false
        ("Possible left pleural effusion.", (), 1),  # left open
        ("Possible left pleural effusion.", ("Pleural Effusion",), 0),
        ("No pleural effusion.", ("Pleural Effusion",), 3),  # denied
        ("Small left pleural effusion. No pleural effusion.", ("Pleural Effusion",), 1),  # named and denied
        ("The heart is normal.", ("Pleural Effusion",), 1),  # not named
        ("No pleural effusion. The heart size is unchanged.", (), 3),  # compared
        ("A pneumothorax is seen.", ("Pleural Effusion",), 4),
        ("There is atelectasis. The lungs are clear.", ("Atelectasis",), 3),  # with atelectasis no lung is clear
        ("There is atelectasis. The lungs are clear of infiltrate.", ("Atelectasis",), 0),
        ("There is atelectasis. The pleural spaces are clear.", ("Atelectasis",), 0),
        ("The heart is enlarged. The lungs are clear.", ("Cardiomegaly",), 0),
    ],
)
def test_disagreement_counts_what_is_false_most(words: str, present: tuple[str, ...], loss: int) -> None:
    assert disagreement(said_in(words), present) == loss


def test_comparison_is_no_fault_where_there_is_a_prior() -> None:
    assert disagreement(said_in("The heart size is unchanged."), (), prior=True) == 0


def test_the_trace_most_like_the_others_among_those_that_agree() -> None:
    usual = "The heart is normal in size. The lungs are clear."
    drafts = [
        draft("Large right pneumothorax. The lungs are clear."),
        draft("Bones are intact."),
        draft(usual),
        draft(f"{usual} No effusion."),  # says all that the one before says, and little else
        draft("Large right pneumothorax. The lungs are clear."),
        draft("Large right pneumothorax. The lungs are clear."),
    ]
    assert chosen(drafts, ()) is drafts[3]
    assert chosen(drafts, ("Pneumothorax",)) is drafts[0]
    assert chosen(drafts[1:2], ("Pneumothorax",)) is drafts[1]


def test_of_equals_the_first_is_kept() -> None:
    assert most_alike(["a b", "c d"]) == 0
    assert most_alike(["x y", "a b", "a b"]) == 1
    with pytest.raises(ValueError, match="empty"):
        most_alike([])


def test_what_several_texts_say_together() -> None:
    together = Said.all([said_in("No pleural effusion."), said_in("Small left pleural effusion, unchanged.")])
    assert together == Said({"Pleural Effusion": frozenset({"absent", "present"})}, compares=True)
