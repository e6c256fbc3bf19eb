"""Floors and a ceiling of boxes and pictures, as traces beside the reference's."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from radtrace.build.shards import Row
from radtrace.errors import InputError
from radtrace.evaluate.floors.films import decoded, grounded_steps
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, encode_png
from radtrace.metrics.grounding.steps import Traced
from radtrace.records import LocalizedImage, Step, Trace

Laying = Callable[[Row], "LaidTrace"]
"""A reference -> what a floor predicts for it."""


@dataclass(frozen=True, slots=True)
class LaidTrace:
    """A trace that is put beside a reference; see `radtrace.metrics.grounding.Traced`."""

    trace: Trace
    film_png: bytes
    step_pngs: tuple[bytes | None, ...]


class Tokenizer(Protocol):
    """An image tokenizer, e.g. a `radtrace.models.tokenizer.ImageTokenizer`."""

    def reconstruct(self, picture: Pixels) -> Pixels:
        """What is left of a picture that is coded and decoded."""


def laid(reference: Row, steps: Iterable[tuple[str, Box, bytes | None]]) -> LaidTrace:
    """The reference's trace with other steps: (domain, box, a generated picture)."""
    made, pngs = [], []
    for domain, box, png in steps:
        image = None if png is None else LocalizedImage(kind="generated", uri="", box=box)
        made.append(Step.model_validate({"domain": domain, "rationale": "", "box": box, "image": image}))
        pngs.append(png)
    trace = reference.trace.model_copy(update={"steps": tuple(made)})
    return LaidTrace(trace, reference.film_png, tuple(pngs))


def mean_boxes(boxes: Mapping[str, Box]) -> Laying:
    """The mean box of the domain of each step that the reference grounds."""
    return lambda row: laid(
        row, ((step.domain, boxes[step.domain], None) for step, _, _ in grounded_steps(row) if step.domain in boxes)
    )


def usual_boxes(boxes: Mapping[str, Box], domains: tuple[str, ...]) -> Laying:
    """The mean boxes of the usual domains, whatever the reference grounds."""
    return lambda row: laid(row, ((domain, boxes[domain], None) for domain in domains))


def mean_crops(crops: Mapping[str, Pixels]) -> Laying:
    """The mean picture of each step's domain at the reference's own box."""
    pngs = {domain: encode_png(picture) for domain, picture in crops.items()}
    return lambda row: laid(row, ((step.domain, box, pngs.get(step.domain)) for step, box, _ in grounded_steps(row)))


def reconstructions(tokenizer: Tokenizer) -> Laying:
    """The reference's own pictures, coded and decoded, at its own boxes."""
    return lambda row: laid(
        row,
        (
            (step.domain, box, encode_png(tokenizer.reconstruct(_shown(row, box, png))))
            for step, box, png in grounded_steps(row)
        ),
    )


def _shown(row: Row, box: Box, png: bytes | None) -> Pixels:
    """The step's picture, or the film at its box."""
    picture = decoded(png) if png else None
    if picture is not None:
        return picture
    film = decoded(row.film_png)
    if film is None:
        raise InputError(f"study {row.trace.study_id!r}: the reference's film cannot be read")
    return crop(film, box)


def on_the_film_of(predicted: Row, reference: Row) -> Traced:
    """A trace of another study as if it were of the reference's film."""
    update = {"study_id": reference.trace.study_id, "view": reference.trace.view}
    return LaidTrace(predicted.trace.model_copy(update=update), predicted.film_png, predicted.step_pngs)
