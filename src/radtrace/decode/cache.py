"""Keys and values of what was read, with room for more."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from radtrace.decode.guidance import Guided
from radtrace.models.small import SmallModel

if TYPE_CHECKING:
    from transformers import Cache

_ROOM = 128
"""Tokens for which a full layer makes room at least."""


class Layer:
    """Keys and values of one layer, (B, heads, T, width) each: only what is new is copied.

    The methods are those of transformers' layers.
    """

    keys: Tensor | None = None
    values: Tensor | None = None
    room: tuple[Tensor, Tensor] | None = None

    def get_seq_length(self) -> int:
        """Tokens that were read."""
        return 0 if self.keys is None or not self.keys.numel() else self.keys.shape[-2]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """All keys and values with these at the end."""
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self.room is None or self.room[0].shape[-2] < end:
            room = max(end + _ROOM, 3 * end // 2)
            self.room = _moved(self.keys, key_states, start, room), _moved(self.values, value_states, start, room)
        keys, values = self.room
        keys[..., start:end, :], values[..., start:end, :] = key_states, value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def crop(self, tokens: int) -> None:
        """Forget the last ones; tokens: how many, negative."""
        if tokens and self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[..., :tokens, :], self.values[..., :tokens, :]

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row so many times, beside each other."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = (each.repeat_interleave(repeats, 0) for each in (self.keys, self.values))
            self.room = None

    def batch_select_indices(self, indices: Tensor) -> None:
        """These rows only."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[indices], self.values[indices]
            self.room = None


class Layers:
    """Any number of layers, with the methods of transformers' `Cache` that decoding needs."""

    def __init__(self) -> None:
        self._layers: defaultdict[int, Layer] = defaultdict(Layer)

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int) -> tuple[Tensor, Tensor]:
        """See `Layer`."""
        return self._layers[layer_idx].update(key_states, value_states)

    def crop(self, tokens: int) -> None:
        """See `Layer`."""
        for layer in self._layers.values():
            layer.crop(tokens)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """See `Layer`."""
        for layer in self._layers.values():
            layer.batch_repeat_interleave(repeats)

    def batch_select_indices(self, indices: Tensor) -> None:
        """See `Layer`."""
        for layer in self._layers.values():
            layer.batch_select_indices(indices)


Roomy: TypeAlias = "Layers | Cache"


def roomy_cache(model: Any) -> Roomy:
    """An empty cache as a model takes it."""
    if isinstance(model.model if isinstance(model, Guided) else model, SmallModel):
        return Layers()
    from radtrace.decode.hub_cache import hub_cache

    return hub_cache()


def keep_rows(cache: Roomy, rows: list[int]) -> None:
    """Forget the other rows."""
    cache.batch_select_indices(torch.tensor(rows))


def _moved(old: Tensor | None, new: Tensor, length: int, room: int) -> Tensor:
    moved = new.new_empty(*new.shape[:2], room, new.shape[-1])
    if old is not None and length:
        moved[..., :length, :] = old
    return moved
