"""The reading encoder: the films of a study -> feature maps of both views, and a logit for every finding.

A convolutional trunk, the localizer's (`radtrace.localize.network`) with one wider stage on top, looks at each view
alone. Each finding then looks where it likes: it weighs the cells of the maps and sums what they say of it
(Ilse et al., "Attention-based deep multiple instance learning", 2018), over whichever views there are.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from radtrace.errors import InputError
from radtrace.geometry import fitted
from radtrace.images import Pixels, letterboxed
from radtrace.localize.weights import MASKS, fill, read, write

VIEWS = ("frontal", "lateral")
PROJECTIONS = ("PA", "AP")
ARCHITECTURE = "radtrace-encoder-1"
WEIGHTS = "encoder.safetensors"
PATCH = 4
"""Pixels a side of what the first layer sees as one."""
MASK_STRIDE = 8
"""Pixels a side of a cell of the masks."""
MOST_EVIDENCE = 6.0
"""Nats for or against a finding, past which no film convinces more."""
ABNORMAL, DEVICES = "Abnormal", "Support Devices"
"""Labels beside those of `FINDINGS`: whether anything is found, and any device at all."""
Facts = Literal["evidence", "decisions"]
"""What a language model is told of each finding: the encoder's log likelihood ratio, in nats; or what was decided."""
DECIDED = 3.0
"""Stands for a finding that was decided to be there; minus that for one that is not."""

_KEPT = ("maps", "logits", "weights")
_BATCH = 16

