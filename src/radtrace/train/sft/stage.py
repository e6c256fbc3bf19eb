"""The stage `sft` as a recipe: a unified model learns to write the traces of a dataset."""

import json
import math
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from radtrace.config import resolve
from radtrace.models.encoder import Facts
from radtrace.models.unified import UnifiedModel
from radtrace.models.words import UNKNOWN
from radtrace.runs import JsonLines, RunFolder, write_atomically
from radtrace.train import Stage, Trained
from radtrace.train.sft.adapter import FOLDER, Adapter
from radtrace.train.sft.data.batches import Collator, Sampling, TrainBatches, val_batches
from radtrace.train.sft.data.checks import TooLong
from radtrace.train.sft.data.material import Material, material_of, samples_of
from radtrace.train.sft.data.samples import Writing
from radtrace.train.sft.data.store import Samples
from radtrace.train.sft.journal import METRICS
from radtrace.train.sft.looks.writing import Look, looker_of
from radtrace.train.sft.network import Network
from radtrace.train.sft.processes import COUNT, FIRST, check_shared, first_alone, first_before_others
from radtrace.train.sft.result import save_result
from radtrace.train.sft.trainer import Learning, Quick, SftTrainer

FIGURES = "figures.json"
RESULT = "model"
"""Folder of the checkpoint that `load_unified` reads, in the run's folder."""


class SftRecipe(Stage):
    """All settings of the stage.

    traces: what `radtrace build` made, with a split to learn from and one to look at. val_limit: studies of the latter,
        0 for all.
    network: a small model that is trained as a whole, with image_tokenizer, the directory of the tokenizer whose
        pictures it reads and draws; or adapter: a checkpoint that learns by LoRA.
    start: a small model of this stage to go on from, words included: its image tokenizer may be another.
    encoder: directory of the encoder whose findings the facts are of; without one the model has no facts.
    facts: what the model is told of them: evidence at the encoder's skill, or what the report says, as if decided.
    writing: how a trace is written. too_long: what becomes of traces that are longer than the model's positions.
    look: what the model writes of some val studies with each validation.
    quick: "module:attr" of a function (model, tokenizer, rows) -> figures, called with each look on `quick_studies` of
        the validation's rows.
    """

    kind: Literal["sft"] = "sft"
    traces: Path
    train_split: str = "train"
    val_split: str = "val"
    val_limit: int = Field(default=0, ge=0)
    image_tokenizer: Path | None = None
    start: Path | None = None
    encoder: Path | None = None
    facts: Facts = "decisions"
    writing: Writing = Writing()
    network: Network = Network()
    adapter: Adapter | None = None
    sampling: Sampling = Sampling()
    learning: Learning = Learning()
    too_long: TooLong = "refuse"
    look: Look = Look()
    quick: str = ""
    quick_studies: int = Field(default=16, ge=1)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _begins(self) -> Self:
        if (self.adapter is None) == (self.image_tokenizer is None):
            raise ValueError("name the image_tokenizer of a small model, or the path of an adapter's checkpoint")
        if self.adapter and not self.writing.decisions:
            raise ValueError("writing.decisions: `radtrace read` asks a checkpoint for them")
        return self

    def train(self) -> Trained:
        """See `Stage.train`; the best model so far is in the run's folder, `model/` or `adapter/`."""
        check_shared(self.learning.average, self.quick, self.look.studies)
        torch.set_num_threads(self.threads)
        with first_alone(RunFolder(self.output, "train sft", self)):
            return _fit(self)


def _fit(recipe: SftRecipe) -> Trained:
    """Train in a run folder that is open."""
    with first_before_others():
        material = material_of(recipe)
        train, val = (samples_of(recipe, material, part) for part in ("train", "val"))
    trainer = _trainer(recipe, material, train, val)
    best = trainer.learn()
    figures: dict[str, Any] = {"step": best.step, "parameters": _learnt(trainer.model)}
    figures |= {"train": len(train), "val": len(val)} | _row(recipe.output, best.step)
    path = recipe.output / (FOLDER if recipe.adapter else RESULT)
    if FIRST:
        write_atomically(recipe.output / FIGURES, json.dumps(figures, indent=1) + "\n")
        if recipe.adapter and recipe.adapter.merge:
            whole, path = recipe.adapter.merged(path), recipe.output / RESULT
            whole.config.update({"frontal_only": not material.skill})
            save_result(whole, whole.state_dict(), material.words.to_str(), path)
            if material.films is not None:  # or films would be coded in other tones
                material.films.save_pretrained(path)
    return Trained(path, figures, _line(figures))


def _trainer(recipe: SftRecipe, material: Material, train: Samples, val: Samples) -> SftTrainer:
    how, sampling, config = recipe.learning, recipe.sampling, material.model.config
    collate = Collator(
        material.skill, config.pad_token_id or 0, cells=bool(getattr(config, "cells", 0)), told=recipe.facts
    )
    steps = math.ceil(how.epochs * len(train) / (sampling.batch * how.accumulate * COUNT))
    total = steps * how.accumulate * COUNT
    unknown = material.words.get_vocab().get(UNKNOWN, collate.pad)
    return SftTrainer(
        recipe.adapter.made(material.model) if recipe.adapter else material.model,
        TrainBatches(train, collate, sampling, unknown=unknown, seed=recipe.seed, total=total),
        partial(val_batches, val, collate, sampling.batch, recipe.seed),
        how,
        how.arguments(recipe.output, steps, recipe.seed),
        keep=partial(_keep, recipe, material.words.to_str()),
        quick=_looks(looker_of(recipe, material, train, val, collate), _own(recipe, material)) if FIRST else None,
    )


def _keep(recipe: SftRecipe, words: str, model: Any, state: Mapping[str, Tensor]) -> None:
    """Write a model, or the adapter of one, as the best so far."""
    if recipe.adapter:
        model.save_pretrained(recipe.output / FOLDER, state_dict=state)
    else:
        save_result(model, state, words, recipe.output / RESULT)


def _looks(*looks: Quick | None) -> Quick:
    """The figures of all of them."""
    return lambda model: {name: value for look in looks if look for name, value in look(model).items()}


def _own(recipe: SftRecipe, material: Material) -> Quick | None:
    """The recipe's own function."""
    if not recipe.quick:
        return None
    chosen = resolve({}, recipe.quick, "quick look")
    rows = list(islice(material.val.rows(), recipe.quick_studies))

    def look(model: UnifiedModel) -> dict[str, float]:
        figures: dict[str, float] = chosen(model, material.words, rows)
        return figures

    return look


def _learnt(model: Any) -> int:
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


def _row(folder: Path, step: int) -> dict[str, float]:
    """What the run's metrics say of the validation at a step."""
    rows = [row for row in JsonLines(folder / METRICS).read() if row["step"] == step and "val_loss" in row]
    return {name: value for name, value in rows[-1].items() if name != "step"}


def _line(figures: dict[str, Any]) -> str:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if name not in ("step", "parameters"))
    return f"step {figures['step']}, {figures['parameters']:,} parameters: {shown}"
