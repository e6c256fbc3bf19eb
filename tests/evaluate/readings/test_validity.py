import json

import pytest

from radtrace.errors import InputError
from radtrace.evaluate.readings.predictions import Predicted, read_predictions
from radtrace.evaluate.readings.validity import disagrees, faults, validity
from radtrace.geometry import Box
from radtrace.records import Finding, Report


def reading(row, **update):
    return Predicted(row.trace.study_id, "Words.", "", row.trace.model_copy(update=update), row.step_pngs)


def test_a_built_trace_is_whole_and_each_fault_is_named(rows):
    row = next(row for row in rows if row.trace.steps[0].box)
    assert faults(reading(row)) == ()
    assert faults(None) == ("no_prediction",)
    assert faults(Predicted("1", None, reason="no frontal film")) == ("not_read",)
    assert faults(Predicted("1", "Words.")) == ("no_trace",)
    assert faults(Predicted("1", None, malformed=True)) == ("malformed",)
    assert faults(reading(row, report=Report(findings=" . "))) == ("no_report",)
    first = row.trace.steps[0]
    small = first.model_copy(update={"box": Box.of((0.0, 0.0, 0.01, 0.01))})
    assert faults(reading(row, steps=(small, *row.trace.steps[1:]))) == ("box_misses_regions",)
    named = first.model_copy(update={"findings": (Finding(label="Griffin", status="present"),)})
    assert faults(reading(row, steps=(named, *row.trace.steps[1:]))) == ("unknown_name",)
    broken = Predicted("1", "Words.", "", row.trace, (b"no picture", *row.step_pngs[1:]))
    assert faults(broken) == ("damaged_picture",)


def test_all_studies_count(rows):
    said = validity([row.trace.study_id for row in rows] + ["refused"], {r.trace.study_id: reading(r) for r in rows})
    assert said["whole"] == pytest.approx(len(rows) / (len(rows) + 1))
    assert (said["whole_of_traces"], said["traces"], said["faults"]) == (1, len(rows), {"no_prediction": 1})


def test_a_report_that_denies_what_a_step_decided_disagrees(rows):
    step = rows[0].trace.steps[0].model_copy(update={"findings": (Finding(label="Cardiomegaly", status="present"),)})
    trace = rows[0].trace.model_copy(update={"steps": (step,)})
    assert disagrees(trace.model_copy(update={"report": Report(findings="No cardiomegaly.")}))
    assert not disagrees(trace.model_copy(update={"report": Report(findings="There is cardiomegaly.")}))


def test_lines_are_read_with_the_pictures_beside_them_and_nothing_outside(rows, tmp_path):
    row = next(row for row in rows if row.trace.steps[0].image)
    (tmp_path / "preds").mkdir()
    (tmp_path / "outside.png").write_bytes(row.step_pngs[0])
    (tmp_path / "preds" / "in.png").write_bytes(row.step_pngs[0])
    lines = []
    for name, uri in (("a", "in.png"), ("b", "../outside.png")):
        image = row.trace.steps[0].image.model_copy(update={"uri": uri})
        step = row.trace.steps[0].model_copy(update={"image": image})
        trace = row.trace.model_copy(update={"study_id": name, "steps": (step,)})
        lines.append({"id": name, "text": "", "trace": trace.model_dump(mode="json")})
    lines += [
        {"id": "c", "text": None, "stage": "view", "reason": "no frontal film"},
        {"id": 4, "text": "x", "trace": {"steps": 1}},
    ]
    file = tmp_path / "preds" / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = read_predictions(file)
    assert found["a"].step_pngs == (row.step_pngs[0],)
    assert found["a"].text == row.trace.report.findings
    assert found["b"].step_pngs == (None,)
    assert (found["c"].text, found["c"].reason) == (None, "view")
    assert found["4"].malformed


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n', "doubled id 'a'"),
        ('{"id": "a"}\n', "line 1: not"),
        ("[]\n", "line 1: not"),
        ("{\n", "line 1: not JSON"),
    ],
)
def test_what_is_no_line_is_named(content, complaint, tmp_path):
    file = tmp_path / "lines.jsonl"
    file.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_predictions(file)
