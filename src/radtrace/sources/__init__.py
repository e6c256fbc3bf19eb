"""Readers of datasets: each is a small settings class that yields studies, and knows where their films are."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from radtrace.config import SOURCES, Settings, resolve, settings
from radtrace.errors import RecipeError
from radtrace.images import Film, load_film
from radtrace.records import Record, Rejected, Study, View

Load = Callable[[Path, tuple[int, int] | None], Film]
"""Path and true size to a film."""


class SourceCard(Record):
    """What a dataset card must say about where the films and words come from."""

    name: str
    licence: str
    licence_id: str = "other"
    citation: str
    url: str = ""


class Source(Settings):
    """A dataset reader, written as the `[source]` part of a recipe.

    kind: its name in `radtrace.config.SOURCES`, or a "module:attr" path.
    """

    CARD: ClassVar[SourceCard]
    KNOWS_REGIONS: ClassVar[bool] = False
    """Whether every study comes with the boxes of all regions, so that no localizer is needed."""

    kind: str
    root: Path

    @abstractmethod
    def studies(self) -> Iterator[Study | Rejected]:
        """Every study of the source exactly once, in a fixed order; what cannot be read as one is `Rejected`.

        Raises:  InputError where a file that the whole source rests on is missing or lacks a column.
        """

    @property
    def card(self) -> SourceCard:
        """Name, licence and citation for the dataset card."""
        return self.CARD

    def film(self, view: View, load: Load = load_film) -> Film:
        """A view's film, its aspect restored where the source knows the true one.

        Args:    load: `load_film`, which decodes in this process, or `FilmReader.load`, which does not.
        Raises:  FilmError.
        """
        true_size = (view.width, view.height) if view.width and view.height else None
        return load(self.root / view.uri, true_size)

    def reference(self, view: View) -> str:
        """What a dataset may say of where a view's film lies: its uri, unless that could name a patient."""
        return view.uri


class OwnSource(Source):
    """A reader of one's own data. name, licence, citation: for the dataset card."""

    name: str
    licence: str = "unstated"
    citation: str = "unstated"

    @property
    def card(self) -> SourceCard:
        """See `Source.card`."""
        return SourceCard(name=self.name, licence=self.licence, citation=self.citation)


def open_source(values: object) -> Source:
    """The source that a recipe's `[source]` part describes. Raises RecipeError."""
    if isinstance(values, Source):
        return values
    if not isinstance(values, dict) or not isinstance(values.get("kind"), str):
        raise RecipeError(f"source.kind: names the dataset reader, one of {', '.join(sorted(SOURCES))}")
    reader = resolve(SOURCES, values["kind"], "source")
    if not (isinstance(reader, type) and issubclass(reader, Source)):
        raise RecipeError(f"source.kind: {values['kind']!r} is no dataset reader")
    source: Source = settings(reader, values, where=f"source {values['kind']}", prefix="source.")
    return source
