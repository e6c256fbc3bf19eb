"""A moving average of the weights, which is what a small model is judged by and kept as."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

_FILE = "average.pt"


class Average:
    """Exponential, over fewer steps at first, so that the start is soon forgotten.

    length: steps that it is about as long as; nought for none.
    """

    def __init__(self, model: nn.Module, length: int) -> None:
        self.length, self.count = length, 0
        self.learnt: list[Tensor] = [each for each in model.parameters() if each.requires_grad] if length else []
        self.values = [each.detach().clone() for each in self.learnt]

    def update(self) -> None:
        """Call it after a step."""
        if self.values:
            share = max(1 / self.length, 9 / (10 + self.count))
            torch._foreach_lerp_(self.values, [each.detach() for each in self.learnt], share)
            self.count += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within, the model has the average for its weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def save(self, folder: Path) -> None:
        """Into a checkpoint."""
        if self.values:
            torch.save({"count": self.count, "values": self.values}, folder / _FILE)

    def load(self, folder: Path) -> None:
        """From a checkpoint."""
        if self.values:
            state = torch.load(folder / _FILE, weights_only=True)
            self.count = state["count"]
            for value, kept in zip(self.values, state["values"], strict=True):
                value.copy_(kept)

    def _swap(self) -> None:
        with torch.no_grad():
            for now, value in zip(self.learnt, self.values, strict=True):
                kept = now.detach().clone()
                now.copy_(value)
                value.copy_(kept)
