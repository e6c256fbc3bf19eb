"""A text: its sentences, and where in it the findings stand."""

from radtrace.findings import annotate, findings_of


def test_spans_are_in_the_text_that_was_read() -> None:
    text = "Heart normal.\n2. Small left effusion. The lungs are\nmildly hyperinflated."
    assert [text[f.span.start : f.span.end] for f in findings_of(text) if f.span] == [
        "Heart normal",
        "effusion",
        "hyperinflated",
    ]
    assert [text[a.span.start : a.span.end] for a in annotate(text)] == [
        "Heart normal.",
        "2. Small left effusion.",
        "The lungs are\nmildly hyperinflated.",
    ]


def test_a_predicate_spans_what_it_is_said_of() -> None:
    text = "The heart is mildly enlarged."
    (finding,) = findings_of(text)
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == "heart is mildly enlarged"


def test_empty_text_says_nothing() -> None:
    assert findings_of("") == ()
    assert annotate(" \n") == ()


def test_a_very_long_sentence_is_read_in_parts() -> None:
    text = "small left effusion, " * 1000
    found = findings_of(text)
    assert len(found) == 1000
    assert {finding.label for finding in found} == {"Pleural Effusion"}
    assert max(annotation.span.end - annotation.span.start for annotation in annotate(text)) <= 2000
