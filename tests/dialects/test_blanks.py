"""De-identification blanks are never rendered for training."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.conftest import VIEW

from radtrace.dialects import BLANK, Text, dialect, rewritten, without_blanks, written
from radtrace.findings import findings_of
from radtrace.records import Report, Step, Trace

WORDS = (
    "XXXX",
    "No",
    "effusion",
    "lymph",
    "is",
    ",",
    ".",
    "The",
    "x-XXXX",
    "opacities",
    "seen.",
    "most",
    "superior",
    "___",
    "a",
)


def trace_of(words: str) -> Trace:
    step = Step(domain="lung", rationale=words, findings=findings_of(words))
    return Trace(study_id="s", view=VIEW, steps=(step,), report=Report(findings=words))


MENDED = [
    # what stands there, what is left of it
    ("No XXXX pleural effusion.", "No pleural effusion."),
    ("There are XXXX opacities in the left base.", "There are opacities in the left base."),
    ("XXXX right base opacity. Lungs clear.", "Right base opacity. Lungs clear."),
    ("Streaky opacities, XXXX scarring.", "Streaky opacities, scarring."),
    ("There are calcified hilar lymph XXXX.", "There are calcified hilar lymph nodes."),
    ("Median sternotomy XXXX are seen.", "Median sternotomy wires are seen."),
    ("No XXXX of pneumonia.", "No evidence of pneumonia."),
    ("Opacity most XXXX representing scarring.", "Opacity most likely representing scarring."),
    ("Tip in the superior XXXX XXXX.", "Tip in the superior vena cava."),
    ("Bilateral costophrenic XXXX blunting.", "Bilateral costophrenic angle blunting."),
    ("Both costophrenic XXXX are sharp.", "Both costophrenic angles are sharp."),
    ("Heart normal. XXXX are clear.", "Heart normal."),
    ("Confluent and XXXX opacities. No effusion.", "No effusion."),
    ("An XXXX nodule. No effusion.", "No effusion."),
    ("Compared to XXXX. No effusion.", "No effusion."),
    ("XXXX.", ""),
]  # fmt: skip


@pytest.mark.parametrize(("words", "left"), MENDED)
def test_a_blank_is_filled_or_goes_where_no_doubt_is_left_or_takes_its_sentence_along(words, left):
    mended = without_blanks(trace_of(words), "mend")
    assert mended.report.findings == left
    assert [step.rationale for step in mended.steps] == ([left] if left else [])


def test_dropping_takes_the_whole_sentence_and_its_findings():
    dropped = without_blanks(trace_of("No XXXX pleural effusion. Mild cardiomegaly."), "drop")
    (step,) = dropped.steps
    assert step.rationale == "Mild cardiomegaly."
    assert [(finding.label, finding.span.start) for finding in step.findings] == [("Cardiomegaly", 5)]


def test_keeping_is_the_default_and_leaves_references_alone():
    trace = trace_of("No XXXX pleural effusion.")
    assert without_blanks(trace, "keep") is trace
    by = dialect("radtrace")
    assert "No XXXX pleural effusion." in written(by.render(trace))
    assert {problem.kind for problem in by.parse(by.render(trace), VIEW).problems} == {"blank", "place missing"} - {
        "place missing"
    }


@pytest.mark.parametrize("name", ["radtrace", "mmrad", "deepmedix", "chestx", "boxmed"])
def test_the_flag_holds_in_every_dialect(name):
    text = written(dialect(name, {"blanks": "mend"}).render(trace_of("No XXXX effusion. The XXXX is XXXX.")))
    assert "No effusion." in text
    assert not BLANK.search(text)
    assert "blank" in {problem.kind for problem in dialect(name).parse([Text("XXXX" + text)], VIEW).problems}


@given(words=st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), how=st.sampled_from(("mend", "drop")))
def test_no_blank_is_left_and_spans_stay_on_their_words(words, how):
    trace = trace_of(words)
    treated = without_blanks(trace, how)
    assert not BLANK.search(treated.report.findings)
    for step in treated.steps:
        for finding in step.findings:
            assert finding.span.end <= len(step.rationale)
    if not BLANK.search(words):
        assert treated == trace


def test_spans_move_with_their_words():
    words = "XXXX focal scarring. The lymph XXXX are calcified. Stable XXXX and XXXX. Small effusion, XXXX atelectasis."
    said = {finding.label: words[finding.span.start : finding.span.end] for finding in findings_of(words)}
    (step,) = without_blanks(trace_of(words), "mend").steps
    after = {finding.label: step.rationale[finding.span.start : finding.span.end] for finding in step.findings}
    assert said["Calcified Lymph Node"] == "lymph XXXX are calcified"
    assert after == said | {"Calcified Lymph Node": "lymph nodes are calcified"}


def test_sentences_that_are_not_wanted_go_from_steps_and_report():
    trace = trace_of("Stable heart size. There is a small effusion.")
    treated = rewritten(trace, lambda text: "stable" in text.lower())
    assert treated.report.findings == "There is a small effusion."
    assert all("Stable" not in step.rationale for step in treated.steps)
    assert rewritten(trace, lambda _: False) == trace
