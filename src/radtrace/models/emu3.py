"""Emu3 as a unified model: transformers' class as it is, told how its pictures are written and coded."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from transformers import Emu3ForConditionalGeneration, Emu3VQVAE

from radtrace.models.vocabulary import RowedVocabulary

if TYPE_CHECKING:
    from radtrace.images import Pixels

_BATCH = 4


class Emu3Unified(Emu3ForConditionalGeneration):  # type: ignore[misc]
    """Text and image tokens in, logits over both out, as `radtrace.models.unified.UnifiedModel`."""

    has_pixels = True
    _keep_in_fp32_modules_strict = ("vqmodel",)

    @cached_property
    def images(self) -> RowedVocabulary:
        """The tokens of pictures."""
        config = self.config
        return RowedVocabulary(config.vocabulary_map, config.vq_config.codebook_size, config.text_config.vocab_size)


@dataclass(frozen=True, slots=True)
class Emu3Pictures:
    """Grey pictures <-> grids of codes, by Emu3's video tokenizer, for which a picture is a film of one frame.

    mean, std: of red, green and blue, which the network takes normalised.
    """

    network: Emu3VQVAE
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def cell(self) -> int:
        """Pixels that a code stands for, a side."""
        return int(self.network.spatial_scale_factor)

    @property
    def codebook(self) -> int:
        """How many codes there are."""
        return int(self.network.config.codebook_size)

    def encode(self, pictures: "Sequence[Pixels]") -> Tensor:
        """Codes int64 (N, rows, columns) of one or more pictures of one size, whose sides are multiples of `cell`."""
        grey = torch.from_numpy(np.stack(pictures))[:, None]
        mean, std = self._tone(grey)
        return self.codes((grey.expand(-1, len(self.mean), -1, -1) - mean) / std)

    def codes(self, values: Tensor) -> Tensor:
        """Codes (N, rows, columns) of what the network takes in: (N, channels, H, W)."""
        sizes = torch.tensor([values.shape[-2:]] * _BATCH)
        found = []
        with torch.inference_mode():
            for start in range(0, len(values), _BATCH):
                part = values[start : start + _BATCH].to(self.network.device)
                found.append(torch.stack(self.network.encode(part, sizes[: len(part)]).image_tokens).cpu())
        return torch.cat(found)

    def decode(self, codes: Tensor) -> "list[Pixels]":
        """The pictures of codes (N, rows, columns), clipped to [0, 1]."""
        found: list[Pixels] = []
        with torch.inference_mode():
            for start in range(0, len(codes), _BATCH):
                colours = self.network.decode(codes[start : start + _BATCH].to(self.network.device)).float().cpu()
                mean, std = self._tone(colours)
                found += [grey.numpy() for grey in (colours * std + mean).mean(1).clamp(0, 1)]
        return found

    def _tone(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (torch.tensor(each, dtype=like.dtype).view(1, -1, 1, 1) for each in (self.mean, self.std))
        return mean, std
