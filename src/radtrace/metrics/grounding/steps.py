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
class Seen:
    """The words and the picture of a predicted step, and the film at its box."""

    text: str
    picture: Pixels
    shown: Pixels


@dataclass(frozen=True, slots=True)
class _Look:
    """The box, the picture and the words of a step; kind: of the picture."""

    box: Box | None
    png: bytes | None
    kind: str | None
    text: str


def step_figures(predicted: Traced | None, reference: Traced, pictures: bool) -> tuple[StepFigures, ...]:
    """One entry a step that either side grounds, matched by domain and, in a domain, in their order.

    A step's box is the one that its localized image says it shows and, without such, its own. A reference step without
    a box asks for nothing; a predicted one with neither box nor picture says nothing.

    Args:    predicted: None where the model failed; pictures: whether they are compared.
    Raises:  InputError where the two are of different views, or the reference's film cannot be read.
    Source:  MMRad-IVL Sec. 3.2; it does not say what a missing or an extra step counts.
    """
    matched = _matched(predicted, reference)
    film = _film(reference) if pictures and any(mine and mine.png for _, mine, _ in matched) else None
    return tuple(
        StepFigures(domain, _iou(mine, other), _likeness(_seen(mine, other, film)) if pictures else None)
        for domain, mine, other in matched
    )


def seen_steps(predicted: Traced | None, reference: Traced) -> tuple[Seen | None, ...]:
    """What each step of `step_figures` has to compare; None where a side, the box or a readable picture is missing."""
    matched = _matched(predicted, reference)
    film = _film(reference) if any(mine and mine.png for _, mine, _ in matched) else None
    return tuple(_seen(mine, other, film) for _, mine, other in matched)


def _matched(predicted: Traced | None, reference: Traced) -> list[tuple[str, _Look | None, _Look | None]]:
    """(domain, predicted, reference) of each step that either side grounds."""
    wanted = {domain: [look for look in looks if look.box] for domain, looks in _looks(reference).items()}
    found = {} if predicted is None else _looks(predicted)
    if predicted is not None:
        _check_view(predicted.trace, reference.trace)
    return [
        (domain, mine, other)
        for domain in dict.fromkeys((*wanted, *found))
        for mine, other in zip_longest(found.get(domain, ()), wanted.get(domain, ()))
    ]


def _looks(traced: Traced) -> Mapping[str, list[_Look]]:
    looks: dict[str, list[_Look]] = {}
    for step, png in zip(traced.trace.steps, traced.step_pngs, strict=True):
        box = shown_box(step)
        if box or png:
            looks.setdefault(step.domain, []).append(
                _Look(box, png, step.image.kind if step.image else None, step.rationale)
            )
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


def _seen(mine: _Look | None, other: _Look | None, film: Pixels | None) -> Seen | None:
    """None where a side is missing, or the picture cannot be decoded."""
    if film is None or mine is None or other is None or mine.box is None or mine.png is None:
        return None
    try:
        picture = decode_picture(mine.png, min_side=1)
    except RefusalError:
        return None
    shown = crop(film, mine.box)
    if "zoom" in (mine.kind, mine.kind == "generated" and other.kind) and picture.shape[0] == picture.shape[1]:
        shown = letterboxed(shown, max(picture.shape))  # laid out as a dataset's zoomed pictures; others show it alone
    return Seen(mine.text, picture, shown)


def _likeness(seen: Seen | None) -> float:
    """SSIM, 0 where it is negative and where there is nothing to compare."""
    if seen is None:
        return 0.0
    return max(0.0, ssim(resized(seen.picture, SIDE, SIDE), resized(seen.shown, SIDE, SIDE)))
