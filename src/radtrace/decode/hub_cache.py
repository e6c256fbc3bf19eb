"""The cache of transformers' models, with room for more: theirs copies all that came before with each token."""

from typing import Any

from torch import Tensor
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from radtrace.decode.cache import Layer


class _HubLayer(Layer, DynamicLayer):  # type: ignore[misc]
    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """See `Layer`."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        return super().update(key_states, value_states)


def hub_cache() -> Cache:
    """An empty one, for any number of layers."""
    return Cache(layer_class_to_replicate=_HubLayer)
