import pytest

from radtrace.evaluate.readings.pointing import Drawn, cell_centre, constant_points, drawn_findings, pointing, stated
from radtrace.geometry import Box
from radtrace.records import Finding, Label, Region, Step, Study, Trace, View

VIEW = View(id="v", uri="v.png")
LEFT, RIGHT = Box.of((0.6, 0.4, 0.9, 0.8)), Box.of((0.1, 0.4, 0.4, 0.8))


def trace(study, label, status="present", box=LEFT):
    lung = Region(name="left lung", box=box, view_id="v", origin="localizer")
    both = Region(name="right lung", box=RIGHT, view_id="v", origin="localizer")
    finding = Finding(label=label, status=status, regions=("left lung",))
    step = Step(
        domain="lung", regions=(lung, both), rationale="Words.", findings=(finding,), box=Box.hull((box, RIGHT))
    )
    return Trace(study_id=study, view=VIEW, steps=(step,))


def aims():
    return [Drawn(str(n), f"p{n}", "Mass", (LEFT,)) for n in range(4)]


def test_a_finding_points_with_its_own_regions_and_only_where_it_is_present():
    assert stated(trace("1", "Mass"), "Mass") == LEFT
    assert stated(trace("1", "Mass", "absent"), "Mass") is None
    assert stated(trace("1", "Mass"), "Nodule") is None


def test_what_is_not_stated_misses_and_the_constant_is_of_the_other_patients():
    traces = {
        "0": trace("0", "Mass"),
        "1": trace("1", "Mass", box=Box.of((0.0, 0.0, 0.2, 0.2))),
        "2": trace("2", "Nodule"),
    }
    found = pointing(aims(), traces, lambda aim: (0.7, 0.5) if aim.study == "0" else None)
    assert found["told"] == 0.5
    assert found["stated"]["value"] == 0.25
    assert found["stated_where_told"]["value"] == 0.5
    assert (found["constant"]["value"], found["attention"]["value"]) == (1, 0.25)
    assert found["by_label"]["Mass"]["stated"] == [1, 4]
    assert found["chance"] == pytest.approx(LEFT.area, abs=0.02)


def test_a_constant_never_sees_its_own_patient():
    alone = [Drawn("0", "p", "Mass", (LEFT,)), Drawn("1", "p", "Mass", (LEFT,)), Drawn("2", "q", "Mass", (RIGHT,))]
    assert [aim.holds(point) for aim, point in zip(alone, constant_points(alone), strict=True)] == [False] * 3


def test_a_cell_of_a_letterboxed_film_is_a_point_of_the_film():
    # A film twice as high as wide: the middle half of the columns shows it.
    assert cell_centre(0, 4, 100, 200) is None
    assert cell_centre(1, 4, 100, 200) == pytest.approx((0.25, 0.125))
    assert cell_centre(14, 4, 100, 200) == pytest.approx((0.75, 0.875))


def test_boxes_of_one_finding_are_one_aim_and_nothing_read_is_said():
    labels = [Label(label="Mass", box=box, view_id="v", origin="radiologist") for box in (LEFT, RIGHT)]
    study = Study(
        id="1", source="nih_boxes", views=(VIEW,), labels=(*labels, Label(label="Edema", view_id="v", origin="dataset"))
    )
    assert drawn_findings([study]) == [Drawn("1", "1", "Mass", (LEFT, RIGHT))]
    assert "absent" in pointing(drawn_findings([study]), {})
