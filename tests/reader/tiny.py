"""A model with random weights that really decodes: `--model tests.reader.tiny:mind`."""

import os
from collections.abc import Callable, Sequence

import torch
from tests import tiny
from tests.tiny import ALPHABET, FIRST

from radtrace.decode.easel import Easel
from radtrace.decode.events import Event
from radtrace.decode.passes import Batch
from radtrace.decode.pen import Pen
from radtrace.decode.plan import Budget
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.dialects import Grammar, dialect, segments_of
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.reader import Manner, Prepared, Reading
from radtrace.records import LocalizedImage, Stage

SIDE = 8
"""Codes and pixels of a picture, a side."""


class TinyMind:
    """Random words, boxes and pictures, of each film its own."""

    def __init__(self, manner: Manner) -> None:
        self.model = tiny.model()
        self.tokenizer = ImageTokenizer(self.model.model.vqmodel, SIDE, 1, "")
        self.manner = manner
        self.grammar = Grammar(findings=True, pictures=manner.visual != "none")
        self.name = f"tiny {manner.model_dump_json()}"

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        """As `radtrace.reader.Mind`; TINY_BREAKS names a study that breaks it, TINY_STOPS one that stops it."""
        for one in prepared:
            assert len(one.localization.regions) == 35
            if one.study.id == os.environ.get("TINY_STOPS"):
                raise KeyboardInterrupt
            if one.study.id == os.environ.get("TINY_BREAKS"):
                raise MemoryError
        prompts = torch.tensor([[0, 25, FIRST + int(one.film.pixels.mean() * 40)] for one in prepared])
        writers = [self._writer(number, listen) for number in range(len(prepared))]
        drafts = Batch[Draft](self.model).run(prompts, torch.ones_like(prompts), [writer.write() for writer in writers])
        return [self._reading(one, draft) for one, draft in zip(prepared, drafts, strict=True)]

    def _writer(self, number: int, listen: Callable[[int, Event], None]) -> TraceWriter:
        draw = (lambda box, place: Easel(SIDE, SIDE)) if self.grammar.pictures else None
        return TraceWriter(
            Pen(Chooser(Sampling(1.5, seed=self.manner.seed), 0)), ALPHABET, self.grammar,
            Budget(steps=3, decision=12, words=10, report=12), draw, lambda event: listen(number, event),
        )  # fmt: skip

    def _reading(self, prepared: Prepared, draft: Draft) -> Reading:
        images = [
            LocalizedImage(kind="generated", uri=f"{prepared.study.id}/{number}.png")
            for number in range(len(draft.pictures))
        ]
        parsed = dialect("radtrace", {"findings": True}).parse(segments_of(draft.text, images), prepared.view)
        steps = tuple(
            step.model_copy(update={"image": step.image.model_copy(update={"box": step.box})}) if step.image else step
            for step in parsed.steps
        )
        codes = torch.tensor([each.codes for each in draft.pictures]).reshape(-1, SIDE, SIDE)
        pixels = iter(self.tokenizer.decode(codes) if draft.pictures else ())
        trace = parsed.trace(prepared.study.id, prepared.view, (Stage(name="read", version="0", detail=self.name),))
        return Reading(
            prepared, trace.model_copy(update={"steps": steps}), tuple(next(pixels) if s.image else None for s in steps)
        )


def mind(manner: Manner) -> TinyMind:
    """What `--model` asks for."""
    return TinyMind(manner)
