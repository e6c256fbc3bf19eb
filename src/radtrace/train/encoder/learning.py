"""Losses, and the state of a run: the network, its moving average, the optimiser, the best average so far."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from radtrace.config import Settings
from radtrace.localize import weights
from radtrace.models.encoder import VIEWS, FilmEncoder, Seen
from radtrace.train.encoder.batches import Batch, Cases, Rows
from radtrace.train.encoder.films import CANVAS
from radtrace.train.encoder.scores import Judged
from radtrace.train.encoder.targets import Targets
from radtrace.train.precision import Half, half

_WARM = 100
"""Steps until the full learning rate."""
_LEAST_SHARE = 1e-3
_EVALUATED = 32
"""Studies in a pass without gradients."""


class LossWeights(Settings):
    """Of the anatomy's masks, the findings' places and the projection, beside the findings' 1."""

    masks: float = 0.5
    places: float = 0.1
    projection: float = 0.1


class Learning(Settings):
    """How to learn.

    rate, decay: of AdamW. average: steps that the moving average of the weights is about as long as. every: steps from
    one checkpoint, and look at the validation, to the next. bf16: see `radtrace.train.precision.Half`.
    """

    steps: int = 3000
    every: int = 150
    rate: float = 2e-3
    decay: float = 0.05
    average: int = 300
    bf16: Half = "auto"


def losses(seen: Seen, batch: Batch) -> dict[str, Tensor]:
    """Cross-entropy of findings, masks and projection; of places, minus the log of the attention that lies there."""
    known = batch.known.float()
    entropy = functional.binary_cross_entropy_with_logits(seen.logits.float(), batch.values, reduction="none")
    drawn, asked = batch.drawn, batch.projections >= 0
    masks = functional.binary_cross_entropy_with_logits(seen.masks[drawn].float(), batch.masks[drawn])
    projection = functional.cross_entropy(seen.projection[asked].float(), batch.projections[asked])
    looked = seen.weights[batch.owner, 0, batch.column].float()
    inside = functional.avg_pool2d(batch.places[:, None], 2)[:, 0]
    share = (looked * inside).sum((1, 2)) / looked.sum((1, 2)).clamp(min=_LEAST_SHARE)
    return {
        "findings": (entropy * known).sum() / known.sum().clamp(min=1),
        "masks": masks.nan_to_num(),
        "projection": projection.nan_to_num(),
        "places": -share.clamp(min=_LEAST_SHARE).log().mean().nan_to_num(),
    }


def start_as_localizer(network: FilmEncoder) -> None:
    """Give the trunk the weights of the bundled localizer, as far as they fit."""
    _, tensors = weights.read(weights.find(), weights.ARCHITECTURE, "training the encoder")
    own = network.trunk.state_dict()
    fitting = {name: tensor for name, tensor in tensors.items() if name in own and own[name].shape == tensor.shape}
    network.trunk.load_state_dict(fitting, strict=False)


def start_at_rates(network: FilmEncoder, targets: Targets, rows: Rows) -> None:
    """Let every finding begin at the rate that it has in these studies."""
    known = targets.known[rows]
    rates = ((targets.values[rows] * known).sum(0) / known.sum(0).clip(min=1)).clip(0.005, 0.9)
    start = torch.from_numpy(np.log(rates / (1 - rates))).float()
    with torch.no_grad():
        for head in network.last_layers():
            for name, parameter in head.named_parameters():
                parameter.copy_(start if name == "bias" else 0.1 * parameter)


def judged(network: FilmEncoder, cases: Cases, part: str, view: str | None = None, *, bf16: Half = False) -> Judged:
    """What the network says of a part's studies as they are, beside what is known of them.

    Args:    view: of `VIEWS`; only studies that have it, and it alone is shown.
    """
    targets, rows = cases.targets, cases.rows(part)
    shown = cases.shown(rows)
    if view is not None:
        column = VIEWS.index(view)
        rows, shown = rows[shown[:, column] >= 0], shown[shown[:, column] >= 0]
        shown[:, 1 - column] = -1
    logits = predicted(network, cases, shown, bf16)
    return Judged.of(targets.labels, logits, targets.values[rows].astype(np.float64), targets.known[rows])


