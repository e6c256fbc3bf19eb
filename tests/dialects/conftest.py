"""Traces as a source or an annotator makes them, and what a dialect carries of one."""

import pytest
from hypothesis import strategies as st

from radtrace.anatomy import DOMAIN_OF, DOMAINS, FINDINGS
from radtrace.dialects import Dialect, dialect
from radtrace.geometry import Box
from radtrace.records import Finding, LocalizedImage, Region, Report, Step, Trace, View

VIEW = View(id="v", uri="films/v.png", projection="PA", width=2992, height=2400)

DIALECTS_UNDER_TEST: tuple[tuple[str, dict[str, object]], ...] = (
    ("radtrace", {}),
    ("radtrace", {"findings": True}),
    ("mmrad", {}),
    ("mmrad", {"frame": "0-1000"}),
    ("deepmedix", {}),
    ("deepmedix", {"frame": "pixels-xywh"}),
    ("chestx", {}),
    ("boxmed", {}),
)

MARKS = (
    '<step region="spine">',
    "</step>",
    "<findings>",
    "</findings>",
    "<box>1,2,3,4</box>",
    "<box>",
    "<image>",
    "</image>",
    "<report>",
    "</report>",
    "<answer>",
    "</answer>",
    "<think>",
    "</think>",
    "\\boxed{",
    "{",
    "}",
    "[1, 2, 3, 4]",
    "<",
    ">",
    "&",
    "&#60;",
    "&lt;",
    '"',
    "FINDINGS:",
    "IMPRESSION:",
    "\n1. spine: ",
    "\nFindings: ",
    " → Disease: ",
    " -> Box: [",
    "First, I need to analyze the lung region.",
    "I will highlight the spine.",
    "The bounding box of this area is [1, 2, 3, 4].",
    "Summarizing the previous analysis, I will generate the following report: ",
    "Next, assess the spine. ",
    "\ufffc",
    "<STEP",
    "&#38;",
    "First, Next, check the tube. ",
    "\n",
    " ",
)
"""What dialects read as their own, in the words of a trace."""

texts = st.lists(
    st.one_of(st.sampled_from(MARKS), st.text(max_size=8), st.just("The heart is large.")), max_size=5
).map("".join)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """At least a few units of every frame wide and high."""
    x, y = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    return Box.of((x, y, draw(st.floats(x + 0.02, 1)), draw(st.floats(y + 0.02, 1))))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    return Finding(
        label=draw(st.sampled_from(list(FINDINGS))),
        status=draw(st.sampled_from(("present", "absent", "uncertain"))),
        severity=draw(st.sampled_from((None, "mild", "moderate", "severe"))),
        laterality=draw(st.sampled_from((None, "right", "left", "bilateral"))),
        change=draw(st.sampled_from((None, "new", "improved", "worse", "stable", "resolved"))),
    )


@st.composite
def steps(draw: st.DrawFn, words: st.SearchStrategy[str] = texts) -> Step:
    domain = draw(st.sampled_from((*DOMAINS, "general")))
    names = draw(st.lists(st.sampled_from(list(DOMAIN_OF)), unique=True, max_size=4)) if domain != "general" else []
    box = draw(st.none() | boxes())
    image = LocalizedImage(kind="crop", uri=f"{draw(st.integers(0, 99))}.png", box=box)
    return Step(
        domain=domain,
        regions=tuple(Region(name=name, box=None, view_id="v", origin="model") for name in names),
        rationale=draw(words),
        findings=tuple(draw(st.lists(findings(), max_size=3))),
        box=box,
        image=draw(st.sampled_from((None, image))),
    )


@st.composite
def traces(draw: st.DrawFn, words: st.SearchStrategy[str] = texts) -> Trace:
    """With a report or an answer."""
    asked = draw(st.booleans())
    report = Report(findings=draw(words), impression=draw(words), indication="Cough.")
    return Trace(
        study_id="s",
        view=VIEW,
        steps=tuple(draw(st.lists(steps(words), max_size=4))),
        report=None if asked else report,
        answer=draw(words) if asked else None,
    )


def carried(trace: Trace, by: Dialect) -> dict[str, object]:
    """What is left of a trace, but for the boxes' numbers, after it is written and read in a dialect."""
    return {
        "steps": [_carried(step, by) for step in trace.steps],
        "report": trace.report and (trace.report.findings.strip(), trace.report.impression.strip()),
        "answer": trace.answer and trace.answer.strip(),
    }


def _carried(step: Step, by: Dialect) -> tuple[object, ...]:
    return (
        step.domain,
        [region.name for region in step.regions],
        step.rationale.strip(),
        list(dict.fromkeys(map(_decided, step.findings))) if by.model_dump().get("findings") else None,
        "boxes" in by.carries and step.box is not None,
        step.image if "pictures" in by.carries else None,
    )


def _decided(finding: Finding) -> Finding:
    return finding.model_copy(update={"span": None, "regions": ()})


@pytest.fixture(params=DIALECTS_UNDER_TEST, ids=lambda case: "-".join((case[0], *map(str, case[1].values()))))
def written_in(request: pytest.FixtureRequest) -> Dialect:
    name, flags = request.param
    return dialect(name, flags)


@pytest.fixture
def film() -> View:
    return VIEW


@pytest.fixture
def two_steps() -> Trace:
    """A short trace with everything in it."""
    heart = Box.of((0.25, 0.5, 0.75, 0.875))
    return Trace(
        study_id="s",
        view=VIEW.model_copy(update={"width": 2048, "height": 2048}),
        steps=(
            Step(
                domain="mediastinal",
                regions=(Region(name="cardiac silhouette", box=heart, view_id="v", origin="localizer"),),
                rationale="The heart is mildly enlarged.",
                findings=(Finding(label="Cardiomegaly", status="present", severity="mild"),),
                box=heart,
                image=LocalizedImage(kind="crop", uri="heart.png", box=heart),
            ),
            Step(domain="general", rationale="A button overlies the film."),
        ),
        report=Report(findings="The heart is mildly enlarged.", impression="Mild cardiomegaly."),
    )
