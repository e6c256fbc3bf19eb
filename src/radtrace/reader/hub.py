"""Any unified checkpoint in its hub layout, Chameleon's or Emu3's: it is shown films in codes and asked for a trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from radtrace import __version__
from radtrace.decode.events import Event
from radtrace.decode.guide import Guide
from radtrace.decode.passes import Batch
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget, reduced
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.errors import InputError
from radtrace.images import Film, resized
from radtrace.models.load import load_unified, stored_precision, weights_version
from radtrace.models.processor import Processor, load_processor
from radtrace.reader.loading import Manner
from radtrace.reader.prepared import Prepared
from radtrace.reader.prompt import ASKED, NO_CELL
from radtrace.reader.reading import Reading
from radtrace.reader.writing import Desk, Page
from radtrace.records import Stage

if TYPE_CHECKING:
    from radtrace.models.load import Unified

_PLACE = 32
_LONGEST = (
    '<step region="right costophrenic angle"><findings>lung lesion uncertain moderate bilateral; </findings>\n'
    "<box>999,999,999,999</box></step>\n"
)
"""A step's marks, and what a header and a decision may be longer than their budgets: the item that is begun there."""
_LEAST, _BESIDE = 16, 256
"""Codes of a step's picture: below the first a step is given up rather than its picture made smaller still; a lateral
film is shown where each picture keeps the second."""


def load_hub(path: str, manner: Manner) -> "HubMind":
    """The mind of a directory or a hub id, on the GPU where there is one, as precise as it is stored.

    Raises:  InputError in one line as `load_unified` and `load_processor`, for a checkpoint that cannot draw where it
        is asked to, has no room for a trace, or is a small reader's in part; MissingExtraError.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_unified(path, stored_precision(path), device)
    if getattr(model.config, "facts", 0):
        raise InputError(f"{path}: a small reader's model without its other parts")
    if manner.visual != "none" and not model.has_pixels:
        raise InputError(f"{path}: has no pixel decoder to show pictures with: use --visual none")
    try:
        mind = HubMind(model, load_processor(path, model), manner, weights_version(path, model))
        mind.check()
    except (ValueError, InputError) as error:
        raise InputError(str(error) if str(error).startswith(path) else f"{path}: {error}") from error
    return mind


@dataclass(slots=True)
class HubMind:
    """A `radtrace.reader.Mind` without an encoder: it assesses nothing, and its boxes are the localizer's.

    version: of the weights, for the name.
    """

    model: "Unified"
    processor: Processor
    manner: Manner
    version: str
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        alphabet = Alphabet.of(self.processor.words.tokenizer, self.processor.images)
        self.desk = Desk(alphabet, self.processor.pictures, self.manner)

    @property
    def name(self) -> str:
        """See `Mind`."""
        return f"{self.model.config.model_type} checkpoint {self.version} {self.desk.manner_name}"

    def check(self) -> None:
        """Raises InputError where the model has no room for a trace, ValueError where it has no words to ask for it."""
        self._budget([torch.zeros(self._grid, self._grid, dtype=torch.long)])

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        """See `Mind`."""
        films = [self._films(one) for one in prepared]
        pages = [self._page(one, shown) for one, shown in zip(prepared, films, strict=True)]
        prompts = self.processor([[*shown, ASKED] for shown in films])
        ids, mask = (prompts[name].to(self.model.device) for name in ("input_ids", "attention_mask"))
        more = {"cells": torch.full_like(ids, NO_CELL)} if getattr(self.model.config, "cells", 0) else {}

        def run(writers: Sequence[TraceWriter]) -> list[Draft]:
            return Batch[Draft](self.model).run(ids, mask, [each.write() for each in writers], **more)

        words = self.desk.worded(pages, run)
        drafts = self.desk.drawn(pages, words, listen, run)
        readings = []
        for page, shown, said, drawn in zip(pages, films, words, drafts, strict=True):
            reading = self.desk.reading(page, drawn)
            stage = Stage(name="budget", version=__version__, detail="; ".join(self._stated(page, shown, said, drawn)))
            stages = (stage, *reading.trace.provenance)
            readings.append(replace(reading, trace=reading.trace.model_copy(update={"provenance": stages})))
        return readings

    def _page(self, one: Prepared, films: Sequence[Tensor]) -> Page:
        regions = {name: box for name, box in one.localization.regions.items() if box}
        film = films[0] if self.manner.visual != "none" else None
        return Page(one, Guide(regions), self._budget(films), None, film)

    @property
    def _grid(self) -> int:
        """Codes a side of a film."""
        return self.processor.side // self.processor.pictures.cell

    @property
    def _positions(self) -> int:
        return int(self.model.config.get_text_config().max_position_embeddings)

    @property
    def _frontal_only(self) -> bool:
        return bool(getattr(self.model.config, "frontal_only", False))

    def _films(self, one: Prepared) -> list[Tensor]:
        """Codes (G, G) of the films that are shown, the frontal first."""
        frontal = self._codes(one.film)
        if one.lateral is None or self._frontal_only:
            return [frontal]
        both = [frontal, self._codes(one.lateral)]
        try:
            beside, alone = self._budget(both), self._budget([frontal])
        except InputError:
            return [frontal]
        has_room = beside.steps == alone.steps and beside.picture >= min(_BESIDE, frontal.numel())
        return both if has_room else [frontal]

    def _codes(self, film: Film) -> Tensor:
        side = self.processor.side
        return self.processor.pictures.encode([resized(film.pixels, side, side)])[0]

    def _budget(self, films: Sequence[Tensor]) -> Budget:
        """The same in every manner, so that the words are."""
        images, longest = self.processor.images, self.processor.words.encode(_LONGEST)
        around = [*images.opening(self._grid, self._grid), *images.closing(), *self._grid * images.row_end]
        wanted = Budget(picture=self._grid**2, place=_PLACE, marks=_PLACE + len(longest) + len(around))
        return reduced(wanted, self._positions, len(self.processor.tokens([*films, ASKED])), _LEAST)

    def _stated(self, page: Page, films: Sequence[Tensor], said: Draft, drawn: Draft) -> list[str]:
        """What the model's positions had no room for, too."""
        steps, whole = page.budget.steps, self._grid**2
        stated = [f"{self._positions} positions: {len(films)} of the films shown, at most {steps} steps"]
        if page.prepared.lateral and len(films) == 1:
            why = "the model has learnt from frontal films alone" if self._frontal_only else "no room"
            stated.append(f"{why}: the lateral film is not used")
        if page.film is not None:
            stated.append(f"pictures of at most {page.budget.picture} codes of {whole}")
            coarse = sum(each.easel.reduced for each in drawn.pictures)
            stated += [f"{coarse} of {len(drawn.pictures)} pictures coarser than they should be"] if coarse else []
        cut = dict.fromkeys(said.cut)
        return [*stated, *([f"closed where their room ended: {', '.join(cut)}"] if cut else [])]
