"""Predicted traces beside reference traces, as pairs that carry the figures of their steps."""

from dataclasses import dataclass

from radtrace.metrics.grounding.steps import StepFigures, Traced, step_figures
from radtrace.metrics.pairs import Pair


@dataclass(frozen=True, slots=True)
class TracePair(Pair):
    """A pair whose two sides are traces: their reports, and how their steps agree. No picture is held.

    steps: one a step that either side grounds; empty where neither does, and then the pair is not scored.
    """

    steps: tuple[StepFigures, ...]


def trace_pair(
    predicted: Traced | None, reference: Traced, *, section: str = "findings", pictures: bool = True
) -> TracePair:
    """The pair of a study. Raises what `step_figures` raises.

    Args:    section: of the report; pictures: whether pictures are compared, which `gen` needs.
    """
    return TracePair(
        id=reference.trace.study_id,
        prediction=_text(predicted, section),
        reference=_text(reference, section),
        steps=step_figures(predicted, reference, pictures),
    )


def _text(side: Traced | None, section: str) -> str | None:
    report = side.trace.report if side else None
    text: str | None = getattr(report, section) if report else None
    return text
