"""Classifier-free guidance: the same tokens read with and without the films, and the difference made larger."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from radtrace.models.small import Logits


@dataclass(frozen=True, slots=True)
class Guided:
    """A model whose logits are without + scale * (with - without).

    scale: 1 is no guidance. hidden: bool (B, T), the places of each prompt that the second reading does not see;
    the traces of one prompt stand beside each other in a batch.

    Source:  Ho and Salimans, "Classifier-Free Diffusion Guidance", 2022, on logits.
    """

    model: Any
    scale: float
    hidden: Tensor

    def __post_init__(self) -> None:
        if not self.hidden.any():
            raise ValueError("guidance hides nothing of the prompt: it would change nothing")

    @property
    def cells(self) -> Any:
        """The model's own, for who asks whether it has them."""
        return getattr(self.model, "cells", None)

    def __call__(self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor, **rest: Any) -> Logits:
        """Logits of the batch; the cache holds both readings."""
        hidden = self.hidden.repeat_interleave(len(input_ids) // len(self.hidden), 0)
        blind = attention_mask.clone()
        blind[:, : hidden.shape[1]].masked_fill_(hidden, 0)
        out = self.model(
            input_ids=input_ids.repeat(2, 1),
            attention_mask=torch.cat([attention_mask, blind]),
            position_ids=position_ids.repeat(2, 1),
            **{
                name: value.repeat(2, *[1] * (value.dim() - 1)) if isinstance(value, Tensor) else value
                for name, value in rest.items()
            },
        )
        seen, unseen = out.logits.chunk(2)
        return Logits(unseen + self.scale * (seen - unseen), out.past_key_values)
