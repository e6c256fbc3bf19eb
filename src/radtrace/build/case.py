"""One study to one trace with its pictures, or to a `Rejected` that says why not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from radtrace import __version__
from radtrace.build.annotate import steps_of
from radtrace.build.labels import label_steps
from radtrace.build.pictures import Picture
from radtrace.images import Film, encode_png, load_film
from radtrace.localize.views import Chosen, Locate, frontal_films
from radtrace.records import (
    LocalizedImage,
    Region,
    Rejected,
    Stage,
    Step,
    Study,
    Trace,
    View,
)
from radtrace.sources import Load, Source


@dataclass(frozen=True, slots=True)
class Case:
    """A trace, the study it came from, and the pictures: PNG of the film and of each step's box (None without one)."""

    study: Study
    trace: Trace
    film_png: bytes
    step_pngs: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """How a case is made.

    label_template: see `radtrace.build.labels`; None, reports only. weights: their `fingerprint`, for provenance.
    """

    picture: Picture = field(default_factory=Picture)
    label_template: str | None = None
    weights: str | None = None


def make_cases(
    studies: Iterable[Study | Rejected],
    source: Source,
    locate: Locate,
    making: Making | None = None,
    load: Load = load_film,
) -> Iterator[Case | Rejected]:
    """The cases of some studies, in their order."""
    making = making or Making()
    worth = (study if isinstance(study, Rejected) else _worth_reading(study, making) for study in studies)
    for chosen in frontal_films(worth, partial(source.film, load=load), locate):
        yield chosen if isinstance(chosen, Rejected) else _case(chosen, source, making)


def _worth_reading(study: Study, making: Making) -> Study | Rejected:
    if not _has_words(study):
        if making.label_template is None:
            return Rejected(study_id=study.id, stage="report", reason="neither findings nor impression")
        if not any(label.status == "present" for label in study.labels):
            return Rejected(study_id=study.id, stage="report", reason="no report, and no finding is stated")
    return study


def _has_words(study: Study) -> bool:
    return study.report is not None and bool(study.report.findings or study.report.impression)


def _case(chosen: Chosen, source: Source, making: Making) -> Case | Rejected:
    study, film = chosen.study, chosen.film
    view = chosen.described(source.reference(chosen.view))
    steps, how = _steps(study, view, _regions(chosen), making)
    if not steps:
        return Rejected(study_id=study.id, stage="report", reason=f"no finding is stated of the view {view.id}")
    steps, pngs = _illustrated(study.id, steps, film, making.picture)
    provenance = _provenance(chosen, how, making.weights)
    trace = Trace(study_id=study.id, view=view, steps=steps, report=study.report, provenance=provenance)
    return Case(study, trace, encode_png(film.pixels), pngs)


def _steps(study: Study, view: View, regions: Mapping[str, Region], making: Making) -> tuple[tuple[Step, ...], str]:
    """The steps, and how they were made: from the report's words or, failing these, from what the dataset states."""
    if study.report is not None and (study.report.findings or study.report.impression):
        return steps_of(study.report, regions), "rules"
    template = making.label_template or "{label}"
    how = f"label sentences {template!r}: no words of a radiologist"
    return label_steps(study.labels, view.id, regions, template), how


def _regions(chosen: Chosen) -> Mapping[str, Region]:
    """Located regions by name: the localizer's, and the source's own in front of them."""
    view_id = chosen.view.id
    boxes = chosen.localization.regions if chosen.localization else {}
    found = {  # unchecked: boxes and names come from the localizer, and most are never used
        name: Region.model_construct(name=name, box=box, view_id=view_id, origin="localizer")
        for name, box in boxes.items()
    }
    return found | {region.name: region for region in chosen.study.regions if region.view_id == view_id and region.box}


def _illustrated(
    study_id: str, steps: Sequence[Step], film: Film, picture: Picture
) -> tuple[tuple[Step, ...], tuple[bytes | None, ...]]:
    """The steps with references to their pictures, and the pictures."""
    illustrated = tuple(
        step.model_copy(
            update={
                "image": LocalizedImage(
                    kind=picture.kind,
                    uri=f"{study_id}/step-{number}-{step.domain}.png",
                    box=picture.box(step.box),
                )
            }
        )
        if step.box
        else step
        for number, step in enumerate(steps, start=1)
    )
    return illustrated, tuple(encode_png(picture.draw(film.pixels, step.box)) if step.box else None for step in steps)


def _provenance(chosen: Chosen, how: str, weights: str | None) -> tuple[Stage, ...]:
    study = chosen.study
    stages = [Stage(name="source", version=__version__, detail="; ".join(study.notes))] if study.notes else []
    stages.append(Stage(name="view", version=__version__, detail="; ".join(chosen.passed_over)))
    if chosen.localization:
        model = (f"weights sha256 {weights}",) if weights else ()
        detail = "; ".join((*model, f"rotation {chosen.localization.rotation}", *chosen.localization.warnings))
        stages.append(Stage(name="localize", version=__version__, detail=detail))
    stages.append(Stage(name="annotate", version=__version__, detail=how))
    return tuple(stages)
