"""One study to one trace with its pictures, or to a `Rejected` that says why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from radtrace import __version__
from radtrace.anatomy import REGIONS
from radtrace.build.annotate import steps_of
from radtrace.build.labels import label_steps
from radtrace.build.pictures import Picture
from radtrace.errors import FilmError
from radtrace.images import Film, Pixels, encode_png, load_film
from radtrace.localize import Localization
from radtrace.records import (
    LocalizedImage,
    Projection,
    Region,
    Rejected,
    Stage,
    Step,
    Study,
    Trace,
    View,
)
from radtrace.sources import Load, Source

Locate = Callable[[Sequence[Pixels]], Sequence[Localization]]
"""Films to where their anatomy is, e.g. a `radtrace.localize.Localizer`."""

_PREFERENCE: tuple[Projection, ...] = ("PA", "frontal", "AP", "unknown")
"""Which view of a study is read: a standing PA film is the best frontal; an unknown one is asked what it is."""


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

    label_template: see `radtrace.build.labels`; None, reports only. weights: sha256 of the localizer's, for provenance.
    """

    picture: Picture = field(default_factory=Picture)
    label_template: str | None = None
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    view: View
    film: Film
    localization: Localization | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A study with the films that might be read, best first, and what was passed over on the way."""

    study: Study
    films: tuple[tuple[View, Film], ...]
    passed_over: tuple[str, ...]


def make_cases(
    studies: Sequence[Study | Rejected],
    source: Source,
    locate: Locate,
    making: Making | None = None,
    load: Load = load_film,
) -> list[Case | Rejected]:
    """The cases of some studies, in their order; the films of all are located in one call."""
    making = making or Making()
    opened = [study if isinstance(study, Rejected) else _open(study, source, making, load) for study in studies]
    candidates = _located(opened, locate)
    return [
        study if isinstance(study, Rejected) else _make(study, found, source, making)
        for study, found in zip(opened, candidates, strict=True)
    ]


def _open(study: Study, source: Source, making: Making, load: Load) -> _Opened | Rejected:
    if not _has_words(study):
        if making.label_template is None:
            return Rejected(study_id=study.id, stage="report", reason="neither findings nor impression")
        if not any(label.status == "present" for label in study.labels):
            return Rejected(study_id=study.id, stage="report", reason="no report, and no finding is stated")
    if not study.views:
        return Rejected(study_id=study.id, stage="view", reason="no film")
    views = sorted(
        (v for v in study.views if v.projection in _PREFERENCE), key=lambda v: _PREFERENCE.index(v.projection)
    )
    if not views:
        return Rejected(study_id=study.id, stage="view", reason=f"no frontal film: {len(study.views)} lateral")
    films, faults = [], []
    for view in views:
        try:
            films.append((view, source.film(view, load)))
        except FilmError as error:
            faults.append(str(error))
    if not films:
        return Rejected(study_id=study.id, stage="image", reason="; ".join(faults))
    return _Opened(study, tuple(films), tuple(faults))


def _has_words(study: Study) -> bool:
    return study.report is not None and bool(study.report.findings or study.report.impression)


def _located(opened: Sequence[_Opened | Rejected], locate: Locate) -> list[list[_Candidate]]:
    """Candidates of each study; only films whose regions the source does not all know are located."""
    asked = [
        film
        for study in opened
        if isinstance(study, _Opened)
        for view, film in study.films
        if not _knows_everything(study.study, view)
    ]
    answers = iter(locate([film.pixels for film in asked]) if asked else ())
    return [
        []
        if isinstance(study, Rejected)
        else [
            _Candidate(view, film, None if _knows_everything(study.study, view) else next(answers))
            for view, film in study.films
        ]
        for study in opened
    ]


def _knows_everything(study: Study, view: View) -> bool:
    return view.is_frontal and {r.name for r in study.regions if r.view_id == view.id and r.box} == set(REGIONS)


def _make(opened: _Opened, candidates: Sequence[_Candidate], source: Source, making: Making) -> Case | Rejected:
    passed_over = list(opened.passed_over)
    for candidate in candidates:
        fault = _fault(candidate)
        if fault is None:
            return _case(opened.study, candidate, passed_over, source, making)
        passed_over.append(f"{candidate.view.id}: {fault}")
    if all(c.localization and c.localization.kind == "lateral" and not c.view.is_frontal for c in candidates):
        return Rejected(study_id=opened.study.id, stage="view", reason="no frontal film: " + "; ".join(passed_over))
    return Rejected(study_id=opened.study.id, stage="localize", reason="; ".join(passed_over))


def _fault(candidate: _Candidate) -> str | None:
    """Why the view cannot be read; None where it can."""
    located = candidate.localization
    if located is None or located.regions:
        return None
    return f"taken for {located.kind}: {', '.join(located.warnings) or 'no regions found'}"


def _case(
    study: Study, chosen: _Candidate, passed_over: Sequence[str], source: Source, making: Making
) -> Case | Rejected:
    film = chosen.film
    regions = _regions(study, chosen)
    view = chosen.view.model_copy(
        update={
            "uri": source.reference(chosen.view),
            "sha256": film.sha256,
            "width": chosen.view.width or film.width,
            "height": chosen.view.height or film.height,
            "mm_per_pixel": chosen.view.mm_per_pixel or film.mm_per_pixel,
            "projection": _projection(chosen),
        }
    )
    steps, how = _steps(study, view, regions, making)
    if not steps:
        return Rejected(study_id=study.id, stage="report", reason=f"no finding is stated of the view {view.id}")
    steps, pngs = _illustrated(study.id, steps, film, making.picture)
    provenance = _provenance(study, chosen, passed_over, how, making.weights)
    trace = Trace(study_id=study.id, view=view, steps=steps, report=study.report, provenance=provenance)
    return Case(study, trace, encode_png(film.pixels), pngs)


def _steps(study: Study, view: View, regions: Mapping[str, Region], making: Making) -> tuple[tuple[Step, ...], str]:
    """The steps, and how they were made: from the report's words or, failing these, from what the dataset states."""
    if study.report is not None and (study.report.findings or study.report.impression):
        return steps_of(study.report, regions), "rules"
    template = making.label_template or "{label}"
    how = f"label sentences {template!r}: no words of a radiologist"
    return label_steps(study.labels, view.id, regions, template), how


def _regions(study: Study, chosen: _Candidate) -> Mapping[str, Region]:
    """Located regions by name: the localizer's, and the source's own in front of them."""
    view_id = chosen.view.id
    boxes = chosen.localization.regions if chosen.localization else {}
    found = {name: Region(name=name, box=box, view_id=view_id, origin="localizer") for name, box in boxes.items()}
    return found | {region.name: region for region in study.regions if region.view_id == view_id and region.box}


def _projection(chosen: _Candidate) -> Projection:
    if chosen.view.projection != "unknown":
        return chosen.view.projection
    return chosen.film.projection if chosen.film.projection != "unknown" else "frontal"


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


def _provenance(
    study: Study, chosen: _Candidate, passed_over: Sequence[str], how: str, weights: str | None
) -> tuple[Stage, ...]:
    stages = [Stage(name="source", version=__version__, detail="; ".join(study.notes))] if study.notes else []
    stages.append(Stage(name="view", version=__version__, detail="; ".join(passed_over)))
    if chosen.localization:
        model = (f"weights sha256 {weights}",) if weights else ()
        detail = "; ".join((*model, f"rotation {chosen.localization.rotation}", *chosen.localization.warnings))
        stages.append(Stage(name="localize", version=__version__, detail=detail))
    stages.append(Stage(name="annotate", version=__version__, detail=how))
    return tuple(stages)
