import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from radtrace.anatomy import DOMAINS, REGIONS
from radtrace.geometry import Box
from radtrace.records import (
    Assessment,
    Finding,
    LocalizedImage,
    Region,
    Rejected,
    Report,
    Span,
    Stage,
    Step,
    Study,
    Trace,
    View,
)

TEXT = st.text(max_size=40)
BOX = st.builds(
    lambda x, y, w, h: Box.of((x, y, x + w, y + h)),
    *[st.floats(0, 0.5) for _ in range(2)],
    *[st.floats(1e-3, 0.5) for _ in range(2)],
)
SPAN = st.builds(lambda start, length: Span(start=start, end=start + length), st.integers(0, 99), st.integers(1, 99))
FINDING = st.builds(
    Finding,
    label=TEXT,
    status=st.sampled_from(["present", "absent", "uncertain"]),
    regions=st.lists(st.sampled_from(REGIONS), max_size=3).map(tuple),
    span=st.none() | SPAN,
)
REGION = st.builds(
    Region, name=st.sampled_from(REGIONS), box=st.none() | BOX, view_id=TEXT, origin=st.just("localizer")
)
STEP = st.builds(
    Step,
    domain=st.sampled_from([*DOMAINS, "general"]),
    regions=st.lists(REGION, max_size=3).map(tuple),
    rationale=TEXT,
    findings=st.lists(FINDING, max_size=3).map(tuple),
    box=st.none() | BOX,
    image=st.none() | st.builds(LocalizedImage, kind=st.just("crop"), uri=TEXT),
)
VIEW = st.builds(
    View, id=TEXT, uri=TEXT, width=st.none() | st.integers(1, 9999), height=st.none() | st.integers(1, 9999)
)
ASSESSMENT = st.builds(Assessment, label=TEXT, probability=st.none() | st.floats(0, 1))
TRACE = st.builds(
    Trace,
    study_id=TEXT,
    view=VIEW,
    steps=st.lists(STEP, max_size=4).map(tuple),
    report=st.none() | st.builds(Report, findings=TEXT, impression=TEXT),
    assessments=st.lists(ASSESSMENT, max_size=3, unique_by=lambda each: each.label).map(tuple),
    provenance=st.lists(st.builds(Stage, name=TEXT, version=TEXT), max_size=2).map(tuple),
)


@given(TRACE)
def test_a_trace_survives_json(trace):
    assert Trace.model_validate_json(trace.model_dump_json()) == trace


def test_an_unknown_schema_version_is_refused():
    row = json.loads(Rejected(study_id="1", stage="view", reason="no film").model_dump_json())
    with pytest.raises(ValidationError, match="schema_version"):
        Rejected.model_validate(row | {"schema_version": 2})


def test_records_are_frozen_and_refuse_unknown_fields():
    view = View(id="a", uri="a.png")
    with pytest.raises(ValidationError):
        view.id = "b"
    with pytest.raises(ValidationError):
        View(id="a", uri="a.png", widht=3)


def test_a_rejection_has_a_reason_and_a_span_has_characters():
    with pytest.raises(ValidationError):
        Rejected(study_id="1", stage="view", reason="")
    with pytest.raises(ValidationError, match="empty span"):
        Span(start=3, end=3)


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan")])
def test_a_confidence_is_a_probability(probability):
    with pytest.raises(ValidationError):
        Assessment(label="Edema", probability=probability)


def test_a_finding_is_assessed_once():
    twice = (Assessment(label="Edema", probability=0.2), Assessment(label="Edema", probability=None))
    with pytest.raises(ValidationError, match="'Edema' is assessed twice"):
        Trace(study_id="1", view=View(id="a", uri="a.png"), steps=(), assessments=twice)


@pytest.mark.parametrize("split", ["my split", "a/b", "", "all", "a" * 65, "train\n"])
def test_a_split_is_one_word(split):
    with pytest.raises(ValidationError):
        Study(id="1", source="table", views=(), split=split)
    assert Study(id="1", source="table", views=(), split="0").split == "0"
