"""The stage `encoder` as a recipe: its data, its network, its run, and what it says of the result."""

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt

from radtrace.config import Settings
from radtrace.errors import InputError
from radtrace.metrics.clinical.gold import read_gold
from radtrace.models.encoder import VIEWS, EncoderConfig, FilmEncoder, Fusion, save_encoder
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically
from radtrace.train import Stage, Trained
from radtrace.train.curves import draw_curves
from radtrace.train.encoder.augment import Augment
from radtrace.train.encoder.batches import Batches, Cases
from radtrace.train.encoder.films import Pool, films_of, studies_of
from radtrace.train.encoder.learning import Learning, LossWeights, Run, judged, start_as_localizer, start_at_rates
from radtrace.train.encoder.scores import findings_of, mean_auroc
from radtrace.train.encoder.skill import skill_of
from radtrace.train.encoder.summary import figures_of, line_of, told_of
from radtrace.train.encoder.targets import choose_labels, read_study, targets_of

METRICS, FIGURES, CURVES, FILMS, CHECKPOINT = "metrics.jsonl", "figures.json", "curves.png", "films.npz", "state.pt"
RESULT, SKILL = "encoder", "skill.json"
"""Folder of the checkpoint that `load_encoder` reads, in the run's folder, and in it what `Skill.load` reads."""
_SUPPORT = 10
"""Positives on the validation from which a finding counts."""


class Network(Settings):
    """See `radtrace.models.encoder.EncoderConfig`. start: whether the trunk begins as the bundled localizer's."""

    side: PositiveInt = 224
    widths: tuple[PositiveInt, ...] = (16, 32, 64, 128)
    features: PositiveInt = 256
    blocks: int = 0
    fusion: Fusion = "cells"
    dropout: float = 0.2
    start: Literal["localizer", "scratch"] = "localizer"

    def made(self, labels: tuple[str, ...]) -> FilmEncoder:
        """The network before it has learnt anything."""
        network = FilmEncoder(EncoderConfig(labels, **self.model_dump(exclude={"start"})))
        if self.start == "localizer":
            start_as_localizer(network)
        return network


