"""What the bundled reader repeats of its training reports, on a few real films."""

import pytest

from radtrace.errors import InputError
from radtrace.evaluate.readings.memory import Reports, repeated
from radtrace.records import Rejected, Study
from radtrace.sources import open_source

STUDIES = 6


def findings(source):
    found = {study.id: study.report.findings for study in source.studies() if isinstance(study, Study)}
    return {study: text for study, text in found.items() if text.strip()}


def test_the_bundled_reader_repeats_no_more_of_one_training_report_than_new_reports_do(data_dir):
    reading = pytest.importorskip("radtrace.reader", reason="there is no reader")
    try:
        reader = reading.load_reader("bundled", reading.Manner(visual="none"))
    except InputError as error:
        pytest.skip(str(error))
    root = data_dir / "openi"
    train = Reports(findings(open_source({"kind": "openi", "root": root, "split": ["train", "unsplit"]})).values())
    source = open_source({"kind": "openi", "root": root, "split": "val"})
    usual = repeated(findings(source), train)
    studies = [study for study in source.studies() if isinstance(study, Study)][:STUDIES]
    with reader:
        read = [outcome for outcome in reader.read_all(studies, source) if not isinstance(outcome, Rejected)]
    assert read
    said = repeated({one.trace.study_id: one.trace.report.findings for one in read}, train)
    assert max(run.alone for run in said.runs.values()) <= max(run.alone for run in usual.runs.values())
