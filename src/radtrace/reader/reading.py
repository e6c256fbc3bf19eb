"""Studies in, readings out: batches through a model, in which a case that fails costs itself only."""

import hashlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, Self, TypeAlias

from radtrace import __version__
from radtrace.decode.events import Event
from radtrace.errors import RadtraceError, is_out_of_memory
from radtrace.images import Film, Pixels
from radtrace.localize import Localization
from radtrace.localize.views import Locate, Show
from radtrace.reader.prepared import Prepared, prepare_all
from radtrace.records import Rejected, Stage, Study, Trace, View
from radtrace.sources import Load, Source
from radtrace.sources.films import Films

Listen: TypeAlias = Callable[[Prepared, Event], None]
"""Told what is being written of a study; after a failure it is begun anew with step 0."""

STAGE = "reader"
_GIVEN = "given"
_DIGITS = 16
"""Of a film's sha256 in provenance, enough to tell that a film is another."""
_OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model wrote of a study.

    pictures: of each step, those of the upright film; None for a step without one.
    """

    prepared: Prepared
    trace: Trace
    pictures: tuple[Pixels | None, ...]


class Mind(Protocol):
    """A model that writes traces."""

    @property
    def name(self) -> str:
        """Of the model and its settings, for provenance: the same name writes the same trace of the same film."""

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        """A reading of each study, its boxes fractions of the upright `Prepared.film`.

        Args:    listen: told what is written, with the study's place in `prepared`.
        Raises:  RadtraceError where reading any study would fail alike; of anything else the study at fault is found
            and refused.
        """


@dataclass(frozen=True, slots=True)
class Reader:
    """A model with all that stands before it.

    together: studies that share forward passes. close: ends what `load` runs in processes of its own.
    """

    mind: Mind
    load: Load
    locate: Locate
    together: int = 8
    close: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stage(self) -> Stage:
        """What a trace's provenance says of its reader."""
        return Stage(name=STAGE, version=__version__, detail=self.mind.name)

    def read(self, study: Study, source: Source | None = None, listen: Listen | None = None) -> Reading | Rejected:
        """One study, or why it cannot be read."""
        (outcome,) = self.read_all([study], source, listen)
        return outcome

    def read_all(
        self, studies: Iterable[Study | Rejected], source: Source | None = None, listen: Listen | None = None
    ) -> Iterator[Reading | Rejected]:
        """The studies in their order; only a few of them are held at a time.

        Args:    source: theirs; None where a view's uri is the path of its film.
        Raises:  RadtraceError where no study can be read.
        """
        show: Show = partial(source.film, load=self.load) if source else self._film
        tell: Listen = listen or (lambda prepared, event: None)
        batch: list[Prepared | Rejected] = []
        for prepared in prepare_all(studies, show, self._located, self.together):
            batch.append(_described(prepared, source) if isinstance(prepared, Prepared) else prepared)
            if len(batch) == self.together:
                yield from self._read(batch, tell)
                batch = []
        yield from self._read(batch, tell)

    def _film(self, view: View) -> Film:
        return self.load(Path(view.uri), None)

    def _located(self, films: Sequence[Film]) -> Sequence[Localization]:
        """A film that breaks the localizer is none of a chest."""
        try:
            return self.locate(films)
        except RadtraceError:
            raise
        except Exception as error:  # it costs the film at fault only
            if len(films) == 1:
                return [Localization("other", warnings=(f"its anatomy cannot be found: {_reason(error)}",))]
        return [found for film in films for found in self._located([film])]

    def _read(self, batch: Sequence[Prepared | Rejected], listen: Listen) -> Iterator[Reading | Rejected]:
        written = iter(self._written([one for one in batch if isinstance(one, Prepared)], listen))
        for one in batch:
            yield one if isinstance(one, Rejected) else next(written)

    def _written(self, prepared: Sequence[Prepared], listen: Listen) -> list[Reading | Rejected]:
        """All together and, where that fails, in halves, until what fails is one study."""
        if not prepared:
            return []
        try:
            readings = self.mind.write(prepared, lambda number, event: listen(prepared[number], event))
        except RadtraceError:
            raise
        except Exception as error:  # any study may be the one that breaks a model
            if len(prepared) == 1:
                return [Rejected(study_id=prepared[0].study.id, stage="read", reason=_reason(error))]
        else:
            return [self._finished(reading) for reading in readings]
        half = len(prepared) // 2
        return self._written(prepared[:half], listen) + self._written(prepared[half:], listen)

    def _finished(self, reading: Reading) -> Reading:
        trace = reading.prepared.as_given(reading.trace)
        stages = (*reading.prepared.stages, self.stage, *trace.provenance)
        return replace(reading, trace=trace.model_copy(update={"provenance": stages}))


def given(study: Study, source: Source | None = None, digests: Mapping[str, str | None] | None = None) -> Stage:
    """All films that a study came with, and its earlier one, for provenance: where they differ it is to be read anew.

    Args:    source: the study's; None where a view's uri is the path of its film. digests: sha256 of the files that are
        read already, by the views' ids.
    """
    root, known = source.root if source else Path(), digests or {}
    films = [f"{view.id} {_short(known.get(view.id) or _digest(root / view.uri))}" for view in study.views]
    if study.prior:
        path = source.prior if isinstance(source, Films) else None
        films.append(f"prior {study.prior} {_short(_digest(root / path) if path else None)}")
    return Stage(name=_GIVEN, version=__version__, detail="; ".join(films))


def _short(digest: str | None) -> str:
    return digest[:_DIGITS] if digest else "unread"


def _digest(path: Path) -> str | None:
    """Of a file; None where it cannot be read."""
    if not path.is_file():  # a pipe would be waited for
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _described(prepared: Prepared, source: Source | None) -> Prepared:
    """The study with its view called as its source lets it be called, and its films in its provenance."""
    view = prepared.view
    films = given(prepared.study, source, {view.id: view.sha256})
    called = view.model_copy(update={"uri": source.reference(view)}) if source else view
    return replace(prepared, view=called, stages=(films, *prepared.stages))


def _reason(error: Exception) -> str:
    """In one line, without the error's words, which may quote a report."""
    if is_out_of_memory(error):
        return f"{_OUT_OF_MEMORY}: choose --visual none or --samples 1, or give the process more"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
