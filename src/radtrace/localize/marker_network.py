"""The side-marker reader's two networks.

The finder says where on a film something stands that could be a side letter, and how tall; the reader says which letter
a close-up shows. torch is needed to import this module; `radtrace.localize` imports it on use.
"""

import torch
from torch import Tensor, nn

CLASSES = 5
"""No marker, L, R, mirrored L, mirrored R."""
STRIDE = 4
"""Film pixels a cell of the finder's map."""
CROP = 32
"""Pixels a side of a close-up."""


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = (size - stride) // 2 if stride > 1 else dilation * (size // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Finder(nn.Module):
    """(B, 1, H, W) films, sides multiples of STRIDE -> (B, 2, H / STRIDE, W / STRIDE): logit, log height in pixels."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(1, width, size=8, stride=STRIDE),
            _conv(width, width),
            _conv(width, width, dilation=2),
            _conv(width, width),
            nn.Conv2d(width, 2, 1),
        )

    def forward(self, films: Tensor) -> Tensor:
        """The map."""
        found: Tensor = self.layers(films)
        return found


class Reader(nn.Module):
    """(B, 1, CROP, CROP) close-ups of mean 0 and deviation 1 -> (B, CLASSES) logits."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(1, width),
            nn.MaxPool2d(2),
            _conv(width, 2 * width),
            nn.MaxPool2d(2),
            _conv(2 * width, 4 * width),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * width * (CROP // 8) ** 2, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            nn.Linear(64, CLASSES),
        )

    def forward(self, closeups: Tensor) -> Tensor:
        """Logits of the classes."""
        logits: Tensor = self.layers(closeups)
        return logits


class MarkerNet(nn.Module):
    """Finder and reader, in one file of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.finder = Finder()
        self.reader = Reader()


def fused(layers: nn.Sequential) -> nn.Sequential:
    """The same function with every batch norm folded into its convolution, for inference."""
    folded: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            convolution, norm, activation = layer
            assert isinstance(convolution, nn.Conv2d)  # noqa: S101  what _conv makes
            assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101
            folded += [torch.nn.utils.fusion.fuse_conv_bn_eval(convolution, norm), activation]
        else:
            folded.append(layer)
    return nn.Sequential(*folded).eval()