def predicted(network: FilmEncoder, cases: Cases, shown: Rows, bf16: Half = False) -> npt.NDArray[np.float64]:
    """Logits (N, L) of the films shown (N, 2), see `Cases.shown`."""
    side, result = network.config.side, [np.zeros((0, len(network.config.labels)))]
    for start in range(0, len(shown), _EVALUATED):
        some = shown[start : start + _EVALUATED]
        films = torch.from_numpy(cases.films.films[some]).float() / 255
        if side != CANVAS:
            films = functional.interpolate(films, (side, side), mode="bilinear", align_corners=False, antialias=True)
        with torch.inference_mode(), half(bf16, "cpu"):
            result.append(network(films, torch.from_numpy(some >= 0)).logits.double().numpy())
    return np.concatenate(result)


Tensors = tuple[Tensor, ...] | list[Tensor]


def _moving_average(length: int) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """Exponential; over fewer steps at first, so that the start is soon forgotten."""

    def update(averages: Tensors, now: Tensors, count: Tensor | int) -> None:
        share = max(1 / length, 9 / (10 + int(count)))
        for average, value in zip(averages, now, strict=True):
            if average.is_floating_point():
                average.lerp_(value, share)
            else:
                average.copy_(value)

    return update


class Run:
    """What a killed run goes on with. best: the highest AUROC on the validation, its step and its averaged weights."""

    def __init__(self, network: FilmEncoder, how: Learning, shares: LossWeights, seed: int, path: Path) -> None:
        """path: of the checkpoint, which is read if it is there."""
        self.network, self.how, self.path, self.seed, self.step = network, how, path, seed, 0
        self.shares = {"findings": 1.0} | shares.model_dump()
        _channels_last(network)
        self.average = AveragedModel(network, multi_avg_fn=_moving_average(how.average), use_buffers=True)
        matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
        others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": how.decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, how.rate)
        self.best: dict[str, Any] = {"auroc": -1.0, "step": 0, "weights": {}}
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.step, self.best = state["step"], state["best"]
            for name, part in self._parts().items():
                part.load_state_dict(state[name])

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {"network": self.network, "average": self.average, "optimiser": self.optimiser}

    def save(self) -> None:
        """Write everything that a resumed run needs, whole or not at all."""
        partial = self.path.with_suffix(".part")
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        torch.save({"step": self.step, "best": self.best} | parts, partial)
        partial.replace(self.path)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; returns the losses."""
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        with half(self.how.bf16, "cpu"):
            seen = self.network(batch.films, batch.present)
        parts = losses(seen, batch)
        total = torch.stack([self.shares[name] * value for name, value in parts.items()]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {name: float(value.detach()) for name, value in parts.items()}

    def _rate(self) -> float:
        """A short warm-up, then half a cosine to nothing."""
        warm = min(1.0, (self.step + 1) / _WARM)
        return self.how.rate * warm * 0.5 * (1 + math.cos(math.pi * self.step / self.how.steps))

    def consider(self, auroc: float) -> None:
        """Keep the averaged weights if they are the best so far, or there is nothing to go by (nan)."""
        if not auroc <= self.best["auroc"]:
            state = self.average.module.state_dict()
            copies = {name: tensor.detach().clone() for name, tensor in state.items()}
            self.best = {"auroc": auroc, "step": self.step, "weights": copies}

    def averaged(self) -> FilmEncoder:
        """The average so far, for use."""
        return _network(self.network, self.average.module.state_dict())

    def result(self) -> FilmEncoder:
        """The best average, for use."""
        return _network(self.network, self.best["weights"])


def _network(like: FilmEncoder, state: dict[str, Tensor]) -> FilmEncoder:
    network = FilmEncoder(like.config)
    network.load_state_dict(state)
    _channels_last(network)
    return network.eval()


def _channels_last(network: FilmEncoder) -> None:
    """Lay out the weights as the CPU's convolutions like them."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
