"""One study to one trace with its pictures, or to a `Rejected` that says why not."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from radtrace import __version__
from radtrace.anatomy import REGIONS
from radtrace.build.annotate import steps_of
from radtrace.build.labels import label_steps
from radtrace.build.pictures import Picture
from radtrace.errors import FilmError
from radtrace.images import Film, encode_png, load_film
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

Locate = Callable[[Sequence[Film]], Sequence[Localization]]
"""Films to where their anatomy is, e.g. a `radtrace.localize.Localizer`."""

_PREFERENCE: tuple[Projection, ...] = ("PA", "frontal", "AP", "unknown")
"""Which view of a study is read: a standing PA film is the best frontal; an unknown one is asked what it is."""
_BATCH_PIXELS = 8_000_000
"""Of the films that are held and located together."""
_ALL_REGIONS = frozenset(REGIONS)


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


@dataclass(frozen=True, slots=True)
class _Candidate:
    view: View
    film: Film
    localization: Localization | None


@dataclass(slots=True)
class _Search:
    """A study whose films are tried, best first. said: what was passed over on the way; lateral: of how many tried."""

    study: Study
    views: deque[View]
    said: list[str] = field(default_factory=list)
    tried: int = 0
    lateral: int = 0
    film: tuple[View, Film] | None = None
    outcome: Case | Rejected | None = None

    def open(self, source: Source, load: Load) -> None:
        """The next film that can be read, if there is one."""
        self.film = None
        while self.views and self.film is None:
            view = self.views.popleft()
            try:
                self.film = view, source.film(view, load)
            except FilmError as error:
                self.said.append(str(error))

    @property
    def pixels(self) -> int:
        """Of the film that is open."""
        return int(self.film[1].pixels.size) if self.film else 0

    def failed(self) -> Rejected:
        """Why no film of the study is read."""
        if not self.tried:
            stage, why = "image", ""
        elif self.tried == self.lateral:
            stage, why = "view", "no frontal film: "
        else:
            stage, why = "localize", ""
        return Rejected(study_id=self.study.id, stage=stage, reason=why + "; ".join(self.said))


def make_cases(
    studies: Iterable[Study | Rejected],
    source: Source,
    locate: Locate,
    making: Making | None = None,
    load: Load = load_film,
) -> Iterator[Case | Rejected]:
    """The cases of some studies, in their order; films are located together, as many as a little memory holds."""
    making = making or Making()
    batch: list[_Search | Rejected] = []
    for study in studies:
        search = study if isinstance(study, Rejected) else _begun(study, making)
        if isinstance(search, _Search):
            search.open(source, load)
        batch.append(search)
        if sum(one.pixels for one in batch if isinstance(one, _Search)) >= _BATCH_PIXELS:
            yield from _finished(batch, source, locate, making, load)
            batch = []
    yield from _finished(batch, source, locate, making, load)


def _begun(study: Study, making: Making) -> _Search | Rejected:
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
    return _Search(study, deque(views))


def _has_words(study: Study) -> bool:
    return study.report is not None and bool(study.report.findings or study.report.impression)


def _finished(
    batch: Sequence[_Search | Rejected], source: Source, locate: Locate, making: Making, load: Load
) -> Iterator[Case | Rejected]:
    """Try the open films; where one cannot be read as a frontal film the study's next film has its turn."""
    searches = [one for one in batch if isinstance(one, _Search)]
    while searches:
        for search, candidate in _located(searches, locate):
            search.outcome = _tried(search, candidate, source, making)
        searches = [search for search in searches if search.outcome is None]
        for search in searches:
            search.open(source, load)
    for one in batch:
        outcome = one.outcome if isinstance(one, _Search) else one
        if outcome is not None:
            yield outcome


def _located(searches: Sequence[_Search], locate: Locate) -> Iterator[tuple[_Search, _Candidate | None]]:
    """The open film of each study; only films whose regions the source does not all know are located."""
    asked = [
        search.film[1] for search in searches if search.film and not _knows_everything(search.study, search.film[0])
    ]
    answers = iter(locate(asked) if asked else ())
    for search in searches:
        if search.film is None:
            yield search, None
            continue
        view, film = search.film
        yield search, _Candidate(view, film, None if _knows_everything(search.study, view) else next(answers))


def _knows_everything(study: Study, view: View) -> bool:
    return view.is_frontal and {r.name for r in study.regions if r.view_id == view.id and r.box} == _ALL_REGIONS


def _tried(search: _Search, candidate: _Candidate | None, source: Source, making: Making) -> Case | Rejected | None:
    """The study's outcome; None where its next film is to be tried."""
    if candidate is None:
        return search.failed()
    search.film = None
    search.tried += 1
    located = candidate.localization
    if located is None or located.regions:
        return _case(search.study, candidate, search.said, source, making)
    search.lateral += located.kind == "lateral" and not candidate.view.is_frontal
    search.said.append(
        f"{candidate.view.id}: taken for {located.kind}: {', '.join(located.warnings) or 'no regions found'}"
    )
    return None


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
    found = {  # unchecked: boxes and names come from the localizer, and most are never used
        name: Region.model_construct(name=name, box=box, view_id=view_id, origin="localizer")
        for name, box in boxes.items()
    }
    return found | {region.name: region for region in study.regions if region.view_id == view_id and region.box}


def _projection(chosen: _Candidate) -> Projection:
    """What the source says, else the header, else the network; "frontal" where none can tell."""
    network: Projection = chosen.localization.projection if chosen.localization else "unknown"
    told = (chosen.view.projection, chosen.film.projection, network)
    return next((projection for projection in told if projection != "unknown"), "frontal")


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
