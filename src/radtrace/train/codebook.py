"""The codebook in training: moving averages of the latents that each code stands for, and codes that died revived."""

import torch
from torch import Tensor, nn

from radtrace.models.vqgan import VQGAN

_FADED = 0.2
"""A code used less than this part of an even share is dead."""


class Codebook(nn.Module):
    """Moves the codes of a network; its buffers are what a resumed run needs.

    Source:  van den Oord et al., "Neural Discrete Representation Learning", 2017, App. A.1; dead codes start anew at
             latents of the batch, as in Dhariwal et al., "Jukebox", 2020, Sec. 3.
    """

    used: Tensor
    sums: Tensor

    def __init__(self, network: VQGAN, decay: float, seed: int) -> None:
        super().__init__()
        self.network, self.decay, self.seed = [network], decay, seed  # in a list: no submodule
        book = network.quantize.embedding.weight
        book.requires_grad_(False)
        self.register_buffer("used", torch.zeros(len(book)))
        self.register_buffer("sums", torch.zeros_like(book))

    @torch.no_grad()
    def update(self, latents: Tensor, codes: Tensor, step: int, revive: bool) -> int:
        """Move the codes towards the latents (N, D) that they were chosen for; returns how many were revived."""
        book = self.network[0].quantize.embedding.weight
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        if step == 0:
            self._start(latents, book, generator)
            return len(book)
        count = torch.bincount(codes, minlength=len(book)).float()
        decay = min(self.decay, (1 + step) / (10 + step))  # short at first: the encoder runs away from slow codes
        self.used.lerp_(count, 1 - decay)
        self.sums.lerp_(torch.zeros_like(book).index_add_(0, codes, latents), 1 - decay)
        alive = self.used > 1e-3
        book[alive] = self.sums[alive] / self.used[alive, None]
        dead = torch.nonzero(self.used < _FADED * self.used.sum() / len(book)).flatten() if revive else codes[:0]
        self._move(dead, latents, book, generator)
        return len(dead)

    def _start(self, latents: Tensor, book: Tensor, generator: torch.Generator) -> None:
        self._move(torch.arange(len(book)), latents, book, generator)

    def _move(self, which: Tensor, latents: Tensor, book: Tensor, generator: torch.Generator) -> None:
        """Put codes on latents drawn from the batch, with a fair share of use so that they have time to settle."""
        if not len(which):
            return
        drawn = torch.randint(len(latents), (len(which),), generator=generator)
        fair = len(latents) / len(book)
        book[which] = latents[drawn]
        self.used[which] = fair
        self.sums[which] = latents[drawn] * fair
