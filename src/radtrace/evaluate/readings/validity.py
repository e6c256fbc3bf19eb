"""Is every trace whole: what it lacks, study by study, those that were not read included."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from radtrace.anatomy import FINDINGS, REGIONS
from radtrace.evaluate.readings.predictions import Predicted
from radtrace.findings import findings_of
from radtrace.geometry import Box
from radtrace.images.film import RefusalError
from radtrace.images.pictures import decode_picture
from radtrace.records import Step, Trace
from radtrace.reports import has_words

_NAMED = 20
_SLACK = 1e-6


def faults(one: Predicted | None) -> tuple[str, ...]:
    """What keeps a reading from being whole; () where nothing does.

    That a box lies in its view and a probability in [0, 1] is the record's own rule: a trace that breaks it is
    `malformed`.
    """
    if one is None:
        return ("no_prediction",)
    if one.malformed:
        return ("malformed",)
    if one.trace is None:
        return ("not_read",) if one.text is None else ("no_trace",)
    trace = one.trace
    found = {
        "no_report": trace.report is None or not has_words(trace.report.findings),
        "no_steps": not trace.steps,
        "silent_step": not all(has_words(step.rationale) for step in trace.steps),
        "unknown_name": any(name not in FINDINGS for name in _findings(trace))
        or any(region.name not in REGIONS for step in trace.steps for region in step.regions),
        "box_misses_regions": any(map(_misses, trace.steps)),
        "damaged_picture": any(map(_damaged, trace.steps, one.step_pngs)),
    }
    return tuple(name for name, is_so in found.items() if is_so)


def _findings(trace: Trace) -> Iterable[str]:
    yield from (finding.label for step in trace.steps for finding in step.findings)
    yield from (each.label for each in trace.assessments)


def _misses(step: Step) -> bool:
    """Whether the box leaves out a part of a region that the step names."""
    boxes = [region.box for region in step.regions if region.box]
    return bool(boxes) and (step.box is None or not _covers(step.box, Box.hull(boxes)))


def _covers(outer: Box, inner: Box) -> bool:
    return (
        outer.x1 <= inner.x1 + _SLACK
        and outer.y1 <= inner.y1 + _SLACK
        and outer.x2 >= inner.x2 - _SLACK
        and outer.y2 >= inner.y2 - _SLACK
    )


def _damaged(step: Step, png: bytes | None) -> bool:
    """Whether a picture that the step names is not there, or cannot be decoded."""
    if step.image is None or png is None:
        return step.image is not None
    try:
        decode_picture(png, min_side=1)
    except RefusalError:
        return True
    return False


def disagrees(trace: Trace) -> bool:
    """Whether the report says of a finding the contrary of what the steps decided."""
    said = {finding.label: finding.status for step in trace.steps for finding in step.findings}
    if trace.report is None:
        return False
    opposite = {"present": "absent", "absent": "present"}
    held: dict[str, set[str]] = {}
    for finding in findings_of(f"{trace.report.findings}\n\n{trace.report.impression}"):
        held.setdefault(finding.label, set()).add(finding.status)
    return any(held.get(label, set()) == {opposite.get(status, "")} for label, status in said.items())


def validity(ids: Sequence[str], predictions: Mapping[str, Predicted]) -> dict[str, Any]:
    """JSON-ready, over all studies of the split."""
    found = {study: faults(predictions.get(study)) for study in ids}
    counts = Counter(name for each in found.values() for name in each)
    traces = [one.trace for study in ids if (one := predictions.get(study)) and one.trace]
    kinds = Counter(step.image.kind for trace in traces for step in trace.steps if step.image)
    reasons = Counter(one.reason for study in ids if (one := predictions.get(study)) and one.reason)
    return {
        "studies": len(ids),
        "whole": sum(not each for each in found.values()) / len(ids) if ids else None,
        "traces": len(traces),
        "whole_of_traces": sum(not found[trace.study_id] for trace in traces if trace.study_id in found)
        / max(1, len(traces)),
        "faults": dict(counts),
        "reasons": dict(reasons),
        "studies_with_faults": [study for study, each in found.items() if each][:_NAMED],
        "report_against_steps": sum(map(disagrees, traces)) / max(1, len(traces)),
        "steps_a_trace": sum(len(trace.steps) for trace in traces) / max(1, len(traces)),
        "pictures": dict(kinds),
        "origins": dict(Counter(region.origin for trace in traces for step in trace.steps for region in step.regions)),
    }
