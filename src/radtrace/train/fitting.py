"""The steps of a tokenizer's training, and the checkpoint that they go on from."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from radtrace.errors import InputError
from radtrace.images import Pixels
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.runs import write_atomically
from radtrace.train.codebook import Codebook
from radtrace.train.losses import ReconstructionLoss

if TYPE_CHECKING:
    from radtrace.train.tokenizer import TokenizerRecipe

_MOMENTS = (0.9, 0.99)
_STEEPEST = 1.0


class Fitting:
    """Network, codebook and optimiser after `step` steps."""

    def __init__(self, recipe: "TokenizerRecipe", path: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.path, self.step = recipe, path, 0
        made = recipe.network.made()
        self.network = made.network.train().to(memory_format=torch.channels_last)
        self.codebook = Codebook(self.network, recipe.decay, recipe.seed)
        learnt = [each for each in self.network.parameters() if each.requires_grad]
        self.optimiser = torch.optim.AdamW(learnt, recipe.rate, _MOMENTS, weight_decay=0.01)
        self.loss = ReconstructionLoss(recipe.loss)
        self.window = torch.zeros(3)  # sum of losses, steps, codes revived since the last row
        self.seen = torch.zeros(recipe.network.codes)
        if path.exists():
            self._resume()

    def take(self, pictures: Sequence[Pixels]) -> None:
        """One step on pictures of one size."""
        tokenizer = self._tokenizer()
        truth = torch.from_numpy(np.stack(pictures))
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        latents = self.network.latents(tokenizer.fold(truth).contiguous(memory_format=torch.channels_last))
        flat = latents.detach().permute(0, 2, 3, 1).flatten(0, 2)
        if self.step == 0:
            self.codebook.update(flat, torch.zeros(len(flat), dtype=torch.long), 0, revive=True)
        codes = self.network.nearest(latents.detach())
        chosen = self.network.quantize.embedding(codes).permute(0, 3, 1, 2)
        made = tokenizer.unfold(self.network.pixels_of(latents + (chosen - latents).detach()), clip=False)
        loss = self.loss(made, truth) + self.recipe.loss.commitment * functional.mse_loss(latents, chosen)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _STEEPEST)
        self.optimiser.step()
        self.step += 1
        revive = self.step < self.recipe.revive * self.recipe.steps
        revived = self.codebook.update(flat, codes.flatten(), self.step, revive)
        self.window += torch.tensor([float(loss.detach()), 1.0, float(revived)])
        self.seen += torch.bincount(codes.flatten(), minlength=len(self.seen))

    def row(self) -> dict[str, Any]:
        """What happened since the last row: mean loss, codes used and their perplexity, codes revived."""
        total, steps, revived = self.window.tolist()
        figures = {
            "step": self.step,
            "loss": total / steps,
            "rate": self._rate(),
            "used": int((self.seen > 0).sum()),
            "perplexity": perplexity(self.seen),
            "revived": int(revived),
        }
        self.window.zero_()
        self.seen.zero_()
        return figures

    def tokenizer(self) -> ImageTokenizer:
        """A copy as it is now, for use."""
        tokenizer = self.recipe.network.made()
        tokenizer.network.load_state_dict(self.network.state_dict())
        tokenizer.network.eval()
        return tokenizer

    def checkpoint(self) -> None:
        """Write everything that a resumed run needs, whole or not at all; call it right after `row`.

        What a step draws depends on the seed and its number alone, so that no state of a random generator is kept.
        """
        buffer = io.BytesIO()
        torch.save({"step": self.step} | {name: part.state_dict() for name, part in self._parts().items()}, buffer)
        write_atomically(self.path, buffer.getvalue())

    def _resume(self) -> None:
        try:
            state = torch.load(self.path, weights_only=True)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
            self.step = state["step"]
        except Exception as error:  # torch's own errors for a damaged file are of many kinds
            raise InputError(f"{self.path}: damaged; delete the run's folder or choose another output") from error

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "codebook": self.codebook, "optimiser": self.optimiser}

    def _tokenizer(self) -> ImageTokenizer:
        return ImageTokenizer(self.network, self.recipe.network.side, self.recipe.network.patch, "")

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / max(1, self.recipe.warmup))
        return self.recipe.rate * warm * 0.5 * (1 + math.cos(math.pi * self.step / self.recipe.steps))


def perplexity(counts: Tensor) -> float:
    """Exp of the entropy of how often each code is used: how many equally likely codes there seem to be."""
    shares = counts[counts > 0] / counts.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))
