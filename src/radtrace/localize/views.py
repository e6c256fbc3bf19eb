"""Which films of a study are looked at: the frontal one that is read, and the lateral one beside it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from radtrace.anatomy import REGIONS
from radtrace.errors import FilmError
from radtrace.images import Film
from radtrace.localize.localizer import Localization
from radtrace.records import Projection, Rejected, Study, View

Locate = Callable[[Sequence[Film]], Sequence[Localization]]
"""Films to where their anatomy is, e.g. a `radtrace.localize.Localizer`."""

Show = Callable[[View], Film]
"""A view's film, e.g. `radtrace.sources.Source.film`; raises FilmError."""

_PREFERENCE: tuple[Projection, ...] = ("PA", "frontal", "AP", "unknown")
"""Which view of a study is read: a standing PA film is the best frontal; an unknown one is asked what it is."""
_BATCH_PIXELS = 8_000_000
"""Of the films that are held and located together."""
_ALL_REGIONS = frozenset(REGIONS)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A film of a study that is read.

    view: as the source gives it. localization: None where the source knows the boxes of all regions.
    passed_over: why films before it are not read.
    """

    study: Study
    view: View
    film: Film
    localization: Localization | None
    passed_over: tuple[str, ...] = ()

    def described(self, uri: str) -> View:
        """The view with all that its film tells, called by `uri`."""
        return self.view.model_copy(
            update={
                "uri": uri,
                "sha256": self.film.sha256,
                "width": self.view.width or self.film.width,
                "height": self.view.height or self.film.height,
                "mm_per_pixel": self.view.mm_per_pixel or self.film.mm_per_pixel,
                "projection": self._projection(),
            }
        )

    def _projection(self) -> Projection:
        """What the source says, else the header, else the network; "frontal" where none can tell."""
        network: Projection = self.localization.projection if self.localization else "unknown"
        told = (self.view.projection, self.film.projection, network)
        return next((projection for projection in told if projection != "unknown"), "frontal")


def frontal_films(studies: Iterable[Study | Rejected], show: Show, locate: Locate) -> Iterator[Chosen | Rejected]:
    """The film that is read of each study, in their order, or why there is none.

    Films are located together, as many as a little memory holds. Where one cannot be read as a frontal film the study's
    next film has its turn.
    """
    batch: list[_Search | Rejected] = []
    for study in studies:
        search = study if isinstance(study, Rejected) else _begun(study)
        if isinstance(search, _Search):
            search.open(show)
        batch.append(search)
        if sum(one.pixels for one in batch if isinstance(one, _Search)) >= _BATCH_PIXELS:
            yield from _finished(batch, show, locate)
            batch = []
    yield from _finished(batch, show, locate)


def lateral_films(chosen: Sequence[Chosen], show: Show, locate: Locate) -> list[Chosen | None]:
    """The lateral film beside each study's frontal one, None where no film is one."""
    searches = [_Search(one.study, deque(_maybe_lateral(one))) for one in chosen]
    waiting = searches
    while waiting:
        for search in waiting:
            search.open(show)
        waiting = [search for search in waiting if search.film]
        for search, candidate in _located(waiting, locate):
            found = candidate and candidate.localization
            search.film = None
            if candidate and found and found.kind == "lateral":
                search.outcome = candidate
        waiting = [search for search in waiting if search.outcome is None]
    return [search.outcome if isinstance(search.outcome, Chosen) else None for search in searches]


@dataclass(slots=True)
class _Search:
    """A study whose films are tried, best first. said: what was passed over on the way; lateral: of how many tried."""

    study: Study
    views: deque[View]
    said: list[str] = field(default_factory=list)
    tried: int = 0
    lateral: int = 0
    film: tuple[View, Film] | None = None
    outcome: Chosen | Rejected | None = None

    def open(self, show: Show) -> None:
        """The next film that can be read, if there is one."""
        self.film = None
        while self.views and self.film is None:
            view = self.views.popleft()
            try:
                self.film = view, show(view)
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


def _begun(study: Study) -> _Search | Rejected:
    if not study.views:
        return Rejected(study_id=study.id, stage="view", reason="no film")
    views = sorted(
        (v for v in study.views if v.projection in _PREFERENCE), key=lambda v: _PREFERENCE.index(v.projection)
    )
    if not views:
        return Rejected(study_id=study.id, stage="view", reason=f"no frontal film: {len(study.views)} lateral")
    return _Search(study, deque(views))


def _maybe_lateral(chosen: Chosen) -> list[View]:
    """Lateral views, and those of which nothing is known."""
    others = [view for view in chosen.study.views if view.id != chosen.view.id]
    return [view for kind in ("lateral", "unknown") for view in others if view.projection == kind]


def _finished(batch: Sequence[_Search | Rejected], show: Show, locate: Locate) -> Iterator[Chosen | Rejected]:
    searches = [one for one in batch if isinstance(one, _Search)]
    while searches:
        for search, candidate in _located(searches, locate):
            search.outcome = _tried(search, candidate)
        searches = [search for search in searches if search.outcome is None]
        for search in searches:
            search.open(show)
    for one in batch:
        outcome = one.outcome if isinstance(one, _Search) else one
        if outcome is not None:
            yield outcome


def _located(searches: Sequence[_Search], locate: Locate) -> Iterator[tuple[_Search, Chosen | None]]:
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
        known = _knows_everything(search.study, view)
        yield search, Chosen(search.study, view, film, None if known else next(answers), tuple(search.said))


def _knows_everything(study: Study, view: View) -> bool:
    return view.is_frontal and {r.name for r in study.regions if r.view_id == view.id and r.box} == _ALL_REGIONS


def _tried(search: _Search, candidate: Chosen | None) -> Chosen | Rejected | None:
    """The study's outcome; None where its next film is to be tried."""
    if candidate is None:
        return search.failed()
    search.film = None
    search.tried += 1
    located = candidate.localization
    if located is None or located.regions:
        return candidate
    search.lateral += located.kind == "lateral" and not candidate.view.is_frontal
    search.said.append(
        f"{candidate.view.id}: taken for {located.kind}: {', '.join(located.warnings) or 'no regions found'}"
    )
    return None
