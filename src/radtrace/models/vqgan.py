"""The VQGAN of Chameleon with the pixel decoder that transformers leaves out."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import ChameleonVQVAE, ChameleonVQVAEConfig
from transformers.models.chameleon.modeling_chameleon import (
    ChameleonVQVAEEncoder,
    ChameleonVQVAEEncoderAttnBlock,
    ChameleonVQVAEEncoderResnetBlock,
)

NORMS = ("group", "position")


class PositionNorm(nn.Module):
    """Normalises all channels of each position by themselves, where GroupNorm looks at the whole picture.

    Its parameters have GroupNorm's names and shapes. The codes of a part are then those of the whole, borders aside.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W), the same shape out."""
        last = hidden.permute(0, 2, 3, 1)
        normed = nn.functional.layer_norm(last, self.weight.shape, self.weight, self.bias, 1e-6)
        return normed.permute(0, 3, 1, 2)


class Upsample(nn.Module):
    """Twice the size: nearest neighbours, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, 2H, 2W)."""
        out: Tensor = self.conv(nn.functional.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return out


class Decoder(nn.Module):
    """Latents to pixels, named as in the published VQGAN checkpoints (`decoder.up.0.block.0.conv1` …).

    Source:  Esser et al., "Taming Transformers", 2021, as Chameleon uses it.
    """

    def __init__(self, config: ChameleonVQVAEConfig) -> None:
        super().__init__()
        widths = [config.base_channels * each for each in config.channel_multiplier]
        attends = config.attn_type == "vanilla"
        width = widths[-1]
        self.conv_in = nn.Conv2d(config.latent_channels, width, 3, padding=1)
        self.mid = nn.Module()
        self.mid.block_1 = ChameleonVQVAEEncoderResnetBlock(config, width, width)
        self.mid.attn_1 = ChameleonVQVAEEncoderAttnBlock(width) if attends else nn.Identity()
        self.mid.block_2 = ChameleonVQVAEEncoderResnetBlock(config, width, width)
        levels = []
        for level in reversed(range(len(widths))):
            side = config.resolution >> level
            here = attends and side in (config.attn_resolutions or ())
            up = nn.Module()
            blocks, attention = [], []
            for _ in range(config.num_res_blocks + 1):
                blocks.append(ChameleonVQVAEEncoderResnetBlock(config, width, widths[level]))
                width = widths[level]
                if here:
                    attention.append(ChameleonVQVAEEncoderAttnBlock(width))
            up.block, up.attn = nn.ModuleList(blocks), nn.ModuleList(attention)
            if level:
                up.upsample = Upsample(width)
            levels.append(up)
        self.up = nn.ModuleList(reversed(levels))
        self.norm_out = nn.GroupNorm(32, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, config.in_channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, latent channels, h, w) -> (B, channels, H, W)."""
        hidden = self.conv_in(latents)
        hidden = self.mid.block_2(self.mid.attn_1(self.mid.block_1(hidden)))  # type: ignore[operator]
        for level in reversed(range(len(self.up))):
            up: Any = self.up[level]
            for place, block in enumerate(up.block):
                hidden = block(hidden)
                if len(up.attn):
                    hidden = up.attn[place](hidden)
            if level:
                hidden = up.upsample(hidden)
        out: Tensor = self.conv_out(nn.functional.silu(self.norm_out(hidden)))
        return out


class CellwiseEncoder(ChameleonVQVAEEncoder):  # type: ignore[misc]
    """Sees the cell of each code alone."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, latent channels, h, w)."""
        count, channels, height, width = pixel_values.shape
        side = 1 << (self.num_resolutions - 1)
        rows, columns = height // side, width // side
        cells = pixel_values.reshape(count, channels, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        alone: Tensor = super().forward(cells.reshape(-1, channels, side, side))
        return alone.view(count, rows, columns, -1).permute(0, 3, 1, 2)


class VQGAN(ChameleonVQVAE):  # type: ignore[misc]
    """Pixels to codes and back.

    Pictures are (B, channels, H, W) in [-1, 1], H and W multiples of `factor`; codes (B, H / factor, W / factor).

    Two settings of the configuration are our own; without them it is Chameleon's:
    norm_type: "group", or "position" for `PositionNorm` in place of every GroupNorm.
    cellwise: the encoder sees each code's cell alone, so that the codes of a part are exactly those of the whole.
    """

    def __init__(self, config: ChameleonVQVAEConfig) -> None:
        super().__init__(config)
        if getattr(config, "cellwise", False):
            self.encoder = CellwiseEncoder(config)
        self.decoder = Decoder(config)
        norm = getattr(config, "norm_type", "group")
        if norm not in NORMS:
            raise ValueError(f"norm_type is {norm!r}, not one of {NORMS}")
        if norm == "position":
            _use_position_norm(self)
        self.post_init()

    @property
    def factor(self) -> int:
        """Pixels a code stands for, a side."""
        return 1 << (len(self.config.channel_multiplier) - 1)

    def codes(self, pictures: Tensor) -> Tensor:
        """The codes of pictures, int64."""
        return self.nearest(self.latents(pictures))

    def latents(self, pictures: Tensor) -> Tensor:
        """What is quantised: (B, embedding, h, w)."""
        out: Tensor = self.quant_conv(self.encoder(pictures))
        return out

    def nearest(self, latents: Tensor) -> Tensor:
        """The code nearest to each latent (B, embedding, h, w): int64 (B, h, w)."""
        flat = latents.permute(0, 2, 3, 1).flatten(0, 2)
        book = self.quantize.embedding.weight
        distances = book.square().sum(1) - 2 * flat @ book.T
        codes: Tensor = distances.argmin(1).view(latents.shape[0], *latents.shape[2:])
        return codes

    def pixels(self, codes: Tensor) -> Tensor:
        """The pictures of codes, not clipped."""
        latents = self.quantize.embedding(codes).permute(0, 3, 1, 2)
        return self.pixels_of(latents)

    def pixels_of(self, latents: Tensor) -> Tensor:
        """The pictures of quantised latents (B, embedding, h, w)."""
        out: Tensor = self.decoder(self.post_quant_conv(latents))
        return out


def _use_position_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, PositionNorm(child.num_channels))
        else:
            _use_position_norm(child)
