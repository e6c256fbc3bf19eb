"""The steps of a predicted trace beside those of the reference: how well boxes and pictures agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

from radtrace.errors import InputError
from radtrace.geometry import Box
from radtrace.images import Pixels, crop, letterboxed, resized
from radtrace.images.film import RefusalError
from radtrace.images.pictures import decode_picture
from radtrace.metrics.grounding.ssim import ssim
from radtrace.records import Step, Trace

SIDE = 256
"""Pixels a side at which pictures are compared, whatever their own size."""


class Traced(Protocol):
    """A trace with the PNG bytes of its film and of each step's localized image, e.g. a `radtrace.build.shards.Row`."""

    @property
    def trace(self) -> Trace:
        """Its steps, with their boxes."""

    @property
    def film_png(self) -> bytes:
        """Of the view that the boxes are of."""

    @property
    def step_pngs(self) -> tuple[bytes | None, ...]:
        """One a step, None without a picture."""


@dataclass(frozen=True, slots=True)
class StepFigures:
    """How a step agrees, in [0, 1]; a step that is missing, or that the reference has not, is 0 in both.

    iou: of the predicted box with the reference's. ssim: of the predicted picture with the film at the predicted box;
    None where pictures were not compared.
    """

    domain: str
    iou: float
    ssim: float | None


@dataclass(frozen=True, slots=True)
class _Look:
    """The box and the picture of a step; kind: of the picture."""

    box: Box | None
    png: bytes | None
    kind: str | None


def step_figures(predicted: Traced | None, reference: Traced, pictures: bool) -> tuple[StepFigures, ...]:
    """One entry a step that either side grounds, matched by domain and, in a domain, in their order.

    A step's box is the one that its localized image says it shows and, without such, its own. A reference step without
    a box asks for nothing; a predicted one with neither box nor picture says nothing.

    Args:    predicted: None where the model failed; pictures: whether they are compared.
    Raises:  InputError where the two are of different views, or the reference's film cannot be read.
    Source:  MMRad-IVL Sec. 3.2; it does not say what a missing or an extra step counts.
    """
    wanted = _looks(reference)
    wanted = {domain: [look for look in looks if look.box] for domain, looks in wanted.items()}
    found = {} if predicted is None else _looks(predicted)
    if predicted is not None:
        _check_view(predicted.trace, reference.trace)
    film = _film(reference) if pictures and any(look.png for looks in found.values() for look in looks) else None
    return tuple(
        StepFigures(domain, _iou(mine, other), _likeness(mine, other, film) if pictures else None)
        for domain in dict.fromkeys((*wanted, *found))
        for mine, other in zip_longest(found.get(domain, ()), wanted.get(domain, ()))
    )


def _looks(traced: Traced) -> Mapping[str, list[_Look]]:
    looks: dict[str, list[_Look]] = {}
    for step, png in zip(traced.trace.steps, traced.step_pngs, strict=True):
        box = shown_box(step)
        if box or png:
            looks.setdefault(step.domain, []).append(_Look(box, png, step.image.kind if step.image else None))
    return looks


def shown_box(step: Step) -> Box | None:
    """The box that a step's localized image says it shows and, without such, the step's own."""
    return (step.image.box if step.image else None) or step.box


def _check_view(predicted: Trace, reference: Trace) -> None:
    if predicted.view.id != reference.view.id:
        raise InputError(
            f"study {reference.study_id!r}: predicted on the view {predicted.view.id!r}, "
            f"but the reference is of {reference.view.id!r}: their boxes cannot be compared"
        )


def _film(reference: Traced) -> Pixels:
    try:
        return decode_picture(reference.film_png)
    except RefusalError as error:
        raise InputError(f"study {reference.trace.study_id!r}: the reference's film: {error}") from error


def _iou(mine: _Look | None, other: _Look | None) -> float:
    return mine.box.iou(other.box) if mine and other and mine.box and other.box else 0.0


def _likeness(mine: _Look | None, other: _Look | None, film: Pixels | None) -> float:
    """SSIM, 0 where it is negative, where a side is missing, or where the picture cannot be decoded."""
    if film is None or mine is None or other is None or mine.box is None or mine.png is None:
        return 0.0
    try:
        picture = decode_picture(mine.png, min_side=1)
    except RefusalError:
        return 0.0
    shown = crop(film, mine.box)
    if "zoom" in (mine.kind, mine.kind == "generated" and other.kind):
        shown = letterboxed(shown, max(picture.shape))  # a model draws pictures laid out as those it learned from
    return max(0.0, ssim(resized(picture, SIDE, SIDE), resized(shown, SIDE, SIDE)))
