"""parse(render(trace)) is the trace, up to what a dialect does not carry."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.conftest import DIALECTS_UNDER_TEST, VIEW, carried, traces

from radtrace.dialects import Text, dialect, segments_of, written
from radtrace.geometry import FRAMES
from radtrace.records import Trace

cases = st.sampled_from([dialect(name, flags) for name, flags in DIALECTS_UNDER_TEST])
plain = st.sampled_from(("The heart is large.", "No effusion; the lungs are clear (2 views).", "Size < 2 cm & > 1 cm."))


@settings(max_examples=400)
@given(trace=traces(), by=cases)
def test_a_trace_comes_back_whatever_its_words_are(trace, by):
    parsed = by.parse(by.render(trace), trace.view, asked=trace.answer is not None)
    assert carried(parsed.trace("s", trace.view), by) == carried(trace, by)


@given(trace=traces(plain), by=cases)
def test_what_is_rendered_is_not_malformed(trace, by):
    assert by.parse(by.render(trace), trace.view, asked=trace.answer is not None).problems == ()


@given(trace=traces(plain), by=cases)
def test_a_box_comes_back_within_half_a_unit_of_its_frame(trace, by):
    frame = FRAMES[by.model_dump().get("frame", "0-999")]
    unit = frame.affine(VIEW.width, VIEW.height)
    parsed = by.parse(by.render(trace), trace.view)
    for before, after in zip(trace.steps, parsed.steps, strict=True):
        if after.box is None:
            continue
        ends = 2 if frame.xywh else 1  # the far end is the sum of two rounded numbers
        for axis, scale in ((0, unit.scale_x), (1, unit.scale_y)):
            assert abs(before.box.xyxy[axis] - after.box.xyxy[axis]) * scale <= 0.5 + 1e-6
            assert abs(before.box.xyxy[axis + 2] - after.box.xyxy[axis + 2]) * scale <= 0.5 * ends + 1e-6


@given(trace=traces(plain))
def test_text_with_marks_and_the_images_make_the_segments(trace):
    for by in (dialect("radtrace"), dialect("mmrad")):
        segments = by.render(trace)
        images = [step.image for step in trace.steps if step.image]
        again = segments_of(written(segments), images)
        assert by.parse(again, trace.view) == by.parse(segments, trace.view)


def test_segments_are_text_and_pictures_in_turn(written_in, two_steps):
    segments = written_in.render(two_steps)
    assert not any(isinstance(a, Text) and isinstance(b, Text) for a, b in pairwise(segments))
    assert len(segments) == (3 if "pictures" in written_in.carries else 1)


def test_a_trace_with_a_report_and_an_answer_keeps_both_where_tags_tell_them_apart(two_steps):
    both = two_steps.model_copy(update={"answer": "yes"})
    canonical = dialect("radtrace")
    parsed = canonical.parse(canonical.render(both), both.view)
    assert (parsed.report.impression, parsed.answer) == ("Mild cardiomegaly.", "yes")


@pytest.mark.parametrize("name", ["chestx", "deepmedix", "boxmed"])
def test_a_trace_without_steps_is_a_direct_answer(name, film):
    by = dialect(name)
    trace = Trace(study_id="s", view=film, steps=(), answer="B")
    assert "<think>" not in written(by.render(trace))
    assert by.parse(by.render(trace), film, asked=True).answer == "B"
