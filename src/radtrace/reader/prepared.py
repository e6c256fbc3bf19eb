"""A study made ready for a model: its frontal film upright, a lateral one beside it, and where the anatomy is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from radtrace import __version__
from radtrace.geometry import Box
from radtrace.images import Film
from radtrace.localize import Localization
from radtrace.localize.views import Chosen, Locate, Show, frontal_films, lateral_films
from radtrace.records import Rejected, Stage, Step, Study, Trace, View

_PIXELS = 24_000_000
"""Of the frontal films that are prepared together."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a model is given of a study.

    study: without its report, its labels and its own boxes, which a reader must not see.
    view: of the frontal film as it was given. film: the same upright, the patient's right on the image's left, air
        dark; a model's boxes are fractions of it. lateral: upright, None where the study has none.
    localization: of `film`: its 35 regions are there, and `rotation`, `mirrored` and `inverted` say how it was given.
    prior: what an earlier film is called, None where none was given.
    given: the frontal film as it was given, which a trace's boxes are fractions of.
    stages: what was done so far, for the trace's provenance.
    """

    study: Study
    view: View
    film: Film
    lateral: Film | None
    localization: Localization
    prior: str | None
    given: Film
    stages: tuple[Stage, ...] = ()

    def as_given(self, trace: Trace) -> Trace:
        """A trace of the upright film as one of the film as it was given."""
        if not (self.localization.rotation or self.localization.mirrored):
            return trace
        return trace.model_copy(update={"steps": tuple(self._step_as_given(step) for step in trace.steps)})

    def upright(self, box: Box) -> Box:
        """A part of the film as it was given as one of the upright film."""
        return _upright_box(box, self.localization)

    def _step_as_given(self, step: Step) -> Step:
        regions = tuple(region.model_copy(update={"box": self._box_as_given(region.box)}) for region in step.regions)
        image = step.image and step.image.model_copy(update={"box": self._box_as_given(step.image.box)})
        return step.model_copy(update={"regions": regions, "box": self._box_as_given(step.box), "image": image})

    def _box_as_given(self, box: Box | None) -> Box | None:
        if box is None:
            return None
        return (box.mirrored() if self.localization.mirrored else box).turned(self.localization.rotation)


def prepare(study: Study, show: Show, locate: Locate) -> Prepared | Rejected:
    """One study, or why it cannot be read."""
    (prepared,) = prepare_all([study], show, locate, 1)
    return prepared


def prepare_all(
    studies: Iterable[Study | Rejected], show: Show, locate: Locate, together: int
) -> Iterator[Prepared | Rejected]:
    """The studies in their order; `together` of them, fewer of large films, are held and located at once."""
    chosen = frontal_films((one if isinstance(one, Rejected) else _blind(one) for one in studies), show, locate)
    batch: list[Chosen | Rejected] = []
    for one in chosen:
        batch.append(one)
        pixels = sum(each.film.pixels.size for each in batch if isinstance(each, Chosen))
        if len(batch) == together or pixels >= _PIXELS:
            yield from _completed(batch, show, locate)
            batch = []
    yield from _completed(batch, show, locate)


def _blind(study: Study) -> Study:
    return study.model_copy(update={"report": None, "labels": (), "regions": ()})


def _completed(batch: Sequence[Chosen | Rejected], show: Show, locate: Locate) -> Iterator[Prepared | Rejected]:
    chosen = [one for one in batch if isinstance(one, Chosen)]
    laterals = iter(lateral_films(chosen, show, locate))
    for one in batch:
        yield one if isinstance(one, Rejected) else _prepared(one, next(laterals))


def _prepared(chosen: Chosen, lateral: Chosen | None) -> Prepared:
    found = chosen.localization
    assert found is not None  # noqa: S101  # a blind study knows no region
    upright = replace(found, regions={name: _upright_box(box, found) for name, box in found.regions.items()})
    beside = lateral and lateral.localization
    return Prepared(
        study=chosen.study,
        view=chosen.described(chosen.view.uri),
        film=_upright(chosen.film, found),
        lateral=_upright(lateral.film, beside) if lateral and beside else None,
        localization=upright,
        prior=chosen.study.prior,
        given=chosen.film,
        stages=_stages(chosen, lateral),
    )


def _upright(film: Film, found: Localization) -> Film:
    """The film as it should stand; the header's word on how it lay no longer holds."""
    if not (found.rotation or found.mirrored or found.inverted):
        return film
    pixels = np.rot90(film.pixels, -found.rotation // 90)
    pixels = pixels[:, ::-1] if found.mirrored else pixels
    return replace(film, pixels=np.ascontiguousarray(1 - pixels if found.inverted else pixels), orientation=None)


def _upright_box(box: Box, found: Localization) -> Box:
    box = box.turned(-found.rotation % 360)
    return box.mirrored() if found.mirrored else box


def _stages(chosen: Chosen, lateral: Chosen | None) -> tuple[Stage, ...]:
    study, found = chosen.study, chosen.localization
    passed_over = [] if not chosen.passed_over else [f"passed over: {'; '.join(chosen.passed_over)}"]
    views = [f"frontal {chosen.view.id}", *([f"lateral {lateral.view.id}"] if lateral else []), *passed_over]
    stages = [("source", study.notes), ("view", views)]
    if found:
        lay = [f"rotation {found.rotation}", *(name for name in ("mirrored", "inverted") if getattr(found, name))]
        stages.append(("localize", [*lay, *found.warnings]))
    if study.prior:
        stages.append(("prior", [f"an earlier film {study.prior} was given; this model compares no films: not used"]))
    return tuple(Stage(name=name, version=__version__, detail="; ".join(said)) for name, said in stages if said)
