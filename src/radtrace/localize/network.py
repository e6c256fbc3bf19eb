"""The localizer's network: lungs, heart and mediastinum as masks, and what kind of film it is.

A U-Net on patches of 4 x 4 pixels; its finest features give the masks at half the input's side (sub-pixel
convolution, Shi et al. 2016). The encoder's last stage also feeds the heads that judge the film as a whole. torch is
needed to import this module; `radtrace.localize` imports it on use.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from radtrace.localize.weights import KINDS, MASKS, MIRRORED, PROJECTIONS, QUALITIES, ROTATIONS

SIDE = 224
"""Pixels a side of the letterboxed input."""
WIDTHS = (16, 32, 64, 128)
PATCH = 4
"""Pixels a side of what the first layer sees as one."""
_FINER = 2
"""Mask pixels a side in one patch."""
HEADS = {
    "kind": len(KINDS),
    "rotation": len(ROTATIONS),
    "mirrored": len(MIRRORED),
    "projection": len(PROJECTIONS),
    "quality": len(QUALITIES),
}


class Output(NamedTuple):
    """Logits. masks: (B, 4, side / 2, side / 2); the heads (B, classes), in the orders of `radtrace.localize.weights`.

    kind, rotation, mirrored and projection are one of their classes; of quality's complaints each holds or not.
    """

    masks: Tensor
    kind: Tensor
    rotation: Tensor
    mirrored: Tensor
    projection: Tensor
    quality: Tensor


def _conv(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Heads(nn.Module):
    """The film as a whole, from the last stage: where (a squeezed map) and what (its mean)."""

    def __init__(self, width: int, cells: int) -> None:
        super().__init__()
        self.squeeze = _conv(width, 12, size=1)
        self.shared = nn.Sequential(nn.Linear(width + 12 * cells, 128), nn.ReLU(), nn.Dropout(0.2))
        self.heads = nn.ModuleDict({name: nn.Linear(128, classes) for name, classes in HEADS.items()})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        shared = self.shared(torch.cat([features.mean((2, 3)), self.squeeze(features).flatten(1)], 1))
        return {name: head(shared) for name, head in self.heads.items()}


class ChestNet(nn.Module):
    """(B, 1, side, side) normalised films -> `Output`."""

    def __init__(self, side: int = SIDE, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.side, self.widths = side, widths
        self.stem = nn.Sequential(_conv(PATCH**2, widths[0]), _conv(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, after, stride=2), _conv(after, after)) for before, after in pairwise(widths)
        )
        self.bottom = nn.Sequential(_conv(widths[-1], widths[-1]), _conv(widths[-1], widths[-1]))
        self.lift = nn.ModuleList(_conv(after, before, size=1) for before, after in pairwise(widths))
        self.merge = nn.ModuleList(_conv(width, width) for width in widths[:-1])
        self.masks = nn.Conv2d(widths[0], len(MASKS) * _FINER**2, 1)
        cells = (side // PATCH // 2 ** (len(widths) - 1)) ** 2
        self.heads = _Heads(widths[-1], cells)

    def forward(self, films: Tensor) -> Output:
        """Masks and heads of every film."""
        stages = self.encode(films)
        return Output(self.decode(stages), **self.heads(stages[-1]))

    def encode(self, films: Tensor) -> list[Tensor]:
        """Feature maps from a quarter of the side down to the last, smallest stage."""
        stages = [self.stem(nn.functional.pixel_unshuffle(films, PATCH))]
        for stage in self.down:
            stages.append(stage(stages[-1]))
        stages[-1] = stages[-1] + self.bottom(stages[-1])
        return stages

    def decode(self, stages: list[Tensor]) -> Tensor:
        """Mask logits from the encoder's feature maps."""
        features = stages[-1]
        for level in reversed(range(len(self.merge))):
            lifted = nn.functional.interpolate(
                self.lift[level](features), scale_factor=2, mode="bilinear", align_corners=False
            )
            features = self.merge[level](stages[level] + lifted)
        return nn.functional.pixel_shuffle(self.masks(features), _FINER)

    def folded(self) -> "ChestNet":
        """The same function without its batch normalisations, for use only; this network is changed."""
        for parts in [module for module in self.modules() if isinstance(module, nn.Sequential)]:
            if isinstance(parts[0], nn.Conv2d) and isinstance(parts[1], nn.BatchNorm2d):
                parts[0] = fuse_conv_bn_eval(parts[0], parts[1])
                del parts[1]
        for parameter in self.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return self
