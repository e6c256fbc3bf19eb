import pytest
from pydantic import TypeAdapter, ValidationError

from radtrace.build.labels import LabelTemplate, label_steps
from radtrace.geometry import Box
from radtrace.records import Label, Region

REGIONS = {
    name: Region(name=name, box=Box.of(box), view_id="v", origin="localizer")
    for name, box in {
        "right lung": (0.1, 0.1, 0.45, 0.8),
        "left lung": (0.55, 0.1, 0.9, 0.8),
        "cardiac silhouette": (0.4, 0.5, 0.7, 0.8),
    }.items()
}
TEMPLATE = "{label} is labelled: {regions}."


def label(name, box=None, **more):
    return Label(label=name, box=box and Box.of(box), view_id="v", origin="dataset", **more)


def steps(*labels, template=TEMPLATE):
    return label_steps(labels, "v", REGIONS, template)


def test_one_step_a_domain_and_one_sentence_a_finding():
    heart, lung = steps(label("Nodule"), label("Cardiomegaly"), label("Mass", (0.6, 0.2, 0.7, 0.3)), label("Nodule"))
    assert (heart.domain, lung.domain) == ("mediastinal", "lung")
    assert heart.rationale == "Cardiomegaly is labelled: cardiac silhouette."
    assert heart.box == REGIONS["cardiac silhouette"].box
    assert lung.rationale == "Nodule is labelled: right lung, left lung. Mass is labelled: left lung."
    assert lung.box == Box.of((0.1, 0.1, 0.9, 0.8))  # the nodule may lie in either lung
    assert [f.label for f in lung.findings] == ["Nodule", "Mass"]
    assert [lung.rationale[f.span.start : f.span.end] for f in lung.findings] == ["Nodule", "Mass"]


def test_the_box_is_that_of_the_drawn_findings_and_tells_the_side():
    (step,) = steps(label("Mass"), label("Mass", (0.6, 0.2, 0.7, 0.3)), label("Nodule", (0.8, 0.5, 0.85, 0.55)))
    assert step.box == Box.of((0.6, 0.2, 0.85, 0.55))
    assert [region.name for region in step.regions] == ["left lung"]
    assert step.findings[0].regions == ("left lung",)


def test_only_what_is_present_in_this_view_is_said():
    assert steps(label("Mass", status="absent"), label("Mass", status="uncertain")) == ()
    assert label_steps([label("Mass")], "other", REGIONS, TEMPLATE) == ()


def test_a_finding_of_no_stated_place_stands_in_the_general_step():
    (step,) = steps(label("Surgical Clips"), template="{label}.")
    assert (step.domain, step.rationale, step.box) == ("general", "Surgical Clips.", None)


@pytest.mark.parametrize("wrong", ["{regions}", "{label} {side}", "{label} {", "{label.x}", "{0} {label}", "words"])
def test_a_wrong_template_is_refused(wrong):
    with pytest.raises(ValidationError, match="label"):
        TypeAdapter(LabelTemplate).validate_python(wrong)
