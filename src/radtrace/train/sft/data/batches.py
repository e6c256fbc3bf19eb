"""What each step learns from: it depends on the seed and the number of the step alone, so that runs can go on."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, PositiveInt
from torch import Tensor
from torch.utils.data import Dataset

from radtrace.config import Settings
from radtrace.models.encoder import Facts
from radtrace.train.encoder.skill import Skill, decided
from radtrace.train.sampling import drawn, worth
from radtrace.train.sft.data.samples import NO_LOSS, TEXT, Sample
from radtrace.train.sft.data.store import Samples

PADDING = 32
"""A batch's length is a multiple of it: bf16 on a CPU keeps something of every shape that it has seen."""
LIKELY = 0.8
"""Certainty of a report from which a finding is there."""
_VALIDATION, LOOK = 1 << 20, 1 << 21
"""Stand for the epoch where facts of the validation and of the looks are drawn."""


class Sampling(Settings):
    """How samples are drawn and varied.

    batch: samples of a step on one process. rarest: at most how much more often a study is drawn for the rarity of
        what it shows (1: all alike). normal: how often one is drawn that shows nothing, beside 1.
    mixed: tokens by which lengths within a batch may differ beyond their padding, so that a batch is not all of a kind.
    words_lost: share of the text tokens that the model reads as <unk>. facts_lost: share of the studies of which it is
        told nothing, as guidance and reading without an encoder have it.
    """

    batch: PositiveInt = 16
    rarest: float = Field(default=1.0, ge=1)
    normal: float = Field(default=1.0, gt=0)
    mixed: int = Field(default=32, ge=0)
    words_lost: float = Field(default=0.0, ge=0, lt=1)
    facts_lost: float = Field(default=0.1, ge=0, le=1)


class Collator:
    """Samples -> what the model takes in, padded on the right.

    skill: of the encoder that the facts are from; None without any. told: what of it the model is told.
    """

    def __init__(self, skill: Skill | None, pad: int, *, cells: bool, told: Facts = "evidence") -> None:
        self.skill, self.pad, self.cells, self.told = skill, pad, cells, told

    def __call__(self, samples: list[Sample], rng: np.random.Generator) -> dict[str, Tensor]:
        """input_ids int64 (B, T), kinds uint8 (B, T), and, where the model takes them, facts (B, F), cells (B, T)."""
        length = -(-max(len(each.ids) for each in samples) // PADDING) * PADDING
        filled = {"input_ids": self._padded([each.ids for each in samples], self.pad, length).long()}
        filled["kinds"] = self._padded([each.kinds for each in samples], NO_LOSS, length)
        if self.skill:
            truths = np.stack([each.truths for each in samples])
            facts = decided(truths, rng) if self.told == "decisions" else self.skill.drawn(truths, rng)
            filled["facts"] = torch.from_numpy(facts)
        if self.cells:
            filled["cells"] = self._padded([each.cells for each in samples], -1, length).long()
        return filled

    def _padded(self, rows: list[npt.NDArray[Any]], value: int, length: int) -> Tensor:
        whole = np.full((len(rows), length), value, rows[0].dtype)
        for place, row in zip(whole, rows, strict=True):
            place[: len(row)] = row
        return torch.from_numpy(whole)


class TrainBatches(Dataset[dict[str, Tensor]]):
    """Batch n of a run, varied as `Sampling` says, for all epochs in one go.

    unknown: id of the token that stands for a lost word. `number` in a batch is its n.
    """

    def __init__(
        self, samples: Samples, collate: Collator, how: Sampling, *, unknown: int, seed: int, total: int
    ) -> None:
        self.samples, self.collate, self.how = samples, collate, how
        self.unknown, self.seed, self.total = unknown, seed, total
        self._epoch: tuple[int, list[npt.NDArray[np.int64]]] = (-1, [])

    def __len__(self) -> int:
        return self.total

    @property
    def an_epoch(self) -> int:
        """Batches in which as many samples are drawn as there are."""
        return -(-len(self.samples) // self.how.batch)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, 1, number))
        epoch, place = divmod(number, self.an_epoch)
        batch = self.collate([self.samples[int(index)] for index in self.order(epoch)[place]], rng)
        kinds, ids = batch["kinds"], batch["input_ids"]
        lost = torch.from_numpy(rng.random(ids.shape) < self.how.words_lost) & (kinds == TEXT)
        batch["targets"] = ids
        batch["input_ids"] = ids.masked_fill(lost, self.unknown)
        if "facts" in batch:
            batch["facts"][torch.from_numpy(rng.random(len(ids)) < self.how.facts_lost)] = 0
        return batch | {"number": torch.tensor(number)}

    def order(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """Samples of each batch of an epoch; those of a batch are of about one length."""
        if self._epoch[0] != epoch:
            rng = np.random.default_rng((self.seed, 0, epoch))
            indices = drawn(self._worths, len(self.samples), rng)
            lengths = self.samples.lengths[indices] + rng.random(len(indices)) * self.how.mixed
            ordered = indices[np.argsort(lengths, kind="stable")]
            batches = np.array_split(ordered, range(self.how.batch, len(ordered), self.how.batch))
            self._epoch = epoch, [batches[each] for each in rng.permutation(len(batches))]
        return self._epoch[1]

    @cached_property
    def _worths(self) -> npt.NDArray[np.float64]:
        shown = np.nan_to_num(self.samples.truths) >= LIKELY
        return worth(shown, self.how.rarest) * np.where(shown.any(1) | (not shown.size), 1.0, self.how.normal)


def val_batches(samples: Samples, collate: Collator, size: int, seed: int, part: slice) -> Iterator[dict[str, Tensor]]:
    """The samples as they are, by length, with the same facts every time.

    Args:    part: which of the batches, where several processes share them.
    """
    ordered = np.argsort(samples.lengths, kind="stable")
    batches = np.array_split(ordered, range(size, len(ordered), size))
    for number, indices in list(enumerate(batches))[part]:
        rng = np.random.default_rng((seed, _VALIDATION, number))
        batch = collate([samples[int(index)] for index in indices], rng)
        yield batch | {"targets": batch["input_ids"]}
