"""One study to one trace with its pictures, or to a `Rejected` that says why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from radtrace import __version__
from radtrace.anatomy import REGIONS
from radtrace.build.annotate import steps_of
from radtrace.errors import FilmError
from radtrace.images import Film, Pixels, crop, encode_png
from radtrace.localize import Localization
from radtrace.records import (
    LocalizedImage,
    Projection,
    Region,
    Rejected,
    Report,
    Stage,
    Step,
    Study,
    Trace,
    View,
)
from radtrace.sources import Source

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
class _Candidate:
    view: View
    film: Film
    localization: Localization | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A study with the films that might be read, best first, and what was passed over on the way."""

    study: Study
    report: Report
    films: tuple[tuple[View, Film], ...]
    passed_over: tuple[str, ...]


def make_cases(studies: Sequence[Study | Rejected], source: Source, locate: Locate) -> list[Case | Rejected]:
    """The cases of some studies, in their order; the films of all are located in one call."""
    opened = [study if isinstance(study, Rejected) else _open(study, source) for study in studies]
    candidates = _located(opened, locate)
    return [
        study if isinstance(study, Rejected) else _make(study, found)
        for study, found in zip(opened, candidates, strict=True)
    ]


def _open(study: Study, source: Source) -> _Opened | Rejected:
    report = study.report
    if report is None or not (report.findings or report.impression):
        return Rejected(study_id=study.id, stage="report", reason="neither findings nor impression")
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
            films.append((view, source.film(view)))
        except FilmError as error:
            faults.append(str(error))
    if not films:
        return Rejected(study_id=study.id, stage="image", reason="; ".join(faults))
    return _Opened(study, report, tuple(films), tuple(faults))


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


def _make(opened: _Opened, candidates: Sequence[_Candidate]) -> Case | Rejected:
    passed_over = list(opened.passed_over)
    for candidate in candidates:
        fault = _fault(candidate)
        if fault is None:
            return _case(opened, candidate, passed_over)
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


def _case(opened: _Opened, chosen: _Candidate, passed_over: Sequence[str]) -> Case:
    study, film = opened.study, chosen.film
    regions = _regions(study, chosen)
    view = chosen.view.model_copy(
        update={
            "sha256": film.sha256,
            "width": chosen.view.width or film.width,
            "height": chosen.view.height or film.height,
            "mm_per_pixel": chosen.view.mm_per_pixel or film.mm_per_pixel,
            "projection": _projection(chosen),
        }
    )
    steps, pngs = _illustrated(study.id, steps_of(opened.report, regions), film)
    trace = Trace(
        study_id=study.id, view=view, steps=steps, report=opened.report, provenance=_provenance(chosen, passed_over)
    )
    return Case(study, trace, encode_png(film.pixels), pngs)


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


def _illustrated(study_id: str, steps: Sequence[Step], film: Film) -> tuple[tuple[Step, ...], tuple[bytes | None, ...]]:
    """The steps with references to their pictures, and the pictures."""
    illustrated = tuple(
        step.model_copy(
            update={"image": LocalizedImage(kind="crop", uri=f"{study_id}/step-{number}-{step.domain}.png")}
        )
        if step.box
        else step
        for number, step in enumerate(steps, start=1)
    )
    return illustrated, tuple(encode_png(crop(film.pixels, step.box)) if step.box else None for step in steps)


def _provenance(chosen: _Candidate, passed_over: Sequence[str]) -> tuple[Stage, ...]:
    stages = [Stage(name="view", version=__version__, detail="; ".join(passed_over))]
    if chosen.localization:
        detail = "; ".join((f"rotation {chosen.localization.rotation}", *chosen.localization.warnings))
        stages.append(Stage(name="localize", version=__version__, detail=detail))
    stages.append(Stage(name="annotate", version=__version__, detail="rules"))
    return tuple(stages)
