"""Chameleon's image tokenizer in torch alone: pixels to codes and back, named as in the published VQGAN checkpoints.

Source:  Esser et al., "Taming Transformers for High-Resolution Image Synthesis", 2021, as Chameleon uses it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

NORMS = ("group", "position")


class CodecConfig(Protocol):
    """What transformers' `ChameleonVQVAEConfig` says of a network.

    Two settings, which it may lack, are our own; without them it is Chameleon's:
    norm_type: "group", or "position" for `PositionNorm` in place of every GroupNorm.
    cellwise: the encoder sees each code's cell alone, so that the codes of a part are exactly those of the whole.
    """

    base_channels: int
    channel_multiplier: Sequence[int]
    num_res_blocks: int
    resolution: int
    in_channels: int
    latent_channels: int
    double_latent: bool
    embed_dim: int
    num_embeddings: int
    dropout: float
    attn_type: str
    attn_resolutions: Sequence[int] | None


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


class Residual(nn.Module):
    """Two convolutions that add to what they are given."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(32, inputs, eps=1e-6)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(32, outputs, eps=1e-6)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        out = self.conv1(_swish(self.norm1(hidden)))
        out = self.conv2(self.dropout(_swish(self.norm2(out))))
        shortcut = self.nin_shortcut(hidden) if hasattr(self, "nin_shortcut") else hidden
        added: Tensor = shortcut + out
        return added


class Attention(nn.Module):
    """Every position looks at all others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W), the same shape out."""
        normed = self.norm(hidden)
        query, key, value = (each(normed).flatten(2) for each in (self.q, self.k, self.v))  # (B, C, HW)
        weights = (query.transpose(1, 2) @ key * hidden.shape[1] ** -0.5).softmax(2)
        attended: Tensor = self.proj_out((value @ weights.transpose(1, 2)).view_as(hidden))
        return hidden + attended


class Downsample(nn.Module):
    """Half the size, padded on the right and below."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, 2H, 2W) -> (B, C, H, W)."""
        out: Tensor = self.conv(nn.functional.pad(hidden, (0, 1, 0, 1)))
        return out


class Upsample(nn.Module):
    """Twice the size: nearest neighbours, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, 2H, 2W)."""
        out: Tensor = self.conv(nn.functional.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return out


class Encoder(nn.Module):
    """Pixels to what is quantised (`encoder.down.0.block.0.conv1` …)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        widths, width = _widths(config), config.base_channels
        self.cellwise = bool(getattr(config, "cellwise", False))
        self.conv_in = nn.Conv2d(config.in_channels, width, 3, padding=1)
        levels = []
        for level in range(len(widths)):
            down, width = _level(config, level, width, config.num_res_blocks)
            if level < len(widths) - 1:
                down.downsample = Downsample(width)
            levels.append(down)
        self.down = nn.ModuleList(levels)
        self.mid = _Middle(config, width)
        self.norm_out = nn.GroupNorm(32, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, config.latent_channels * (2 if config.double_latent else 1), 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, channels, H, W) -> (B, latent channels, h, w)."""
        if not self.cellwise:
            return self._encoded(pictures)
        count, channels, height, width = pictures.shape
        side = 1 << (len(self.down) - 1)
        rows, columns = height // side, width // side
        cells = pictures.reshape(count, channels, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        alone = self._encoded(cells.reshape(-1, channels, side, side))
        return alone.view(count, rows, columns, -1).permute(0, 3, 1, 2)

    def _encoded(self, pictures: Tensor) -> Tensor:
        hidden = self.conv_in(pictures)
        for level, down in enumerate(self.down):
            hidden = _through(down, hidden)
            if level < len(self.down) - 1:
                hidden = down.downsample(hidden)  # type: ignore[operator]
        out: Tensor = self.conv_out(_swish(self.norm_out(self.mid(hidden))))
        return out


class Decoder(nn.Module):
    """Latents to pixels (`decoder.up.0.block.0.conv1` …)."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        widths = _widths(config)
        width = widths[-1]
        self.conv_in = nn.Conv2d(config.latent_channels, width, 3, padding=1)
        self.mid = _Middle(config, width)
        levels = []
        for level in reversed(range(len(widths))):
            up, width = _level(config, level, width, config.num_res_blocks + 1)
            if level:
                up.upsample = Upsample(width)
            levels.append(up)
        self.up = nn.ModuleList(reversed(levels))
        self.norm_out = nn.GroupNorm(32, width, eps=1e-6)
        self.conv_out = nn.Conv2d(width, config.in_channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """(B, latent channels, h, w) -> (B, channels, H, W)."""
        hidden = self.mid(self.conv_in(latents))
        for level in reversed(range(len(self.up))):
            up: Any = self.up[level]
            hidden = _through(up, hidden)
            if level:
                hidden = up.upsample(hidden)
        out: Tensor = self.conv_out(nn.functional.silu(self.norm_out(hidden)))
        return out


class Coding:
    """Pixels to codes and back, with the parts of a VQGAN.

    Pictures are (B, channels, H, W) in [-1, 1], H and W multiples of `factor`; codes (B, H / factor, W / factor).
    """

    config: Any
    encoder: nn.Module
    decoder: nn.Module
    quant_conv: nn.Module
    post_quant_conv: nn.Module
    quantize: Any

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


def use_norm(network: nn.Module, config: CodecConfig) -> None:
    """Give a network the norms that its configuration asks for. Raises ValueError for others than `NORMS`."""
    norm = getattr(config, "norm_type", "group")
    if norm not in NORMS:
        raise ValueError(f"norm_type is {norm!r}, not one of {NORMS}")
    if norm == "position":
        _use_position_norm(network)


def _use_position_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, PositionNorm(child.num_channels))
        else:
            _use_position_norm(child)


def _widths(config: CodecConfig) -> list[int]:
    return [config.base_channels * each for each in config.channel_multiplier]


def _level(config: CodecConfig, level: int, width: int, blocks: int) -> tuple[nn.Module, int]:
    """The blocks of one size, with attention where the configuration has it; and the channels that come out."""
    attends = config.attn_type == "vanilla" and config.resolution >> level in (config.attn_resolutions or ())
    made, wide = nn.Module(), _widths(config)[level]
    made.block = nn.ModuleList(Residual(width if not place else wide, wide, config.dropout) for place in range(blocks))
    made.attn = nn.ModuleList(Attention(wide) for _ in range(blocks if attends else 0))
    return made, wide


def _through(level: Any, hidden: Tensor) -> Tensor:
    """What the blocks of one size make of it."""
    for place, block in enumerate(level.block):
        hidden = block(hidden)
        if len(level.attn):
            hidden = level.attn[place](hidden)
    return hidden


class _Middle(nn.Module):
    """The blocks at the smallest size."""

    def __init__(self, config: CodecConfig, width: int) -> None:
        super().__init__()
        self.block_1 = Residual(width, width, config.dropout)
        self.attn_1 = Attention(width) if config.attn_type == "vanilla" else nn.Identity()
        self.block_2 = Residual(width, width, config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.block_2(self.attn_1(self.block_1(hidden)))
        return out


def _swish(hidden: Tensor) -> Tensor:
    return hidden * torch.sigmoid(hidden)
