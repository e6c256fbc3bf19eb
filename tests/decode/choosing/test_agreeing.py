"""Whatever a model wrote, the trace that is kept says what was decided."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radtrace.decode.choosing.agreeing import agreeing
from radtrace.decode.choosing.choice import report_of, said_in
from radtrace.decode.choosing.looks import once_each
from radtrace.decode.choosing.plain import plain_sentence, plain_sentences
from radtrace.decode.choosing.told import Told
from radtrace.decode.guide import Guide
from radtrace.decode.writer import Draft, echo
from radtrace.dialects import dialect, segments_of
from radtrace.geometry import Box
from radtrace.records import Trace, View

VIEW = View(id="v", uri="film.png", width=100, height=100)
GUIDE = Guide({"right lung": Box(x1=0, y1=0, x2=0.4, y2=1), "left lung": Box(x1=0.6, y1=0, x2=1, y2=1)}, echoes=True)
HEART = ("cardiac silhouette", "none", "The heart is normal in size.")
LUNGS = ("right lung, left lung", "none", "The lungs are clear.")
RIGHT_ATELECTASIS = ("Atelectasis", "Atelectasis, right")
READER = Path(__file__).parents[3] / "weights" / "src" / "radtrace_weights" / "reader" / "reader.json"
ASSESSED = list(json.loads(READER.read_text())["present"])


def draft(*steps: tuple[str, str, str], impression: str = "No acute cardiopulmonary disease.") -> Draft:
    texts = [f'<step region="{place}"><findings>{items}</findings>{words}</step>\n' for place, items, words in steps]
    words = [words for _, _, words in steps]
    report = f"<report>FINDINGS: {echo(words)} IMPRESSION: {impression}</report>"
    return Draft("".join(texts) + report, words=words, steps=len(steps))


def told_of(written: Draft, *columns: str) -> Trace:
    """The trace that is kept, read as `radtrace read` reads it."""
    kept = once_each(agreeing(written, Told.of(columns), GUIDE), GUIDE)
    parsed = dialect("radtrace", {"findings": True}).parse(segments_of(kept.text, ()), VIEW)
    assert not parsed.problems
    assert [step.rationale for step in parsed.steps] == kept.words
    assert parsed.report is not None
    assert parsed.report == report_of(kept)
    return Trace(study_id="s", view=VIEW, steps=parsed.steps, report=parsed.report)


def findings(trace: Trace) -> str:
    assert trace.report is not None
    return trace.report.findings


def test_what_agrees_stays_as_it_is() -> None:
    trace = told_of(draft(HEART, LUNGS))
    assert findings(trace) == "The heart is normal in size. The lungs are clear."
    assert trace.report is not None
    assert trace.report.impression == "No acute cardiopulmonary disease."


@pytest.mark.parametrize(
    "words",
    [
        "The lungs are clear.",  # belies it
        "There is no atelectasis.",  # denies it
        "There is possible atelectasis.",  # leaves it open
        "There is left basilar atelectasis.",  # puts it elsewhere
        "There is right atelectasis and a right pneumothorax.",  # adds what was not decided
        "The pleural spaces are unremarkable.",  # says nothing of it
    ],
)
def test_a_finding_is_said_whatever_its_step_says(words: str) -> None:
    trace = told_of(draft(HEART, ("right lung", "atelectasis present left", words)), *RIGHT_ATELECTASIS)
    assert "There is right-sided atelectasis." in findings(trace)
    assert said_in(findings(trace)).findings["Atelectasis"] == {"present"}
    assert "Pneumothorax" not in said_in(findings(trace)).findings
    decided = [finding for step in trace.steps for finding in step.findings if finding.label == "Atelectasis"]
    assert [(finding.status, finding.laterality) for finding in decided] == [("present", "right")]
    assert trace.report is not None
    assert trace.report.impression == "No acute cardiopulmonary disease."  # atelectasis is nothing acute


def test_what_is_changed_is_counted() -> None:
    written = draft(HEART, LUNGS)
    assert agreeing(written, Told.of([]), GUIDE).mended == 0
    assert agreeing(written, Told.of(RIGHT_ATELECTASIS), GUIDE).mended == 2  # "clear" goes, atelectasis comes


def test_true_words_of_a_finding_are_kept() -> None:
    words = "There is streaky right basilar atelectasis."
    trace = told_of(draft(("right lung", "atelectasis present", words)), *RIGHT_ATELECTASIS)
    assert findings(trace) == words


def test_a_finding_is_decided_where_it_is_said() -> None:
    silent = ("left lung", "atelectasis present", "The lungs are clear.")
    saying = ("right lung", "none", "There is streaky right basilar atelectasis.")
    (step,) = told_of(draft(silent, saying), *RIGHT_ATELECTASIS).steps
    assert step.rationale == saying[2]
    assert [(finding.label, finding.laterality) for finding in step.findings] == [("Atelectasis", "right")]


def test_more_findings_than_a_trace_has_steps_for_are_all_said() -> None:
    labels = ("Consolidation", "Emphysema", "Fibrosis", "Mass", "Pneumonia", "Scoliosis", "Pacemaker", "Cardiomegaly")
    trace = told_of(draft(LUNGS), *labels)
    assert "clear" not in findings(trace)
    assert {label for label, found in said_in(findings(trace)).findings.items() if "present" in found} == {*labels}
    assert {finding.label for step in trace.steps for finding in step.findings} == {*labels}
    assert len({step.domain for step in trace.steps}) == len(trace.steps)


def test_a_device_has_no_side() -> None:
    columns = ("Central Venous Catheter", "Central Venous Catheter, left", "Central Venous Catheter, right")
    trace = told_of(draft(HEART), *columns)
    assert findings(trace).endswith("There is a central venous catheter.")
    assert [finding.laterality for step in trace.steps for finding in step.findings] == [None]


def test_an_impression_says_each_sentence_once() -> None:
    found = ("right lung", "consolidation present", "There is consolidation.")
    trace = told_of(draft(found, impression="There is consolidation. There is consolidation."), "Consolidation")
    assert trace.report is not None
    assert trace.report.impression == "There is consolidation."


def test_an_impression_denies_nothing() -> None:
    effusion = ("right lung", "pleural effusion present", "There is a pleural effusion.")
    for impression in ("No acute cardiopulmonary abnormality.", "No pleural effusion.", "Pneumonia."):
        trace = told_of(draft(effusion, impression=impression), "Pleural Effusion")
        assert trace.report is not None
        assert trace.report.impression == "There is a pleural effusion."


def test_an_impression_leaves_out_nothing_acute() -> None:
    effusion = ("right lung", "pleural effusion present", "There is a pleural effusion.")
    low = ("right lung", "low lung volumes present", "Low lung volumes.")
    trace = told_of(
        draft(effusion, low, impression="Low lung volumes. No acute findings."), "Pleural Effusion", "Low Lung Volumes"
    )
    assert trace.report is not None
    assert trace.report.impression == "Low lung volumes. There is a pleural effusion."


def test_where_nothing_is_true_that_is_said() -> None:
    trace = told_of(draft(("right lung", "none", "There is a right pneumothorax."), impression="Pneumothorax."))
    assert findings(trace) == "No assessed finding is stated as present."
    assert trace.report is not None
    assert trace.report.impression == "No assessed finding is stated as present."


def test_a_decision_against_what_is_there_goes() -> None:
    denied = ("right lung, left lung", "consolidation absent", "No focal consolidation.")
    trace = told_of(draft(denied), "Pneumonia")
    assert [finding.label for step in trace.steps for finding in step.findings] == ["Pneumonia"]


def test_what_no_word_denies_is_not_decided_to_be_absent() -> None:
    lungs = "The lungs are well-aerated. No pneumothorax."
    written = draft(("right lung", "low lung volumes absent; pneumothorax absent", lungs))
    (step,) = told_of(written, "Edema").steps
    assert step.rationale == "No pneumothorax. There is pulmonary edema."
    decided = {finding.label: finding.status for finding in step.findings}
    assert decided == {"Pneumothorax": "absent", "Edema": "present"}


def test_every_assessed_finding_has_a_plain_sentence() -> None:
    known = {each.text for each in plain_sentences()}
    assert {plain_sentence(label, {label}) for label in ASSESSED} <= known
    assert plain_sentence("Nodule", {"Nodule", "Nodule, left"}) == "There is a left-sided lung nodule."
    assert plain_sentence("Nodule", {"Nodule", "Nodule, left", "Nodule, right"}) == "There are bilateral lung nodules."


SAID = [
    "The heart is normal in size.",
    "The lungs are clear.",
    "No pneumothorax or pleural effusion.",
    "No focal consolidation.",
    "There is left basilar atelectasis.",
    "Possible small pneumothorax.",
    "The skeletal structures are normal.",
    "Tortuous aorta",
]


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.sampled_from(ASSESSED), max_size=12),
    st.lists(st.lists(st.sampled_from(SAID), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=6),
    st.sampled_from([*SAID, "No acute disease.", "Normal chest."]),
)
def test_all_that_was_decided_is_said_and_nothing_else(labels: set[str], words: list[str], impression: str) -> None:
    trace = told_of(draft(*(("general", "none", each) for each in words), impression=impression), *labels)
    said = said_in(findings(trace)).findings
    assert {label for label, found in said.items() if "present" in found} == labels
    assert not any("absent" in said[label] for label in labels)
    assert not any("uncertain" in found for found in said.values())
    assert trace.report is not None
    impressed = said_in(trace.report.impression).findings
    assert {label for label, found in impressed.items() if found != {"absent"}} <= labels
    assert not any("absent" in found for label, found in impressed.items() if label in labels)
    decided = [item for step in trace.steps for item in step.findings]
    assert {item.label for item in decided if item.status == "present"} == labels
