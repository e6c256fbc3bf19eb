"""The small reader: it sees with its encoder, decides by its policy, and writes with its unified model."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from radtrace import __version__
from radtrace.anatomy import FINDINGS
from radtrace.decode.choosing.told import Told
from radtrace.decode.events import Event
from radtrace.decode.guide import Guide, settled
from radtrace.decode.passes import Batch
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget, planned
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.images import resized
from radtrace.models.encoder import ABNORMAL, DECIDED, DEVICES
from radtrace.reader.bundle import Bundle, is_bundle, load_bundle
from radtrace.reader.loading import Manner
from radtrace.reader.prepared import Prepared
from radtrace.reader.prompt import Tokens
from radtrace.reader.reading import Mind, Reading
from radtrace.reader.writing import Desk, Page, spelling_of
from radtrace.records import Assessment, Stage

_FRAME = 2
"""Tokens around a picture."""
_BOTH_SIDES = 0.6
_OTHER_SIDE = {"right": "left", "left": "right"}


def load_mind(path: str, manner: Manner) -> Mind:
    """The mind of a small reader's directory, or of any other checkpoint. Raises as `load_bundle` and `load_hub` do."""
    if is_bundle(Path(path)):
        return SmallMind(load_bundle(Path(path)), manner)
    from radtrace.reader.hub import load_hub

    return load_hub(path, manner)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one study.

    facts: (1, F), what the model is told. probabilities: finding -> calibrated. told: what was decided, sides too.
    """

    prepared: Prepared
    facts: Tensor
    probabilities: dict[str, float]
    told: Told


def decisions(probabilities: Mapping[str, float], present: Collection[str]) -> Tensor:
    """What a model is told of an encoder's findings where these are decided: (1, F), see `radtrace.models.encoder`.

    Of a finding's sides the likelier is there, and the other one too where it is not much less likely.
    """

    def is_there(name: str) -> bool:
        label, comma, side = name.partition(", ")
        if name == ABNORMAL:
            return bool(present)
        if name == DEVICES:
            return any(FINDINGS[each].chexpert == DEVICES for each in present)
        if not comma:
            return label in present
        other = probabilities.get(f"{label}, {_OTHER_SIDE[side]}", 0.0)
        return label in present and probabilities[name] >= _BOTH_SIDES * other

    return torch.tensor([[DECIDED if is_there(name) else -DECIDED for name in probabilities]])


def _stating(reading: Reading, mended: int) -> Reading:
    """A reading that says how many of its sentences are not as the model wrote them."""
    if not mended:
        return reading
    detail = f"sentences taken out or put in so that the words say what the encoder decided: {mended}"
    stages = (Stage(name="words", version=__version__, detail=detail), *reading.trace.provenance)
    return replace(reading, trace=reading.trace.model_copy(update={"provenance": stages}))


@dataclass(slots=True)
class SmallMind:
    """A `radtrace.reader.Mind`."""

    bundle: Bundle
    manner: Manner
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        alphabet = Alphabet.of(self.bundle.wording.words, self.bundle.model.images)
        self.desk = Desk(alphabet, self.bundle.pictures, self.manner, spelling_of(self.bundle.lexicon))

    @property
    def name(self) -> str:
        """See `Mind`."""
        return f"small reader {self.bundle.sha256[:12]} {self.desk.manner_name}"

    def write(self, prepared: Sequence[Prepared], listen: Callable[[int, Event], None]) -> list[Reading]:
        """See `Mind`."""
        sights = self.seen(prepared)
        pages = [self._page(sight) for sight in sights]
        wording = self.bundle.wording
        blind = [wording.prompt(None) for _ in pages]
        shown = [wording.prompt(page.film) for page in pages]
        words = self.desk.worded(pages, lambda writers: self._run(sights, blind, writers))
        pages = [self._with_room(page, draft) for page, draft in zip(pages, words, strict=True)]
        drafts = self.desk.drawn(pages, words, listen, lambda writers: self._run(sights, shown, writers))
        return [
            _stating(self.desk.reading(page, drawn, self._assessments(sight)), draft.mended)
            for page, draft, drawn, sight in zip(pages, words, drafts, sights, strict=True)
        ]

    def seen(self, prepared: Sequence[Prepared]) -> list[Sight]:
        """What the encoder makes of each study, and what the policy makes of that."""
        encoder, policy = self.bundle.encoder, self.bundle.policy
        views = [(one.film.pixels, one.lateral.pixels if one.lateral else None) for one in prepared]
        encoded = encoder.encode(views)
        facts = encoder.evidence(encoded.logits)
        sights = []
        for number, one in enumerate(prepared):
            known = dict(zip(encoder.labels, encoded.probabilities[number].tolist(), strict=True))
            decided = decisions(known, policy.accepted(known))
            shown = facts[number : number + 1] if self.bundle.told == "evidence" else decided
            there = (name for name, fact in zip(encoder.labels, decided[0].tolist(), strict=True) if fact > 0)
            sights.append(Sight(one, shown, known, Told.of(there)))
        return sights

    def _page(self, sight: Sight) -> Page:
        film = self._codes(sight) if self.manner.visual != "none" else None
        return Page(sight.prepared, self._guide(sight), self.budget, sight.told, film)

    def _run(self, sights: Sequence[Sight], prompts: Sequence[Tokens], writers: Sequence[TraceWriter]) -> list[Draft]:
        ids = torch.tensor([prompt.ids for prompt in prompts])
        cells = torch.tensor([prompt.cells for prompt in prompts])
        facts = torch.cat([sight.facts for sight in sights])
        batch: Batch[Draft] = Batch(self.bundle.model)
        return batch.run(ids, torch.ones_like(ids), [each.write() for each in writers], facts=facts, cells=cells)

    def _guide(self, sight: Sight) -> Guide:
        regions = {name: box for name, box in sight.prepared.localization.regions.items() if box}
        present = tuple(label for label in FINDINGS if label in sight.told.labels)
        return Guide(regions, settled(self.bundle.policy.present, present), present, echoes=True)

    def _codes(self, sight: Sight) -> Tensor:
        side = self.bundle.pictures.side
        return self.bundle.pictures.encode([resized(sight.prepared.film.pixels, side, side)])[0]

    @property
    def budget(self) -> Budget:
        """What the words have room for, whether or not pictures are drawn between them."""
        prompt = len(self.bundle.wording.prompt(None).ids) + self._film
        return planned(Budget(), self._positions, prompt)

    def _with_room(self, page: Page, draft: Draft) -> Page:
        """A study whose words are settled: its pictures share the positions that are left."""
        if page.film is None:
            return page
        taken = len(self.bundle.wording.prompt(page.film).ids) + len(self.bundle.wording.text(draft.text).ids)
        boxes = max(1, draft.text.count("<box>"))
        picture = min(self.bundle.pictures.grid**2, (self._positions - taken) // boxes - _FRAME)
        return replace(page, budget=replace(page.budget, picture=picture))

    @property
    def _film(self) -> int:
        """Tokens of a film in the prompt."""
        return int(self.bundle.pictures.grid**2) + _FRAME

    @property
    def _positions(self) -> int:
        return int(self.bundle.model.config.max_position_embeddings)

    def _assessments(self, sight: Sight) -> tuple[Assessment, ...]:
        assessed = self.bundle.policy.present
        return tuple(
            Assessment(label=label, probability=sight.probabilities[label] if label in assessed else None)
            for label in FINDINGS
        )
