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
from transformers import DynamicCache

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a trace wants read next.

    tokens: that stand, at least one. draft: that may come after them, whose logits are wanted too.
    """

    tokens: Sequence[int]
    draft: Sequence[int] = ()


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


@dataclass(slots=True)
class Batch(Generic[ResultT]):
    """Traces that share forward passes.

    model: answers logits for token ids, attention mask, positions and cache, as transformers' do.
    """

    model: Any
    counts: Counts = field(default_factory=Counts)

    def run(self, prompts: Tensor, mask: Tensor, writers: Sequence[Writer[ResultT]], **first: Any) -> list[ResultT]:
        """Write all traces.

        Args:    prompts: int64 (B, T), left-padded; mask: (B, T), 1 where a token stands. first: what the model takes
            with the prompt only, e.g. pictures.
        """
        cache = DynamicCache()
        with torch.inference_mode():
            logits = self._prompt(prompts, mask, cache, first)
            traces = [_Trace(writer, int(row.sum())) for writer, row in zip(writers, mask, strict=True)]
            for trace, row in zip(traces, logits, strict=True):
                next(trace.writer)
                self._send(trace, Answer(row[None]))
            while any(trace.ask for trace in traces):
                mask = self._pass(traces, mask, cache)
        return [trace.result for trace in traces]  # type: ignore[misc]

    def _prompt(self, prompts: Tensor, mask: Tensor, cache: DynamicCache, first: dict[str, Any]) -> Tensor:
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

    def _pass(self, traces: Sequence[_Trace[ResultT]], mask: Tensor, cache: DynamicCache) -> Tensor:
        """One forward pass over what all traces have ready; the mask, longer by what was read."""
        rows = [[*trace.ask.tokens, *trace.ask.draft] if trace.ask else [] for trace in traces]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows], device=mask.device)
        fresh = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=mask.device)
        starts = torch.tensor([trace.length for trace in traces], device=mask.device)
        positions = starts[:, None] + torch.arange(width, device=mask.device)
        whole = torch.cat([mask, fresh.to(mask.dtype)], 1)
        logits = self.model(
            input_ids=ids, attention_mask=whole, position_ids=positions * fresh, past_key_values=cache, use_cache=True
        ).logits
        self.counts.passes += 1
        self.counts.read += int(fresh.sum())
        for number, trace in enumerate(traces):
            if trace.ask is None:
                continue
            stand, drafted = len(trace.ask.tokens), len(trace.ask.draft)
            trace.passes += 1
            kept = self._send(trace, Answer(logits[number, stand - 1 : stand + drafted]))
            trace.length += stand + kept
            whole[number, mask.shape[1] + stand + kept : mask.shape[1] + stand + drafted] = 0
        return whole

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
