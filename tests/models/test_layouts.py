"""Checkpoints in both hub layouts, decoded by the engine: greedily, token for token what transformers generates."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import Emu3ForConditionalGeneration

from radtrace.decode.easel import Easel
from radtrace.decode.passes import Batch
from radtrace.decode.pen import Pen
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.dialects import Grammar, dialect, segments_of
from radtrace.models.load import load_unified
from radtrace.models.processor import Processor, load_processor
from radtrace.records import LocalizedImage, View

KINDS = ("chameleon", "emu3")
ROWS, COLUMNS = 3, 4
BUDGET = Budget(steps=2, decision=12, words=10, report=14)
PROMPTS = ["Film.", "The heart and the lungs."]


class Recording(Chooser):
    """Keeps which tokens might stand at each place where there was a choice."""

    def __init__(self, sampling: Sampling, number: int) -> None:
        super().__init__(sampling, number)
        self.pen = Pen(self)
        self.among: dict[int, list[int]] = {}

    def choose(self, logits: torch.Tensor, allowed: torch.Tensor) -> int:
        self.among[len(self.pen.tokens)] = allowed.tolist()
        return super().choose(logits, allowed)


def write(model: Any, processor: Processor, pens: Sequence[Pen], draft: Sequence[int] = ()) -> list[Draft]:
    alphabet = Alphabet.of(processor.words.tokenizer, processor.images)
    writers = [
        TraceWriter(pen, alphabet, Grammar(), BUDGET, lambda box, place: Easel(ROWS, COLUMNS, draft)).write()
        for pen in pens
    ]
    prompts = processor([[text] for text in PROMPTS[: len(pens)]])
    return Batch[Draft](model).run(prompts["input_ids"], prompts["attention_mask"], writers)


def generated(model: Any, prompt: list[int], tokens: list[int], among: dict[int, list[int]]) -> list[int]:
    """By transformers' generate, whose choice is the same at each place; what was forced is all that it may take."""

    def allowed(_: int, ids: torch.Tensor) -> list[int]:
        place = len(ids) - len(prompt)
        return among.get(place, [tokens[place]])

    made = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=len(tokens),
        do_sample=False,
        prefix_allowed_tokens_fn=allowed,
    )
    return list(made[0, len(prompt) :].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_what_transformers_generates(checkpoint: Any, kind: Any) -> None:
    path = str(checkpoint(kind))
    model = load_unified(path)
    processor = load_processor(path, model)
    plain = Emu3ForConditionalGeneration.from_pretrained(path).eval() if kind == "emu3" else model
    choosers = [Recording(Sampling(), number) for number in range(2)]
    write(model, processor, [chooser.pen for chooser in choosers])
    for chooser, text in zip(choosers, PROMPTS, strict=True):
        tokens = chooser.pen.tokens
        assert len(chooser.among) > 40
        assert any(len(allowed) == 16 for allowed in chooser.among.values())  # a code was chosen
        assert generated(plain, processor.tokens([text]), tokens, chooser.among) == tokens


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(1.0, seed=3)])
def test_drafts_change_nothing_and_traces_are_whole(checkpoint: Any, kind: Any, sampling: Sampling) -> None:
    path = str(checkpoint(kind))
    model = load_unified(path)
    processor = load_processor(path, model)
    pens = [Pen(Chooser(sampling, number)) for number in range(2)]
    drafts = write(model, processor, pens)
    for draft in drafts:
        images = [LocalizedImage(kind="generated", uri=f"{n}.png") for n in range(len(draft.pictures))]
        parsed = dialect("radtrace").parse(segments_of(draft.text, images), View(id="v", uri="v", width=99, height=99))
        assert {problem.kind for problem in parsed.problems} <= {"repeated"}
        assert all(len(picture.codes) == ROWS * COLUMNS for picture in draft.pictures)
    pictures = [picture for draft in drafts for picture in draft.pictures]
    real = processor.images.ids_of(torch.tensor(pictures[0].codes)).tolist()
    again = [Pen(Chooser(sampling, number)) for number in range(2)]
    assert [draft.text for draft in write(model, processor, again, real)] == [draft.text for draft in drafts]
    assert [pen.tokens for pen in again] == [pen.tokens for pen in pens]
    assert sum(pen.drafting.stood for pen in again) >= COLUMNS


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_stand_as_the_checkpoint_writes_them(checkpoint: Any, kind: Any) -> None:
    path = str(checkpoint(kind))
    model = load_unified(path)
    processor = load_processor(path, model)
    pen = Pen(Chooser(Sampling(1.0, seed=3), 0))
    [draft] = write(model, processor, [pen])
    assert draft.pictures
    for picture in draft.pictures:
        whole = processor.images.written(torch.tensor(picture.codes).view(ROWS, COLUMNS))
        assert any(pen.tokens[at : at + len(whole)] == whole for at in range(len(pen.tokens)))
    text = draft.text.replace("<image></image>", "3*4" if kind == "emu3" else "")
    assert processor.words.decode(pen.tokens) == text
