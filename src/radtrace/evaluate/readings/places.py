"""Do the steps lie where the reference's lie, and do drawn pictures show the film at their boxes.

The reference's boxes are the localizer's, at the regions that our rules read in the radiologist's report. A reader
whose boxes are the localizer's too is measured on which regions it names, not on where they are; for boxes that people
drew see `radtrace.evaluate.readings.pointing`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from radtrace.build.shards import Row
from radtrace.evaluate.floors.films import decoded
from radtrace.evaluate.floors.traces import LaidTrace, Tokenizer, mean_boxes, usual_boxes
from radtrace.evaluate.readings.beside import RESAMPLES, SEED, Figure, figure, scores_of
from radtrace.evaluate.readings.predictions import Predicted
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, resized
from radtrace.metrics.grounding import StepFigures, TracePair, ssim, trace_pair
from radtrace.metrics.grounding.steps import SIDE, shown_box
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, divided, ratio, signature, summed_score
from radtrace.metrics.statistics.bootstrap import corpus_interval
from radtrace.records import Trace

MEAN_BOX, USUAL = "mean_box", "usual_boxes"


@dataclass(frozen=True, slots=True)
class Placed:
    """A study's steps beside the reference's: the reader's, and those of floors.

    matched: domain -> how many of its steps, the first ones, have a box on both sides. other_view: of another film.
    """

    own: TracePair
    floors: Mapping[str, TracePair]
    matched: Mapping[str, int]
    other_view: bool


def placed(row: Row, one: Predicted | None, boxes: Mapping[str, Box], usual: tuple[str, ...]) -> Placed:
    """One study. A reading of another film than the reference's has failed here.

    Args:    boxes: domain -> mean training box; usual: the domains of most training traces.
    """
    trace = one.trace if one else None
    other_view = trace is not None and trace.view.id != row.trace.view.id
    laid = LaidTrace(trace, row.film_png, one.step_pngs) if one and trace and not other_view else None
    floors = {MEAN_BOX: mean_boxes(boxes)(row), USUAL: usual_boxes(boxes, usual)(row)}
    return Placed(
        trace_pair(laid, row, pictures=bool(laid and any(laid.step_pngs))),
        {name: trace_pair(each, row, pictures=False) for name, each in floors.items()},
        _boxes(laid.trace) & _boxes(row.trace) if laid else Counter(),
        other_view,
    )


def grounding(studies: Sequence[Placed], preset: Preset) -> dict[str, Any]:
    """JSON-ready: Grd beside both floors, and by domain the steps that both sides ground beside the mean box."""
    own = scores_of([each.own for each in studies], ("grd",), preset)["grd"]
    floors = {
        name: scores_of([each.floors[name] for each in studies], ("grd",), preset)["grd"]
        for name in (studies[0].floors if studies else ())
    }
    domains = sorted({step.domain for each in studies for step in each.own.steps})
    return {
        "grd": figure(own, floors).to_json(),
        "by_domain": {domain: _matched(studies, domain).to_json() for domain in domains},
        "other_view": sum(each.other_view for each in studies),
        "note": "the reference's boxes are the localizer's own: circular where the reader's are too (validity.origins)",
    }


def _matched(studies: Sequence[Placed], domain: str) -> Figure:
    """Mean IoU of the steps of a domain where reader and reference both have a box, and the mean box there."""
    rows = [
        [
            (mine.iou, base.iou)
            for mine, base, _ in zip(
                _of(each.own, domain),
                _of(each.floors[MEAN_BOX], domain),
                range(each.matched.get(domain, 0)),
                strict=False,
            )
        ]
        for each in studies
    ]
    own, floor = (_mean(f"iou_{domain}", [[pair[at] for pair in row] for row in rows]) for at in (0, 1))
    return figure(own, {MEAN_BOX: floor})


def _boxes(trace: Trace) -> Counter[str]:
    return Counter(step.domain for step in trace.steps if shown_box(step))


def _of(pair: TracePair, domain: str) -> list[StepFigures]:
    return [step for step in pair.steps if step.domain == domain]


def _mean(name: str, values: Sequence[Sequence[float]]) -> Score:
    sums = np.array([(sum(row), len(row)) for row in values], np.float64).reshape(-1, 2)
    each = [sum(row) / len(row) if row else None for row in values]
    return summed_score(name, each, signature(name, mean="steps", matched="both have a box"), sums, ratio)


@dataclass(frozen=True, slots=True)
class Likeness:
    """SSIM at 256 pixels with the film at the box: of the drawn picture, the mean crop, the tokenizer's own picture."""

    domain: str
    drawn: float
    mean_crop: float
    reconstruction: float


def likenesses(film: Pixels, one: Predicted, crops: Mapping[str, Pixels], tokenizer: Tokenizer) -> Iterable[Likeness]:
    """Of every picture that the reader drew itself; crops of the film say nothing of it."""
    for step, png in zip(one.trace.steps if one.trace else (), one.step_pngs, strict=True):
        box = shown_box(step)
        picture = decoded(png) if png and step.image and step.image.kind == "generated" else None
        if picture is None or box is None or step.domain not in crops:
            continue
        there = crop(film, box)
        truth = resized(there, SIDE, SIDE)
        shown = (picture, crops[step.domain], tokenizer.reconstruct(there))
        yield Likeness(step.domain, *(ssim(resized(each, SIDE, SIDE), truth) for each in shown))


def share_of_way(sums: FloatArray) -> FloatArray:
    """(drawn - mean crop) / (reconstruction - mean crop) of sums (..., 4): the three and their number."""
    return divided(sums[..., 0] - sums[..., 1], sums[..., 2] - sums[..., 1])


def drawing(studies: Sequence[Sequence[Likeness]]) -> dict[str, Any]:
    """JSON-ready, over the reader's own boxes; intervals over studies."""
    rows = np.array(
        [
            [sum(getattr(each, name) for each in found) for name in ("drawn", "mean_crop", "reconstruction")]
            + [len(found)]
            for found in studies
            if found
        ],
        np.float64,
    ).reshape(-1, 4)
    if not len(rows):
        return {"pictures": 0, "note": "the reader drew no picture itself: crops of the film are alike by construction"}
    bounds = corpus_interval(rows, share_of_way, resamples=RESAMPLES, seed=SEED)
    sums = rows.sum(0)
    means = dict(zip(("gen", "mean_crop", "reconstruction"), (sums[:3] / sums[3]).tolist(), strict=True))
    return {
        "pictures": int(sums[3]),
        **means,
        "share_of_way": {"value": float(share_of_way(sums)), "ci": [bounds.low, bounds.high] if bounds else None},
    }
