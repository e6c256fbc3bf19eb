"""The localizer's network: lung masks, the kind of film, and how it is turned.

A U-Net whose stem halves the film, so that masks come out at half the input's side. The encoder's last stage also
feeds two small heads. torch is needed to import this module; `radtrace.localize` imports it on use.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from radtrace.localize.weights import KINDS, ROTATIONS, SIDES

SIDE = 224
"""Pixels a side of the letterboxed input."""
WIDTHS = (16, 32, 64, 96, 160)


class Output(NamedTuple):
    """Logits. masks: (B, 2, side / 2, side / 2), the patient's right first; kind: (B, 3); rotation: (B, 4)."""

    masks: Tensor
    kind: Tensor
    rotation: Tensor


def _conv(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class _Head(nn.Module):
    """Classes from the last stage: where (a squeezed map) and what (its mean)."""

    def __init__(self, width: int, cells: int, classes: int) -> None:
        super().__init__()
        self.squeeze = _conv(width, 8, size=1)
        self.classify = nn.Sequential(
            nn.Linear(width + 8 * cells, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, classes)
        )

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.classify(torch.cat([features.mean((2, 3)), self.squeeze(features).flatten(1)], 1))
        return logits


class LungNet(nn.Module):
    """(B, 1, side, side) normalised films -> `Output`."""

    def __init__(self, side: int = SIDE, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.side, self.widths = side, widths
        self.stem = _conv(1, widths[0], stride=2, size=5)
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, after, stride=2), _conv(after, after)) for before, after in pairwise(widths)
        )
        self.bottom = nn.Sequential(_conv(widths[-1], widths[-1]), _conv(widths[-1], widths[-1]))
        self.lift = nn.ModuleList(_conv(after, before, size=1) for before, after in pairwise(widths))
        self.merge = nn.ModuleList(_conv(2 * width, width) for width in widths[:-1])
        self.masks = nn.Conv2d(widths[0], len(SIDES), 1)
        cells = (side // 2 ** len(widths)) ** 2
        self.kind = _Head(widths[-1], cells, len(KINDS))
        self.rotation = _Head(widths[-1], cells, len(ROTATIONS))

    def forward(self, films: Tensor) -> Output:
        """Masks, kind and rotation of every film."""
        stages = self.encode(films)
        return Output(self.decode(stages), self.kind(stages[-1]), self.rotation(stages[-1]))

    def encode(self, films: Tensor) -> list[Tensor]:
        """Feature maps from half the side down to the last, smallest stage."""
        stages = [self.stem(films)]
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
            features = self.merge[level](torch.cat([stages[level], lifted], 1))
        logits: Tensor = self.masks(features)
        return logits
