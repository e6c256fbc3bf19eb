"""Forward passes of a batch of traces that grow unevenly, over one cache that is never filled anew.

A trace is a generator: it yields what it wants read, is sent the logits, and returns when it is done. Each pass reads
the tokens that all traces have ready, right-padded. A trace whose draft is rejected half-way, and padding, leave holes
in the cache: these are masked, and each token's own position is told, so that nothing is computed twice.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from radtrace.decode.cache import Roomy, keep_rows, roomy_cache
from radtrace.decode.guidance import Guided

ResultT = TypeVar("ResultT")
_FEW = 0.75
"""When no larger share of the rows goes on, those of the traces that are done are no longer computed."""
_FREE = 32
"""Tokens that a pass over all rows reads in about the time of one: more are padding, mostly, where rows differ."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a trace wants read next.

    tokens: that stand, at least one. draft: that may come after them, whose logits are wanted too. cells: for each of
    both, the film's own code where the token after it draws, -1 for none; empty where there is none at all.
    """

    tokens: Sequence[int]
    draft: Sequence[int] = ()
    cells: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """logits: float (1 + drafted, V), the first row after the tokens that stand."""

    logits: Tensor


@dataclass(frozen=True, slots=True)
class Kept:
    """What a trace says of its draft before it asks again: how many of its tokens stand."""

    drafted: int


Writer = Generator[Ask | Kept, Answer | None, ResultT]
"""A trace being written: yields `Ask`, is sent `Answer`; yields `Kept` after a draft, is sent None."""


@dataclass(slots=True)
class Counts:
    """passes: forward passes of the whole batch after the prompt; read: tokens in them that stood or were drafted."""

    passes: int = 0
    read: int = 0


@dataclass(slots=True)
class _Trace(Generic[ResultT]):
    writer: Writer[ResultT]
    length: int
    ask: Ask | None = None
    result: ResultT | None = None
    passes: int = 0

    def part(self, width: int) -> Ask | None:
        """What the next pass reads of what is asked: no more than so many tokens, but a draft at once."""
        if self.ask is None or self.ask.draft or len(self.ask.tokens) <= width:
            return self.ask
        return Ask(self.ask.tokens[:width], (), self.ask.cells[:width])

    def left(self, read: int) -> Ask | None:
        """What is still to be read before the logits are those that are asked for."""
        if self.ask is None or self.ask.draft or len(self.ask.tokens) <= read:
            return None
        return Ask(self.ask.tokens[read:], (), self.ask.cells[read:])


@dataclass(slots=True)
class Batch(Generic[ResultT]):
    """Traces that share forward passes.

    model: answers logits for token ids, attention mask, positions and cache, as transformers' do; and for cells, where
    it has an attribute of that name.
    """

    model: Any
    counts: Counts = field(default_factory=Counts)

    def run(self, prompts: Tensor, mask: Tensor, writers: Sequence[Writer[ResultT]], **first: Any) -> list[ResultT]:
        """Write all traces.

        Args:    prompts: int64 (B, T), left-padded; mask: (B, T), 1 where a token stands. writers: as many for each
            prompt as for the next, beside each other; a prompt is read once for all of its own. first: what the model
            takes with the prompts only, e.g. facts.
        """
        each, left = divmod(len(writers), len(prompts))
        if left or not each:
            raise ValueError(f"{len(writers)} traces cannot share {len(prompts)} prompts evenly")
        cache = roomy_cache(self.model)
        with torch.inference_mode():
            logits = self._prompt(prompts, mask, cache, first).repeat_interleave(each, 0)
            mask = mask.repeat_interleave(each, 0)
            if each > 1:
                cache.batch_repeat_interleave(each)
            traces = [_Trace(writer, int(row.sum())) for writer, row in zip(writers, mask, strict=True)]
            for trace, row in zip(traces, logits, strict=True):
                next(trace.writer)
                self._send(trace, Answer(row[None]))
            rows, mask = self._kept(traces, mask, cache)
            while any(trace.ask for trace in rows):
                mask = self._pass(rows, mask, cache)
                rows, mask = self._kept(rows, mask, cache)
        return [trace.result for trace in traces]  # type: ignore[misc]

    def _prompt(self, prompts: Tensor, mask: Tensor, cache: Roomy, first: dict[str, Any]) -> Tensor:
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        out = self.model(
            input_ids=prompts,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **first,
        )
        kept: Tensor = out.logits[:, -1]
        return kept

    def _pass(self, traces: Sequence[_Trace[ResultT]], mask: Tensor, cache: Roomy) -> Tensor:
        """One forward pass over what all traces have ready; the mask, longer by what was read."""
        parts = [trace.part(max(1, _FREE // len(traces))) for trace in traces]
        rows = [[*part.tokens, *part.draft] if part else [] for part in parts]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=mask.device)
        fresh = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=mask.device)
        starts = torch.tensor([trace.length for trace in traces], device=mask.device)
        positions = starts[:, None] + torch.arange(width, device=mask.device)
        whole = torch.cat([mask, fresh.to(mask.dtype)], 1)
        logits = self.model(
            input_ids=ids,
            attention_mask=whole,
            position_ids=positions * fresh,
            past_key_values=cache,
            use_cache=True,
            **self._cells(parts, width, mask.device),
        ).logits
        self.counts.passes += 1
        self.counts.read += int(fresh.sum())
        for number, (trace, part) in enumerate(zip(traces, parts, strict=True)):
            if part is None:
                continue
            stand, drafted = len(part.tokens), len(part.draft)
            trace.passes += 1
            kept, left = 0, trace.left(stand)
            if left:
                trace.ask = left
            else:
                kept = self._send(trace, Answer(logits[number, stand - 1 : stand + drafted]))
            trace.length += stand + kept
            whole[number, mask.shape[1] + stand + kept : mask.shape[1] + stand + drafted] = 0
        return whole

    def _kept(self, traces: list[_Trace[ResultT]], mask: Tensor, cache: Roomy) -> tuple[list[_Trace[ResultT]], Tensor]:
        """What is computed from here on: not the rows of most that are done, nor an end that stands in no row."""
        going = [number for number, trace in enumerate(traces) if trace.ask]
        if 0 < len(going) <= _FEW * len(traces) and not isinstance(self.model, Guided):
            keep_rows(cache, going)
            traces, mask = [traces[number] for number in going], mask[going]
        spare = mask.shape[1] - 1 - int(mask.any(0).nonzero().max())
        if spare:
            cache.crop(-spare)
            mask = mask[:, :-spare]
        return traces, mask

    def _cells(self, parts: Sequence[Ask | None], width: int, device: torch.device) -> dict[str, Tensor]:
        asked = [part.cells if part else () for part in parts]
        if getattr(self.model, "cells", None) is None or not any(map(len, asked)):
            return {}
        return {"cells": torch.tensor([[*row, *[-1] * (width - len(row))] for row in asked], device=device)}

    @staticmethod
    def _send(trace: _Trace[ResultT], answer: Answer) -> int:
        """Give a trace its logits; how many drafted tokens it keeps. Sets what it asks next, or its result."""
        kept = 0
        trace.ask = None
        try:
            said = trace.writer.send(answer)
            if isinstance(said, Kept):
                kept = said.drafted
                said = trace.writer.send(None)
            if isinstance(said, Kept):
                raise TypeError("a trace said twice what it keeps")
            trace.ask = said
        except StopIteration as done:
            trace.result = done.value
        return kept