Fusion = Literal["cells", "mean", "concat"]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """What is needed to build the network.

    labels: the findings, in the order of the logits; "name, right" is a finding on one side.
    side: pixels of the square that a view is letterboxed into.
    widths: channels of the trunk's stages, at 1/4, 1/8, 1/16 and 1/32 of the side; features: of the maps.
    blocks: residual blocks more in each stage.
    fusion: how two views become one logit: "cells", one weighing over the cells of both; "mean" of the views' own
        logits; "concat" of their pooled features, before one linear layer.
    """

    labels: tuple[str, ...]
    side: int = 224
    widths: tuple[int, ...] = (16, 32, 64, 128)
    features: int = 256
    blocks: int = 0
    fusion: Fusion = "cells"
    dropout: float = 0.2

    @property
    def cells(self) -> int:
        """Cells a side of a feature map."""
        return int(self.side // PATCH // 2 ** (len(self.widths) - 1))


class Seen(NamedTuple):
    """What the network sees in B studies.

    maps: (B, 2, features, cells, cells), frontal first; nought where the view is missing.
    logits: (B, labels). weights: (B, 2, labels, cells, cells), where each finding was looked for.
    masks: (B, 4, side / 8, side / 8), logits of `radtrace.localize.weights.MASKS` on the frontal view.
    projection: (B, 2), logits of PA and AP.
    """

    maps: Tensor
    logits: Tensor
    weights: Tensor
    masks: Tensor
    projection: Tensor


def _conv(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Residual(nn.Module):
    """Two convolutions that add to what they are given (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.relu(features + self.body(features))


class Trunk(nn.Module):
    """(N, 1, side, side) -> maps (N, features, cells, cells) and mask logits; its names are `ChestNet`'s."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        widths = config.widths
        self.stem = nn.Sequential(_conv(PATCH**2, widths[0]), _conv(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, after, stride=2), _conv(after, after)) for before, after in pairwise(widths)
        )
        self.bottom = nn.Sequential(_conv(widths[-1], widths[-1]), _conv(widths[-1], widths[-1]))
        self.more = nn.ModuleList(
            nn.Sequential(*(_Residual(width) for _ in range(config.blocks))) for width in widths[1:]
        )
        self.top = _conv(widths[-1], config.features)
        self.masks = nn.Conv2d(widths[1], len(MASKS), 1)

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of the last stage, masks from the second."""
        features = self.stem(nn.functional.pixel_unshuffle(films, PATCH))
        masks = None
        for stage, more in zip(self.down, self.more, strict=True):
            features = more(stage(features))
            masks = self.masks(features) if masks is None else masks
        assert masks is not None  # noqa: S101  a trunk has more than one stage
        return self.top(features + self.bottom(features)), masks


class FilmEncoder(nn.Module):
    """The films of B studies -> `Seen`."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        count, features = len(config.labels), config.features
        self.trunk = Trunk(config)
        self.dropout = nn.Dropout2d(config.dropout)
        self.values = nn.ModuleList([nn.Conv2d(features, count, 1) for _ in VIEWS])
        self.scores = nn.ModuleList([nn.Conv2d(features, count, 1) for _ in VIEWS])
        self.projection = nn.Linear(features, len(PROJECTIONS))
        if config.fusion == "concat":
            self.missing = nn.Parameter(torch.zeros(2, 2 * features))
            self.joint = nn.Linear(4 * features, count)

    def forward(self, films: Tensor, present: Tensor) -> Seen:
        """films: (B, 2, side, side), as `prepared` makes them, frontal first; present: bool (B, 2), some of each."""
        shown = present.flatten()
        some_maps, some_masks = self.trunk(films.flatten(0, 1)[shown][:, None])
        maps = _scattered(some_maps, shown)
        looked = _scattered(self.dropout(some_maps), shown)
        masks = _scattered(some_masks, shown)[:, 0]
        values = torch.stack([head(looked[:, view]) for view, head in enumerate(self.values)], 1)
        scores = torch.stack([head(looked[:, view]) for view, head in enumerate(self.scores)], 1)
        logits, weights = self._fused(looked, values, scores, present)
        return Seen(maps, logits, weights, masks, self.projection(looked[:, 0].mean((2, 3))))

    def last_layers(self) -> list[nn.Module]:
        """What the logits come out of: each a weight and a bias for every finding."""
        return [self.joint] if self.config.fusion == "concat" else list(self.values)

    def _fused(self, maps: Tensor, values: Tensor, scores: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, labels) and the weights of the cells."""
        hidden = scores.masked_fill(~present[:, :, None, None, None], -1e4)
        if self.config.fusion == "cells":
            weights = _softmax(hidden, (1, 3, 4))
            return (weights * values).sum((1, 3, 4)), weights
        weights = _softmax(hidden, (3, 4))
        if self.config.fusion == "mean":
            each = (weights * values).sum((3, 4)) * present[:, :, None]
            return each.sum(1) / present.sum(1, keepdim=True), weights
        pooled = torch.cat([maps.mean((3, 4)), maps.amax((3, 4))], 2)
        pooled = torch.where(present[:, :, None], pooled, self.missing)
        joint: Tensor = self.joint(pooled.flatten(1))
        return joint, weights


def _scattered(shown: Tensor, present: Tensor) -> Tensor:
    """What was made of the views that are there (present: bool (2 B,)), as (B, 2, ...), nought for the others."""
    whole = shown.new_zeros(len(present), *shown.shape[1:])
    mask = present.view(-1, *[1] * (shown.dim() - 1))
    return whole.masked_scatter(mask, shown).view(-1, 2, *shown.shape[1:])


def _softmax(scores: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Over several axes at once."""
    powers = (scores - scores.amax(axes, keepdim=True)).exp()
    return powers / powers.sum(axes, keepdim=True)


@dataclass(frozen=True, slots=True)
class Told:
    """What the encoder says of one finding. All on logits.

    slope, intercept: of the line to the calibrated logit. alone: what 15% of the normal studies exceed.
    together: a stricter one, at which all findings with one accuse 15% of the normal studies; None for the others.
    prevalence: share of the held-out studies that have it.
    """

    slope: float = 1.0
    intercept: float = 0.0
    alone: float = 0.0
    together: float | None = None
    prevalence: float = 0.5


class Encoded(NamedTuple):
    """What the encoder makes of N studies.

    maps: float32 (N, 2, features, cells, cells), frontal first; nought where the view is missing.
    logits: (N, labels). probabilities: calibrated, (N, labels).
    weights: (N, 2, labels, cells, cells), where each finding was looked for.
    """

    maps: Tensor
    logits: Tensor
    probabilities: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Encoder:
    """A trained network. told: label -> its calibration and thresholds; sha256: of the weights' file."""

    network: FilmEncoder
    told: dict[str, Told]
    sha256: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The findings, in the order of the logits."""
        return self.network.config.labels

    def encode(self, studies: Sequence[tuple[Pixels | None, Pixels | None]]) -> Encoded:
        """Maps and findings of studies, each a frontal and a lateral film, upright, of which one may be None.

        Raises:  ValueError where both are.
        """
        side = self.network.config.side
        films = np.zeros((len(studies), len(VIEWS), side, side), np.float32)
        present = np.array([[film is not None for film in views] for views in studies]).reshape(-1, len(VIEWS))
        if not present.any(1).all():
            raise ValueError("a study without films")
        for row, views in enumerate(studies):
            for column, film in enumerate(views):
                if film is not None:
                    films[row, column] = prepared(film, side)
        parts = range(0, len(studies), _BATCH)
        with torch.inference_mode():
            seen = [
                self.network(torch.from_numpy(films[at : at + _BATCH]), torch.from_numpy(present[at : at + _BATCH]))
                for at in parts
            ]
        maps, logits, weights = (torch.cat([getattr(each, name) for each in seen]) for name in _KEPT)
        return Encoded(maps, logits, self.calibrated(logits), weights)

    def calibrated(self, logits: Tensor) -> Tensor:
        """Probabilities of logits (..., labels)."""
        return torch.sigmoid(self._lines(logits))

    def evidence(self, logits: Tensor) -> Tensor:
        """What the films add to how common each finding is: log likelihood ratios (..., labels), nats.

        At most `MOST_EVIDENCE` either way.
        """
        usual = torch.logit(torch.tensor([self.told[name].prevalence for name in self.labels]))
        return (self._lines(logits) - usual).clamp(-MOST_EVIDENCE, MOST_EVIDENCE)

    def _lines(self, logits: Tensor) -> Tensor:
        """Calibrated logits."""
        lines = torch.tensor([(self.told[name].slope, self.told[name].intercept) for name in self.labels])
        return logits * lines[:, 0] + lines[:, 1]


def load_encoder(path: Path) -> Encoder:
    """The encoder of a directory that `save_encoder` wrote.

    Raises:  InputError naming what is missing, damaged or of another architecture.
    """
    about, tensors = read(path / WEIGHTS, ARCHITECTURE, "reading findings")
    try:
        config: dict[str, Any] = json.loads(about["config"])
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in config.items()
        }
        network = FilmEncoder(EncoderConfig(**settings))
        told = {name: Told(**numbers) for name, numbers in json.loads(about["told"]).items()}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path / WEIGHTS}: does not fit the architecture that it names") from error
    if set(told) != set(network.config.labels):
        raise InputError(f"{path / WEIGHTS}: its calibration is of other findings")
    return Encoder(
        fill(network, tensors, path / WEIGHTS), told, hashlib.sha256((path / WEIGHTS).read_bytes()).hexdigest()
    )


def save_encoder(network: FilmEncoder, told: dict[str, Told], path: Path) -> None:
    """Write the directory that `load_encoder` reads; weights in half precision."""
    path.mkdir(parents=True, exist_ok=True)
    about = {
        "architecture": ARCHITECTURE,
        "config": json.dumps(asdict(network.config)),
        "told": json.dumps({name: asdict(numbers) for name, numbers in told.items()}),
    }
    write(network, path / WEIGHTS, about)


def prepared(film: Pixels, side: int) -> Pixels:
    """float32 (side, side): letterboxed, the film's 1st-99th percentile at 0 ... 1, the letterbox black."""
    square = letterboxed(film, side)
    width, height, left, top = fitted(film.shape[1], film.shape[0], side)
    shown = square[top : top + height, left : left + width]
    low, high = np.quantile(shown, (0.01, 0.99))
    shown[...] = np.clip((shown - low) / max(float(high - low), 1e-4), 0.0, 1.0)
    return square
