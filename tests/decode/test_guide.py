"""What a guide forbids is never written, what it asks for always is."""

import pytest

from radtrace.decode.guide import Guide, statuses_of
from radtrace.geometry import Box

REGIONS = {
    "cardiac silhouette": Box(x1=0.3, y1=0.4, x2=0.7, y2=0.8),
    "mediastinum": Box(x1=0.35, y1=0.1, x2=0.6, y2=0.8),
    "right lung": Box(x1=0.05, y1=0.1, x2=0.45, y2=0.9),
}


def test_a_box_is_the_hull_of_the_named_regions() -> None:
    guide = Guide(REGIONS)
    assert guide.box("cardiac silhouette, mediastinum") == "300,100,699,799"
    assert guide.box("lung, right lung") == guide.box("right lung")
    assert guide.box("lung") is None
    assert guide.box("general") is None


def test_decisions_keep_to_the_permitted_statuses() -> None:
    guide = Guide(REGIONS, {"Cardiomegaly": frozenset(("absent",)), "Edema": frozenset()})
    takes = guide.takes("cardiomegaly ", {})
    assert takes("absent")
    assert takes("a")
    assert not takes("p")
    assert not takes("uncertain")
    assert guide.takes("", {})("none")
    assert not guide.takes("", {})("edema")
    assert guide.takes("cardiomegaly absent", {})("</findings>")
    assert not guide.takes("pneumothorax absent; cardiomegaly", {})(" present")
    assert not guide.takes("pneumothorax absent", {})("; none")


def test_a_decision_goes_on_after_a_semicolon_alone() -> None:
    guide = Guide(REGIONS, {"Edema": frozenset()})
    assert guide.takes("cardiomegaly absent", {})(";")
    assert guide.takes("cardiomegaly absent;", {})(" pneumothorax")
    assert not guide.takes("cardiomegaly absent;", {})(" edema")
    assert not guide.takes("edema absent", {})(";")


def test_a_label_may_begin_another() -> None:
    # "cholecystectomy" begins "cholecystectomy clips", "nodul" two labels
    guide = Guide(REGIONS, {"Cholecystectomy": frozenset(("absent",)), "Nodule": frozenset()})
    assert guide.takes("cholecystectomy ", {})("clips present")
    assert not guide.takes("cholecystectomy ", {})("present")
    assert guide.takes("nodul", {})("ar opacity")
    assert not guide.takes("nodul", {})("e")


def test_no_change_without_an_earlier_film() -> None:
    for changes in (False, True):
        guide = Guide(REGIONS, changes=changes)
        assert guide.takes("edema present", {})(" mild")
        assert guide.takes("edema present", {})(" stable") is changes
        assert guide.takes("edema present mild", {})(" bilateral new") is changes


def test_no_finding_has_two_statuses() -> None:
    guide = Guide(REGIONS)
    assert not guide.takes("edema ", {"edema": "absent"})("present")
    assert guide.takes("edema ", {"edema": "absent"})("absent")
    assert not guide.takes("edema present left; edema ", {})("absent")
    assert not guide.takes("edema present left; ede", {})("ma")  # nor does it stand twice
    assert statuses_of(["edema present left", "cholecystectomy clips absent", "none"]) == {
        "edema": "present",
        "cholecystectomy clips": "absent",
    }


def test_present_findings_are_due_in_a_domain_of_theirs_and_pending_until_then() -> None:
    guide = Guide(REGIONS, present=("Cardiomegaly", "Pleural Effusion", "Scoliosis"))
    assert guide.due("mediastinum", {}) == ("cardiomegaly present",)
    assert guide.due("right upper lung zone, right lung", {}) == ("pleural effusion present",)
    assert guide.due("lung", {"pleural effusion": "present"}) == ()
    assert guide.pending({"cardiomegaly": "present", "scoliosis": "present"}) == (
        "right costophrenic angle, left costophrenic angle",
    )
    assert not guide.takes("cardiomegaly ", {})("absent")
    with pytest.raises(ValueError, match="must be and may not be"):
        Guide(REGIONS, {"Edema": frozenset(("absent",))}, present=("Edema",))
