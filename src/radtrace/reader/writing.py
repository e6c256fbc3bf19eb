"""How a model's words become traces, whichever model it is: words first, among samples; then the pictures in them."""

import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from radtrace.decode.choosing.agreeing import agreeing
from radtrace.decode.choosing.choice import chosen
from radtrace.decode.choosing.consensus import consensus
from radtrace.decode.choosing.looks import once_each
from radtrace.decode.choosing.told import Told
from radtrace.decode.easel import Crops, painted
from radtrace.decode.events import Event
from radtrace.decode.guide import Guide
from radtrace.decode.passes import Answer
from radtrace.decode.pen import Pen
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.words import BLANKS, COMPARING, Ban, Lexicon, Spelling
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.dialects import Grammar, dialect, segments_of
from radtrace.reader.finishing import finished
from radtrace.reader.loading import Manner
from radtrace.reader.prepared import Prepared
from radtrace.reader.reading import Reading
from radtrace.records import Assessment, LocalizedImage

if TYPE_CHECKING:
    from radtrace.models.processor import PictureCodec

_TEMPERATURE, _LIKELIEST = 0.85, 16
"""Of words that are drawn, and among how many tokens: the least likely ones make broken sentences."""
_LIKELIEST_WORDS = Sampling(0.0)
_BAN = Ban((*BLANKS, *COMPARING))
"""What no trace of a film alone may say."""
_DIALECT = dialect("radtrace", {"findings": True})
Run = Callable[[Sequence[TraceWriter]], list[Draft]]
"""Lets a model write, as many traces of each study as of the next, beside each other."""


def spelling_of(words: Collection[str]) -> Spelling:
    """What a trace of a film alone may say, of a model's own words, or of any where it names none."""
    return Lexicon.of(words, _BAN) if words else _BAN


@dataclass(frozen=True, slots=True)
class Page:
    """What bounds the trace of one study.

    budget: its `picture` is the most codes of a picture. told: what was decided, None where nobody did. film: codes
    (G, G) of the upright film, squeezed; None where no pictures are wanted.
    """

    prepared: Prepared
    guide: Guide
    budget: Budget
    told: Told | None
    film: Tensor | None


@dataclass(frozen=True, slots=True)
class Desk:
    """Where traces are written. The trace is the same, whichever way its pictures come about."""

    alphabet: Alphabet
    pictures: "PictureCodec"
    manner: Manner
    spelling: Spelling = _BAN

    @property
    def manner_name(self) -> str:
        """Every setting, for provenance."""
        return " ".join(f"{name}={value}" for name, value in self.manner.model_dump().items())

    def worded(self, pages: Sequence[Page], run: Run) -> list[Draft]:
        """The words of each study: of several samples what is most like all of them."""
        samples = self.manner.samples
        grammar = Grammar(findings=True, pictures=False)
        drafts = run(
            [
                TraceWriter(
                    Pen(Chooser(sampling if number else _LIKELIEST_WORDS, number)),
                    self.alphabet,
                    grammar,
                    page.budget,
                    guide=page.guide,
                    spelling=self.spelling,
                )
                for page in pages
                for sampling in [self._sampling(page)]
                for number in range(samples)
            ]
        )
        groups = [drafts[at : at + samples] for at in range(0, len(drafts), samples)]
        return [_agreed(group, page) for group, page in zip(groups, pages, strict=True)]

    def _sampling(self, page: Page) -> Sampling:
        """The draws of all samples but the first, which is the likeliest words.

        They are those of the decisions, so that like studies are told alike; without any, each film's own.
        """
        told = page.told
        own = page.prepared.film.pixels.tobytes() if told is None else repr(sorted(told.columns)).encode()
        return Sampling(_TEMPERATURE, _LIKELIEST, self.manner.seed + zlib.crc32(own))

    def drawn(
        self, pages: Sequence[Page], drafts: Sequence[Draft], listen: Callable[[int, Event], None], run: Run
    ) -> list[Draft]:
        """The traces told as they stand and, where pictures are wanted, with the pictures drawn in them."""
        writers = [
            TraceWriter(
                Pen(Chooser(Sampling(0.0), 0)),
                self.alphabet,
                Grammar(findings=True, pictures=page.film is not None),
                page.budget,
                draw=self._crops(page),
                listen=partial(listen, number),
                script=draft.text,
            )
            for number, (page, draft) in enumerate(zip(pages, drafts, strict=True))
        ]
        return run(writers) if self.manner.visual != "none" else [_told(writer) for writer in writers]

    def reading(self, page: Page, draft: Draft, assessments: tuple[Assessment, ...] = ()) -> Reading:
        """The trace and its pictures. Raises UnfinishedError where the text is no trace."""
        pictures = [painted(self.pictures, each.codes, each.easel) for each in draft.pictures]
        kind = self.manner.picture if self.manner.visual == "insert" else "generated"
        images = [LocalizedImage(kind=kind, uri=f"{each.number}.png", box=each.easel.shown) for each in draft.pictures]
        parsed = _DIALECT.parse(segments_of(draft.text, images), page.prepared.view)
        trace = finished(parsed, page.prepared, assessments)
        drawn = iter(pictures)
        return Reading(page.prepared, trace, tuple(next(drawn) if step.image else None for step in trace.steps))

    def _crops(self, page: Page) -> Crops | None:
        if page.film is None or self.manner.visual == "none":
            return None
        return Crops(
            self.pictures,
            page.prepared.film.pixels,
            page.film,
            self.alphabet.images.ids,
            page.budget.picture,
            self.manner.picture,
            self.manner.visual,
            zoom=len(page.film),
        )


def _agreed(drafts: Sequence[Draft], page: Page) -> Draft:
    """Where findings were decided, composed of the steps of all samples, one look a domain; else a sample."""
    if page.told is None:
        return chosen(drafts, None)
    composed = consensus(drafts, page.told.labels, page.budget.steps)
    return once_each(agreeing(composed, page.told, page.guide), page.guide)


def _told(writer: TraceWriter) -> Draft:
    """A script without pictures: there is nothing in it to ask a model."""
    writing = writer.write()
    next(writing)
    try:
        writing.send(Answer(torch.empty(1, 0)))
    except StopIteration as done:
        draft: Draft = done.value
        return draft
    raise ValueError("a script without pictures left something open")
