"""What must not change what is read: case, blanks, other sentences, their order; and what must: "no"."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.anatomy import FINDINGS, REGIONS
from radtrace.findings import annotate, findings_of
from radtrace.records import Finding

DETAILS = ["", "small ", "large left ", "right ", "new ", "stable ", "worsening bilateral ", "mild right basilar "]
PRESENT = [
    f"There is {detail}{words}"
    for words in (
        "atelectasis",
        "pleural effusion",
        "consolidation",
        "pneumothorax",
        "edema",
        "cardiomegaly",
        "scarring",
    )
    for detail in DETAILS
]
SENTENCES = [
    *(f"{sentence}." for sentence in PRESENT),
    "No pneumothorax or effusion.",
    "The heart is mildly enlarged, unchanged.",
    "Moderate right and small left effusions.",
    "Opacity in the lingula may reflect pneumonia.",
    "The left subclavian catheter has been removed.",
    "Lungs are clear.",
    "No change in the right lower lobe nodule.",
    "Atelectasis versus infiltrate at the left base.",
]
LABELLED = [
    json.loads(line)["text"] for line in Path(__file__).with_name("sentences.jsonl").read_text("utf-8").splitlines()
]
UNRELATED = ["Two views were obtained.", "The patient is rotated.", "XXXX was told by telephone.", "Thank you."]


def said(text: str) -> list[Finding]:
    """The findings of a text without their places in it."""
    return [finding.model_copy(update={"span": None}) for finding in findings_of(text)]


@pytest.mark.parametrize("sentence", PRESENT)
def test_no_flips_a_present_finding(sentence: str) -> None:
    (present,) = said(f"{sentence}.")
    (absent,) = said(f"{sentence.replace('There is', 'There is no')}.")
    assert (present.status, absent.status) == ("present", "absent")
    assert (present.label, present.laterality, present.regions) == (absent.label, absent.laterality, absent.regions)
    assert (absent.severity, absent.change) == (None, None)


@given(st.sampled_from(list(FINDINGS.values())), st.data())
def test_a_second_finding_does_not_reach_the_first(kind, data) -> None:
    first = data.draw(st.sampled_from([word for word in kind.words if "(" not in word] or ["opacity"]))
    alone = said(f"No {first}.")
    assert said(f"No {first}. There is scoliosis.")[: len(alone)] == alone


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5), st.sampled_from(UNRELATED), st.integers(0, 5))
def test_an_unrelated_sentence_changes_nothing(sentences: list[str], unrelated: str, at: int) -> None:
    more = [*sentences[:at], unrelated, *sentences[at:]]
    assert said(" ".join(more)) == said(" ".join(sentences))


@given(st.permutations(SENTENCES))
def test_the_order_of_sentences_changes_nothing_but_the_order(sentences: list[str]) -> None:
    assert said(" ".join(sentences)) == [finding for sentence in sentences for finding in said(sentence)]


@given(st.sampled_from(SENTENCES), st.sampled_from([" ", "  ", "\n", "\r\n", "\t", " \n "]))
def test_blanks_and_line_breaks_change_nothing(sentence: str, blank: str) -> None:
    assert said(blank.join(sentence.split(" "))) == said(sentence)


@given(st.sampled_from(SENTENCES), st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_changes_nothing(sentence: str, case) -> None:
    assert said(case(sentence)) == said(sentence)


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5))
def test_spans_hold_the_same_words_wherever_a_sentence_stands(sentences: list[str]) -> None:
    text, alone = " ".join(sentences), []
    for sentence in sentences:
        alone += [sentence[finding.span.start : finding.span.end] for finding in findings_of(sentence) if finding.span]
    assert [text[finding.span.start : finding.span.end] for finding in findings_of(text) if finding.span] == alone


@given(st.sampled_from(SENTENCES))
def test_a_blank_of_deidentification_in_front_changes_nothing(sentence: str) -> None:
    assert said(f"XXXX {sentence}") == said(sentence)


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3))
def test_headings_of_findings_and_impression_change_nothing(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert said(f"FINDINGS: {text}\nIMPRESSION: Thank you.") == said(text)


WORDS = st.sampled_from(
    [
        *SENTENCES,
        *LABELLED,
        "no",
        "and",
        "or",
        "with",
        ",",
        ".",
        ";",
        ":",
        "right",
        "left",
        "may",
        "represent",
        "not",
        "seen",
        "effusion",
        "heart",
        "enlarged",
        "XXXX",
    ]
)


HEADINGS = st.sampled_from(["\nFINDINGS: ", "IMPRESSION:", "\nHistory: ", "2. ", "\n\n", "COMPARISON"])


@given(st.one_of(st.text(), st.lists(st.one_of(WORDS, HEADINGS)).map(" ".join)))
def test_every_character_belongs_to_one_annotated_sentence(text: str) -> None:
    at, outside = 0, ""
    for annotation in annotate(text):
        assert at <= annotation.span.start
        outside += text[at : annotation.span.start]
        at = annotation.span.end
    assert not (outside + text[at:]).strip()


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_any_text_is_read_and_every_span_lies_in_it(text: str) -> None:
    for annotation in annotate(text):
        assert len(annotation.findings) == len(annotation.likely)
        assert set(annotation.regions) <= set(REGIONS)
        for finding in annotation.findings:
            assert finding.span is not None
            assert annotation.span.start <= finding.span.start < finding.span.end <= annotation.span.end <= len(text)
            assert text[finding.span.start : finding.span.end].strip()
            assert set(finding.regions) <= set(annotation.regions)


@given(
    st.lists(st.sampled_from(LABELLED)),
    st.sampled_from(["The trachea is midline.", "Two views."]),
)
def test_another_sentence_changes_nothing(texts: list[str], other: str) -> None:
    text = " ".join(texts)
    alone = findings_of(text)
    assert findings_of(f"{text} {other}")[: len(alone)] == alone
