"""Traces to show, made from phantoms and hostile words."""

import pytest

from radtrace.geometry import Box
from radtrace.images import crop, encode_png
from radtrace.pages import TraceView
from radtrace.phantoms import phantom
from radtrace.records import Assessment, Finding, Region, Report, Span, Stage, Step, Trace, View

HOSTILE = "</script><script>alert(1)</script><!--<script> \"'&amp;\u2028\u2029\U0001fac1 naïve"


def _step(trace_id: str, domain: str, names: tuple[str, ...], words: str, found: dict[str, str]) -> Step:
    """A step; `found`: words -> status of the finding that they name."""
    boxes = phantom(0, (128, 128)).regions
    regions = tuple(Region(name=name, box=boxes[name], view_id=trace_id, origin="dataset") for name in names)
    findings = tuple(
        Finding(
            label=name.title(),
            status=status,
            laterality="right" if "right" in names[0] else None,
            regions=names[:1],
            span=Span(start=words.index(name), end=words.index(name) + len(name)),
        )
        for name, status in found.items()
    )
    box = Box.hull([region.box for region in regions if region.box])
    return Step(domain=domain, regions=regions, rationale=words, findings=findings, box=box)


def _view(study_id: str, seed: int, extra: str = "") -> TraceView:
    film = phantom(seed, (128, 128)).pixels
    steps = (
        _step(study_id, "mediastinal", ("cardiac silhouette",), f"{extra}No cardiomegaly.", {"cardiomegaly": "absent"}),
        _step(
            study_id,
            "lung",
            ("right costophrenic angle", "left lung"),
            f"{extra}Small pleural effusion. Possible atelectasis.",
            {"pleural effusion": "present", "atelectasis": "uncertain"},
        ),
        Step(domain="general", rationale=f"{extra}Compared with nothing."),
    )
    trace = Trace(
        study_id=study_id,
        view=View(id=f"{study_id}-1", uri="film.png", projection="PA", width=128, height=128, sha256="ab" * 32),
        steps=steps,
        report=Report(findings=f"{extra}All the words.", impression=f"{extra}Small effusion.", indication="Cough."),
        assessments=(
            Assessment(label=f"{extra}nodule", probability=None),
            Assessment(label="cardiomegaly", probability=0.004),
            Assessment(label="pleural effusion", probability=0.874),
        ),
        provenance=(Stage(name="annotate", version="rules", detail=extra),),
    )
    return TraceView(trace, encode_png(film), tuple(step.box and encode_png(crop(film, step.box)) for step in steps))


@pytest.fixture(scope="session")
def views() -> list[TraceView]:
    """Three traces, the second full of what breaks pages."""
    return [_view("study-1", 1), _view(f"study-2 {HOSTILE}", 2, HOSTILE), _view("study-3", 3)]
