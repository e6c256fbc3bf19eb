"""Val studies that a model writes with each look: words alone, greedily, bounded as the reader bounds them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from radtrace.anatomy import FINDINGS
from radtrace.build.reading import boxes_of, find_traces, usual_boxes
from radtrace.config import Settings
from radtrace.decode.choosing.choice import report_of
from radtrace.decode.guide import Guide, settled
from radtrace.decode.passes import Batch
from radtrace.decode.pen import Pen
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget, planned
from radtrace.decode.sampling import Chooser, Sampling
from radtrace.decode.words import Spelling
from radtrace.decode.writer import Draft, TraceWriter
from radtrace.dialects import Grammar
from radtrace.errors import InputError
from radtrace.metrics.clinical.gold import Gold, read_gold
from radtrace.models.unified import UnifiedModel
from radtrace.reader.writing import spelling_of
from radtrace.train.encoder.scores import Floats
from radtrace.train.encoder.skill import Skill
from radtrace.train.sft.data.batches import LIKELY, LOOK, Collator
from radtrace.train.sft.data.samples import Sample
from radtrace.train.sft.data.store import Samples
from radtrace.train.sft.looks.figures import Told, figures_of

if TYPE_CHECKING:
    from radtrace.train.sft.data.material import Material
    from radtrace.train.sft.stage import SftRecipe

_BUDGET = Budget(decision=32, words=48, report=128, place=64)
"""Smaller than the reader's: a trace that has learnt anything stays within, and one that has not does not take long."""


class Look(Settings):
    """What a model writes with each validation.

    studies: of the validation, the same ones every time; 0 for none. together: that share forward passes.
    gold: CSV of labels (`radtrace.metrics.clinical.gold`) that the reports are held against; then only studies that it
        labels are chosen.
    """

    studies: int = Field(default=0, ge=0)
    together: PositiveInt = 32
    gold: Path | None = None


@dataclass(frozen=True, slots=True)
class Looker:
    """Writes the same studies each time it is called.

    samples: of them; prompts: int64 (N, T). facts: (N, F), with told, what is decided by them; None for a model that
    is told nothing. guides: None where traces decide nothing.
    """

    samples: Sequence[Sample]
    prompts: Tensor
    facts: Tensor | None
    told: Sequence[Told] | None
    guides: Sequence[Guide | None]
    gold: Gold | None
    alphabet: Alphabet
    spelling: Spelling
    budget: Budget
    together: int

    def __call__(self, model: UnifiedModel) -> dict[str, float]:
        """See `figures_of`. Nothing is drawn at random, and the model stays as it is."""
        starts = range(0, len(self.samples), self.together)
        drafts = [draft for start in starts for draft in self._written(model, slice(start, start + self.together))]
        studies = [sample.study_id for sample in self.samples]
        return figures_of(studies, [report_of(draft) for draft in drafts], self.told, self.gold)

    def _written(self, model: UnifiedModel, some: slice) -> list[Draft]:
        prompts = self.prompts[some].to(model.device)
        first = {} if self.facts is None else {"facts": self.facts[some].to(model.device)}
        writers = [self._writer(guide).write() for guide in self.guides[some]]
        return Batch[Draft](model).run(prompts, torch.ones_like(prompts), writers, **first)

    def _writer(self, guide: Guide | None) -> TraceWriter:
        grammar = Grammar(findings=guide is not None, pictures=False)
        pen = Pen(Chooser(Sampling(0.0), 0))
        return TraceWriter(pen, self.alphabet, grammar, self.budget, guide=guide, spelling=self.spelling)


def looker_of(
    recipe: "SftRecipe", material: "Material", train: Samples, val: Samples, collate: Collator
) -> Looker | None:
    """Who looks at a run; None where nobody does.

    Raises:  InputError where the gold file is none or labels no study of the validation, or as `planned`.
    """
    if not recipe.look.studies:
        return None
    gold = read_gold(recipe.look.gold) if recipe.look.gold else None
    samples = _chosen(recipe, val, gold)
    rng = np.random.default_rng((recipe.seed, LOOK))
    filled = collate(samples, rng)
    length = int((filled["kinds"] > 0).any(0).int().argmax())
    facts, told = filled.get("facts"), None
    if material.skill and facts is not None:
        bars = _bars(material.skill, train, rng) if recipe.facts == "evidence" else 0.0
        told = _told(material.skill.labels, facts.numpy() - bars)
    return Looker(
        samples,
        filled["input_ids"][:, :length],
        facts,
        told,
        _guides(recipe, samples, told) if recipe.writing.decisions else [None] * len(samples),
        gold,
        Alphabet.of(material.words, material.model.images),
        spelling_of(getattr(material.model.config, "lexicon", ())),
        planned(_BUDGET, material.model.config.max_position_embeddings, length),
        recipe.look.together,
    )


def _chosen(recipe: "SftRecipe", val: Samples, gold: Gold | None) -> list[Sample]:
    """Some studies, each with its first sample, which is the one without pictures."""
    first: dict[str, int] = {}
    for index, study in enumerate(val.studies):
        if gold is None or study in gold.rows:
            first.setdefault(study, index)
    if not first:
        raise InputError(f"{recipe.look.gold}: labels none of the studies to validate on")
    indices = list(first.values())
    some = random.Random(recipe.seed).sample(indices, min(len(indices), recipe.look.studies))  # noqa: S311
    return [val[index] for index in sorted(some)]


def _bars(skill: Skill, train: Samples, rng: np.random.Generator) -> Floats:
    """The evidence (F,) past which a finding is told as often as it is there."""
    truths = np.nan_to_num(train.truths)
    evidence = skill.drawn(truths, rng)
    shares = 1 - (truths >= LIKELY).mean(0)
    return np.array([np.quantile(column, share) for column, share in zip(evidence.T, shares, strict=True)])


def _told(labels: Sequence[str], beyond: Floats) -> list[Told]:
    """What is there by how far the facts (N, F) are beyond their bars."""
    told = []
    for row in beyond:
        order = [int(index) for index in np.argsort(-row, kind="stable") if labels[index] in FINDINGS]
        present = tuple(labels[index] for index in order if row[index] > 0)
        told.append(Told(present, tuple(labels[index] for index in order if row[index] <= 0)))
    return told


def _guides(recipe: "SftRecipe", samples: Sequence[Sample], told: Sequence[Told] | None) -> list[Guide]:
    """Of each study, with the boxes that its trace has; a region that it lacks is where it mostly is."""
    studies = [sample.study_id for sample in samples]
    rows = find_traces(recipe.traces, split=recipe.val_split, ids=studies).rows()
    boxes = {row.trace.study_id: boxes_of(row.trace) for row in rows}
    usual = usual_boxes(boxes.values())
    regions = [usual | boxes[study] for study in studies]
    if told is None:
        return [Guide(each) for each in regions]
    return [
        Guide(each, settled((*one.present, *one.absent), one.present), one.present, echoes=True)
        for each, one in zip(regions, told, strict=True)
    ]
