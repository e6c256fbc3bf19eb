"""What a model wrote, as a trace: its regions located, its findings on their words, and how sure the reader is."""

from dataclasses import dataclass

from radtrace import __version__
from radtrace.dialects.parsed import Parsed
from radtrace.findings import findings_of
from radtrace.geometry import Box
from radtrace.reader.prepared import Prepared
from radtrace.records import Assessment, Finding, Region, Report, Stage, Step, Trace

_TWICE = "repeated"
"""The one problem that the grammar leaves: a heading that stands twice in a report."""


@dataclass(frozen=True, slots=True)
class UnfinishedError(Exception):
    """A model's text is no whole trace. kinds: of what is wrong with it."""

    kinds: tuple[str, ...]


def finished(parsed: Parsed, prepared: Prepared, assessments: tuple[Assessment, ...] = ()) -> Trace:
    """The trace of a study.

    Regions get the localizer's boxes. A decided finding gets the span and the regions of the words that say the same
    of it; one whose words say nothing of it stays as it was decided. Of a section that a report has twice the first
    stands, and the provenance says so.

    Raises:  UnfinishedError where the text is malformed.
    """
    kinds = tuple(problem.kind for problem in parsed.problems)
    if any(kind != _TWICE for kind in kinds):
        raise UnfinishedError(kinds)
    left_out = Stage(name="report", version=__version__, detail=f"sections that stood twice, left out: {len(kinds)}")
    return Trace(
        study_id=prepared.study.id,
        view=prepared.view,
        steps=tuple(_step(step, prepared) for step in parsed.steps),
        report=parsed.report or Report(),
        assessments=assessments,
        provenance=(left_out,) if kinds else (),
    )


def _step(step: Step, prepared: Prepared) -> Step:
    boxes = prepared.localization.regions
    regions = tuple(
        Region(name=region.name, box=boxes.get(region.name), view_id=prepared.view.id, origin="localizer")
        for region in step.regions
    )
    said = {(finding.label, finding.status): finding for finding in findings_of(step.rationale)}
    findings = tuple(_placed(finding, said.get((finding.label, finding.status))) for finding in step.findings)
    located = [region.box for region in regions if region.box]
    box = Box.hull(located) if step.box and located else step.box  # which was written on a coarse grid
    return step.model_copy(update={"regions": regions, "findings": findings, "box": box})


def _placed(decided: Finding, said: Finding | None) -> Finding:
    if said is None:
        return decided
    return decided.model_copy(update={"regions": said.regions, "span": said.span})
