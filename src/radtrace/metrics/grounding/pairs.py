"""Predicted traces beside reference traces, as pairs that carry their words and the figures of their steps."""

from dataclasses import dataclass

from radtrace.geometry import Box
from radtrace.metrics.grounding.steps import Seen, StepFigures, Traced, seen_steps, shown_box, step_figures
from radtrace.metrics.pairs import Pair


@dataclass(frozen=True, slots=True)
class TracePair(Pair):
    """A pair whose two sides are traces: their reports, the words of their steps, and how these agree.

    steps: one a step that either side grounds; empty where neither does, and then the pair is not scored.
    predicted_steps: rationales in order; None where the model failed. reference_steps: the reference's.
    report: the reference's findings and impression; None where it has no report.
    seen: what `sem` compares in each of `steps`; () where it is not asked for.
    predicted_boxes, reference_boxes: of these steps, None where one is of no place.
    """

    steps: tuple[StepFigures, ...]
    predicted_steps: tuple[str, ...] | None
    reference_steps: tuple[str, ...]
    report: str | None
    seen: tuple[Seen | None, ...] = ()
    predicted_boxes: tuple[Box | None, ...] = ()
    reference_boxes: tuple[Box | None, ...] = ()


def trace_pair(
    predicted: Traced | None, reference: Traced, *, section: str = "findings", pictures: bool = True, seen: bool = False
) -> TracePair:
    """The pair of a study. Raises what `step_figures` raises.

    Args:    section: of the report; pictures: whether pictures are compared, which `gen` needs; seen: whether they are
        kept, which `sem` needs: then hold few pairs at once.
    """
    return TracePair(
        id=reference.trace.study_id,
        prediction=_text(predicted, section),
        reference=_text(reference, section),
        steps=step_figures(predicted, reference, pictures),
        predicted_steps=None if predicted is None else _rationales(predicted),
        reference_steps=_rationales(reference),
        report=_whole(reference),
        seen=seen_steps(predicted, reference) if seen else (),
        predicted_boxes=() if predicted is None else tuple(map(shown_box, predicted.trace.steps)),
        reference_boxes=tuple(map(shown_box, reference.trace.steps)),
    )


def _text(side: Traced | None, section: str) -> str | None:
    report = side.trace.report if side else None
    text: str | None = getattr(report, section) if report else None
    return text


def _rationales(side: Traced) -> tuple[str, ...]:
    return tuple(step.rationale for step in side.trace.steps)


def _whole(side: Traced) -> str | None:
    report = side.trace.report
    return f"{report.findings}\n{report.impression}".strip() if report else None
