"""The stage `tokenizer`: learn to turn films and parts of them into codes and back."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from radtrace.config import Settings
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically
from radtrace.train import Stage, Trained
from radtrace.train.crops import CropShares, Pictures
from radtrace.train.curves import draw_curves
from radtrace.train.figures import ValPictures, in_words
from radtrace.train.films import FilmSet, LearnedFilm, load_films
from radtrace.train.losses import LossWeights

if TYPE_CHECKING:
    from radtrace.models.tokenizer import ImageTokenizer
    from radtrace.train.fitting import Fitting

METRICS, BOXES, FIGURES, CURVES, SHEET = "metrics.jsonl", "boxes.jsonl", "figures.json", "curves.png", "sheet.png"
RESULT = "tokenizer"
"""Folder of the checkpoint that `load_tokenizer` reads, in the run's folder."""


class NetworkSettings(Settings):
    """The network, in the layout of Chameleon's VQGAN.

    side: pixels of a whole picture. patch: pixels a side folded into channels before the network. codes: how many;
    embedding: numbers a code. latent: channels before them. base, multiplier: channels of each level; each level after
    the first halves the side, so that a code stands for patch * 2 ** (levels - 1) pixels a side. blocks: a level.
    norm, cellwise: see `radtrace.models.vqgan.VQGAN`.
    """

    side: PositiveInt = 128
    patch: PositiveInt = 2
    codes: int = Field(default=512, ge=2, le=65536)
    embedding: PositiveInt = 16
    latent: int = Field(default=64, ge=1)
    base: int = Field(default=32, ge=32, multiple_of=32)
    multiplier: tuple[PositiveInt, ...] = (1, 2, 3)
    blocks: PositiveInt = 1
    norm: Literal["group", "position"] = "position"
    cellwise: bool = True

    @property
    def cell(self) -> int:
        """Pixels that a code stands for, a side."""
        return self.patch << (len(self.multiplier) - 1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.side % self.cell:
            raise ValueError(f"side {self.side} is no multiple of the {self.cell} pixels that a code stands for")
        return self

    def made(self) -> "ImageTokenizer":
        """A tokenizer with random weights."""
        from transformers import ChameleonVQVAEConfig

        from radtrace.models.tokenizer import ImageTokenizer
        from radtrace.models.vqgan import VQGAN

        config = ChameleonVQVAEConfig(
            embed_dim=self.embedding,
            num_embeddings=self.codes,
            latent_channels=self.latent,
            resolution=self.side // self.patch,
            in_channels=self.patch**2,
            base_channels=self.base,
            channel_multiplier=list(self.multiplier),
            num_res_blocks=self.blocks,
            attn_type="none",
            norm_type=self.norm,
            cellwise=self.cellwise,
        )
        return ImageTokenizer(VQGAN(config), self.side, self.patch, "")


class TokenizerRecipe(Stage):
    """All settings of the stage.

    films, val: to learn from, and to measure on (val films are never learnt from and never stop the run).
    longest: pixels a side at which films are kept in memory. shares: kinds of pictures. loss: see `LossWeights`.
    steps, batch, rate, warmup: of AdamW; the rate rises for `warmup` steps and falls to nothing along a half cosine.
    decay: of the codebook's averages. revive: part of the steps in which dead codes are moved.
    log_every, checkpoint_every, val_every: steps; val_limit: how many val films the figures rest on, 0 for all.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = Stage.INCIDENTAL | {"checkpoint_every"}

    kind: Literal["tokenizer"] = "tokenizer"
    films: tuple[FilmSet, ...] = Field(min_length=1)
    val: tuple[FilmSet, ...] = Field(min_length=1)
    network: NetworkSettings = NetworkSettings()
    shares: CropShares = CropShares()
    loss: LossWeights = LossWeights()
    longest: int = Field(default=384, ge=32)
    steps: PositiveInt = 10_000
    batch: PositiveInt = 16
    rate: PositiveFloat = 1e-3
    warmup: int = Field(default=100, ge=0)
    decay: float = Field(default=0.99, gt=0, lt=1)
    revive: float = Field(default=0.7, ge=0, le=1)
    seed: int = Field(default=0, ge=0)
    log_every: PositiveInt = 50
    checkpoint_every: PositiveInt = 200
    val_every: PositiveInt = 1000
    val_limit: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _checkpoints_on_the_log(self) -> Self:
        for name in ("checkpoint_every", "val_every"):
            if getattr(self, name) % self.log_every:
                raise ValueError(f"{name} is no multiple of log_every = {self.log_every}")
        return self

    def train(self) -> Trained:
        """See `Stage.train`; the checkpoint is in the run's folder, `tokenizer/`, from the first checkpoint on."""
        with RunFolder(self.output, "train", self):
            boxes = JsonLines(self.output / BOXES)
            films = load_films(self.films, self.longest, boxes)
            return fit(self, films, load_films(self.val, self.longest, boxes))


def fit(recipe: TokenizerRecipe, films: list[LearnedFilm], val: list[LearnedFilm]) -> Trained:
    """Train on films that are in memory, in a run folder that is open."""
    import torch

    from radtrace.train.fitting import Fitting

    torch.set_num_threads(recipe.threads)
    fitting = Fitting(recipe, recipe.output / "checkpoint.pt")
    network = recipe.network
    pictures = Pictures(films, recipe.shares, network.side, network.cell, recipe.seed)
    measured = ValPictures.of(val[: recipe.val_limit or None], network.side, network.cell)
    _train(recipe, fitting, pictures, measured)
    figures = measured.figures(fitting.tokenizer(), films)
    write_atomically(recipe.output / FIGURES, _json(figures))
    write_atomically(recipe.output / SHEET, measured.sheet(fitting.tokenizer()))
    return Trained(recipe.output / RESULT, figures, in_words(figures))


def _train(recipe: TokenizerRecipe, fitting: "Fitting", pictures: Pictures, measured: ValPictures) -> None:
    log = JsonLines(recipe.output / METRICS)
    rows = [row for row in log.read() if row["step"] <= fitting.step]
    write_atomically(log.path, "".join(map(_json, rows)))
    save: Callable[[], None] = partial(_save, recipe.output, fitting, rows)
    with progress("pictures", recipe.steps * recipe.batch, fitting.step * recipe.batch) as advance:
        while fitting.step < recipe.steps:
            fitting.take(pictures.batch(fitting.step, recipe.batch))
            advance(recipe.batch)
            last = fitting.step == recipe.steps
            if last or fitting.step % recipe.log_every == 0:
                row = fitting.row()
                if last or fitting.step % recipe.val_every == 0:
                    row |= measured.quick(fitting.tokenizer())
                log.append(row)
                rows.append(row)
            if last or fitting.step % recipe.checkpoint_every == 0:
                save()


def _save(folder: Path, fitting: "Fitting", rows: list[dict[str, Any]]) -> None:
    from radtrace.models.tokenizer import save_tokenizer

    fitting.checkpoint()
    save_tokenizer(fitting.tokenizer(), folder / RESULT)
    panels = {"loss": ("loss",), "codes": ("used", "perplexity", "val_perplexity"), "val SSIM": ("val_ssim",)}
    write_atomically(
        folder / CURVES,
        draw_curves(
            {
                title: {name: [(row["step"], row[name]) for row in rows if name in row] for name in names}
                for title, names in panels.items()
            }
        ),
    )


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"
