"""What a reconstruction is held to: pixels, edges, structure, and what our localizer's network sees in it."""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from radtrace.config import Settings
from radtrace.localize import weights

_WIDTH = 11
_C1, _C2 = 0.01**2, 0.03**2
_FEATURE_STAGES = 3


class LossWeights(Settings):
    """Weight of each part of the loss.

    l1, l2: of the pixels. gradient: L1 of the differences of neighbours. ssim: 1 - SSIM under a Gaussian window of
    `sigma` pixels. features: L1 of the localizer's feature maps. commitment: of the latents to their codes.
    """

    l1: float = Field(default=1.0, ge=0)
    l2: float = Field(default=0.0, ge=0)
    gradient: float = Field(default=0.0, ge=0)
    ssim: float = Field(default=0.5, ge=0)
    sigma: float = Field(default=1.0, gt=0)
    features: float = Field(default=0.0, ge=0)
    commitment: float = Field(default=0.25, ge=0)


class ReconstructionLoss:
    """The weighted parts, of pictures (B, H, W) in [0, 1]."""

    def __init__(self, parts: LossWeights) -> None:
        self.parts = parts
        self.eyes = weights.load(weights.find()) if parts.features else None
        if self.eyes is not None:
            self.eyes.requires_grad_(False)

    def __call__(self, made: Tensor, truth: Tensor) -> Tensor:
        """Scalar."""
        parts, total = self.parts, made.new_zeros(())
        if parts.l1:
            total = total + parts.l1 * functional.l1_loss(made, truth)
        if parts.l2:
            total = total + parts.l2 * functional.mse_loss(made, truth)
        if parts.gradient:
            total = total + parts.gradient * gradient_loss(made, truth)
        if parts.ssim:
            total = total + parts.ssim * (1 - structure(made, truth, parts.sigma))
        if self.eyes is not None:
            total = total + parts.features * self._seen(made, truth)
        return total

    def _seen(self, made: Tensor, truth: Tensor) -> Tensor:
        assert self.eyes is not None  # noqa: S101
        side = 8 * 4  # the smallest picture whose stages all have pixels
        made, truth = (functional.pad(each[:, None], _missing(each, side), mode="replicate") for each in (made, truth))
        pairs = list(zip(self.eyes.encode(made), self.eyes.encode(truth), strict=True))[:_FEATURE_STAGES]
        return torch.stack(
            [functional.l1_loss(one, other) / (other.abs().mean() + 1e-4) for one, other in pairs]
        ).mean()


def _missing(pictures: Tensor, multiple: int) -> tuple[int, int, int, int]:
    height, width = pictures.shape[-2:]
    return 0, -width % multiple, 0, -height % multiple


def gradient_loss(made: Tensor, truth: Tensor) -> Tensor:
    """L1 of the differences of horizontal and vertical neighbours."""
    return torch.stack([functional.l1_loss(made.diff(dim=axis), truth.diff(dim=axis)) for axis in (1, 2)]).sum()


def structure(made: Tensor, truth: Tensor, sigma: float) -> Tensor:
    """Mean SSIM of (B, H, W), differentiable; as `radtrace.metrics.grounding.ssim` but of any sigma.

    Source:  Wang et al. 2004, Eq. 13.
    """
    offsets = torch.arange(_WIDTH, dtype=torch.float32) - _WIDTH // 2
    window = torch.exp(-(offsets**2) / (2 * sigma**2))
    window = window / window.sum()
    maps = torch.stack([made, truth, made * made, truth * truth, made * truth], 1)
    rows = functional.conv2d(maps, window.view(1, 1, -1, 1).expand(5, 1, -1, 1), groups=5)
    mean_x, mean_y, xx, yy, xy = functional.conv2d(rows, window.view(1, 1, 1, -1).expand(5, 1, 1, -1), groups=5).unbind(
        1
    )
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    likeness = (2 * (xy - mean_x * mean_y) + _C2) / (xx - mean_x**2 + yy - mean_y**2 + _C2)
    return (luminance * likeness).mean()
