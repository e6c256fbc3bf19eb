"""Real reports in every dialect; they are read where they lie."""

from tests.dialects.conftest import DIALECTS_UNDER_TEST, VIEW, carried

from radtrace.build.annotate import steps_of
from radtrace.dialects import BLANK, Grammar, dialect, state_of, written
from radtrace.records import Study, Trace
from radtrace.sources.openi import OpenI

SAMPLE = 300


def real_traces(root):
    studies = (s for s in OpenI(kind="openi", root=root).studies() if isinstance(s, Study) and s.report)
    told = [study for study in studies if study.report.findings or study.report.impression][: 5 * SAMPLE : 5]
    return [Trace(study_id=s.id, view=VIEW, steps=steps_of(s.report, {}), report=s.report) for s in told]


def test_real_reports_come_back_in_every_dialect(data_dir):
    traces = real_traces(data_dir / "openi")
    assert len(traces) == SAMPLE
    for name, flags in DIALECTS_UNDER_TEST:
        by = dialect(name, flags)
        for trace in traces:
            parsed = by.parse(by.render(trace), VIEW)
            assert carried(parsed.trace("s", VIEW), by) == carried(trace, by), (name, trace.study_id)
            assert {problem.kind for problem in parsed.problems} <= {"blank"}


def test_what_is_trained_on_has_no_blank_and_is_grammatical(data_dir):
    by = dialect("radtrace", {"blanks": "mend", "findings": True})
    for trace in real_traces(data_dir / "openi"):
        text = written(by.render(trace))
        assert not BLANK.search(text)
        state = state_of(text, Grammar(findings=True))
        assert "<report></report>" in text or (state is not None and state.ended), trace.study_id