class EncoderRecipe(Stage):
    """All settings of the stage.

    studies: to learn from; those of the first pool choose the findings, and a part of it is `held` out for
        calibration. val: studies whose AUROC chooses the weights, and stops nothing else.
    gold: labels of either that have the last word. films: the file that keeps the prepared films, for other runs too.
    least, least_sided: positives that make a finding, or its two sides, one to learn.
    counts: studies of each pool in a batch. rarest: at most how much more often a study is drawn for the rarity of what
        it shows. lose_view: how often one of two views is hidden.
    resamples: of the bootstrap.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = Stage.INCIDENTAL | {"films"}

    kind: Literal["encoder"] = "encoder"
    studies: tuple[Pool, ...] = Field(min_length=1)
    val: Pool
    gold: Path | None = None
    held: float = Field(default=0.1, gt=0, lt=1)
    films: Path | None = None
    least: PositiveInt = 20
    least_sided: PositiveInt = 25
    network: Network = Network()
    augment: Augment = Augment()
    counts: tuple[int, ...] = (32,)
    rarest: float = Field(default=4.0, ge=1)
    lose_view: float = Field(default=0.15, ge=0, le=1)
    learning: Learning = Learning()
    loss: LossWeights = LossWeights()
    resamples: PositiveInt = 1000
    seed: int = Field(default=0, ge=0)

    def train(self) -> Trained:
        """See `Stage.train`."""
        if len(self.counts) != len(self.studies):
            raise InputError(f"counts names {len(self.counts)} pools; there are {len(self.studies)} of studies")
        torch.set_num_threads(self.threads)
        with RunFolder(self.output, "train encoder", self):
            cases = self._cases()
            run = self._run(cases)
            self._learn(run, cases)
            return self._finish(run, cases)

    def _cases(self) -> Cases:
        pools = (*self.studies, self.val)
        studies, where = studies_of(pools)
        films = films_of(self.films or self.output / FILMS, pools, studies, where)
        gold = read_gold(self.gold) if self.gold else None
        parts = [
            "val" if pool == len(self.studies) else "held" if pool == 0 and _is_held(study.id, self.held) else "train"
            for study, pool in zip(studies, where, strict=True)
        ]
        readings = [
            read_study(study, pools[pool].silent == "absent", gold) for study, pool in zip(studies, where, strict=True)
        ]
        chosen = [r for r, pool in zip(readings, where, strict=True) if pool < len(self.studies)]
        labels = choose_labels(chosen, self.least, self.least_sided)
        mined = [pools[pool].mined for pool in where]
        return Cases(films, targets_of(readings, mined, labels), np.array(where), np.array(parts))

    def _run(self, cases: Cases) -> Run:
        torch.manual_seed(self.seed)
        network = self.network.made(cases.targets.labels)
        start_at_rates(network, cases.targets, cases.rows("train", 0))
        return Run(network, self.learning, self.loss, self.seed, self.output / CHECKPOINT)

    def _learn(self, run: Run, cases: Cases) -> None:
        metrics = JsonLines(self.output / METRICS)
        batches = Batches(
            cases,
            run.network.config,
            self.augment,
            self.counts,
            rarest=self.rarest,
            lose_view=self.lose_view,
            seed=self.seed,
        )
        done = [row for row in metrics.read() if row["step"] <= run.step]  # a kill may have left a later one
        write_atomically(metrics.path, "".join(json.dumps(row) + "\n" for row in done))
        total, sums = self.learning.steps, dict[str, float]()
        with progress("steps", total, run.step) as advance:
            while run.step < total:
                for name, value in run.learn(batches(run.step)).items():
                    sums[name] = sums.get(name, 0.0) + value
                advance()
                if run.step % self.learning.every == 0 or run.step == total:
                    row = self._look(run, cases, sums)
                    done.append(row)
                    metrics.append(row)
                    run.save()
                    sums = {}
        write_atomically(self.output / CURVES, draw_curves(_panels(done)))

    def _look(self, run: Run, cases: Cases, sums: dict[str, float]) -> dict[str, Any]:
        """A line of the metrics: the mean losses since the last one, and the AUROC of the average."""
        network = run.averaged()
        steps = (run.step - 1) % self.learning.every + 1
        row: dict[str, Any] = {"step": run.step} | {name: value / steps for name, value in sums.items()}
        for part in ("held", "val"):
            found = judged(network, cases, part, bf16=self.learning.bf16)
            row[part] = mean_auroc(found, findings_of(found, _SUPPORT))
        run.consider(row["val"])
        return row

    def _finish(self, run: Run, cases: Cases) -> Trained:
        network = run.result()
        held, val = (judged(network, cases, part) for part in ("held", "val"))
        told = told_of(held)
        save_encoder(network, told, self.output / RESULT)
        skill_of(held).save(self.output / RESULT / SKILL)
        alone = {view: judged(network, cases, "val", view) for view in VIEWS}
        figures = {"step": run.best["step"], "parameters": sum(p.numel() for p in network.parameters())}
        figures |= figures_of(val, told, alone, self.resamples, _SUPPORT)
        write_atomically(self.output / FIGURES, json.dumps(figures, indent=1) + "\n")
        return Trained(self.output / RESULT, figures, line_of(figures))


def _is_held(study: str, share: float) -> bool:
    """Whether a study is held out; the same whatever else is learnt from."""
    return int(hashlib.sha256(study.encode()).hexdigest(), 16) % 1000 < 1000 * share


def _panels(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    def curve(name: str) -> list[tuple[float, float]]:
        return [(row["step"], row[name]) for row in rows if name in row]

    losses_ = {name: curve(name) for name in ("findings", "masks", "projection", "places")}
    return {"losses": losses_, "AUROC": {name: curve(name) for name in ("held", "val")}}
