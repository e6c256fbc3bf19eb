"""A small reader's model in torch alone: what `radtrace.models.unified` computes, by the same operations.

Importing transformers takes longer than reading a film. So where a checkpoint is of the plain kind that is made here,
its weights are read into this network; every other one, and one that is damaged, is left to `load_unified`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from radtrace.models.beside import Beside
from radtrace.models.codec import Coding, Decoder, Encoder, use_norm

_PLAIN: Mapping[str, Any] = {
    "model_type": "chameleon",
    "hidden_act": "silu",
    "swin_norm": False,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
}
"""Settings that this network does not know otherwise, which a checkpoint must say."""
_NORM = 1e-5
"""Epsilon of the norms of queries and keys, whatever the configuration says of the others."""


class Logits(NamedTuple):
    """What a forward pass tells: logits (B, T, V), and the cache that was given."""

    logits: Tensor
    past_key_values: Any = None


class Memory(Protocol):
    """Keys and values of what was read, as transformers' `Cache`."""

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer, (B, heads, T, width) each, with these at the end."""


class _RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        return self.weight * (hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.eps))


class _HeadNorm(nn.Module):
    """Normalises each head by itself, with weights of its own."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(heads, width))
        self.bias = nn.Parameter(torch.zeros(heads, width))

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.layer_norm(hidden, hidden.shape[-1:], eps=_NORM) * self.weight + self.bias


class _Attention(nn.Module):
    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.q_norm, self.k_norm = (_HeadNorm(self.heads, width // self.heads) for _ in range(2))

    def forward(
        self, hidden: Tensor, mask: Tensor | None, turn: tuple[Tensor, Tensor], seen: Memory, at: int
    ) -> Tensor:
        query, key, value = (
            each(hidden).unflatten(-1, (self.heads, -1)) for each in (self.q_proj, self.k_proj, self.v_proj)
        )
        query, key = (_turned(each.transpose(1, 2), *turn) for each in (self.q_norm(query), self.k_norm(key)))
        keys, values = seen.update(key, value.transpose(1, 2), at)
        out = nn.functional.scaled_dot_product_attention(
            query, keys, values, mask, is_causal=mask is None and hidden.shape[1] > 1
        )
        attended: Tensor = self.o_proj(out.transpose(1, 2).flatten(2))
        return attended


class _MLP(nn.Module):
    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.gate_proj, self.up_proj = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.down_proj(nn.functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return out


class _Layer(nn.Module):
    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.self_attn, self.mlp = _Attention(config), _MLP(config)
        self.input_layernorm, self.post_attention_layernorm = (
            _RMSNorm(config.hidden_size, config.rms_norm_eps) for _ in range(2)
        )

    def forward(
        self, hidden: Tensor, mask: Tensor | None, turn: tuple[Tensor, Tensor], seen: Memory, at: int
    ) -> Tensor:
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), mask, turn, seen, at)
        out: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return out


class _Codec(Coding, nn.Module):
    """The image tokenizer."""

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.quantize = nn.Module()
        self.quantize.embedding = nn.Embedding(config.num_embeddings, config.embed_dim)
        self.quant_conv: nn.Conv2d = nn.Conv2d(config.latent_channels, config.embed_dim, 1)
        self.post_quant_conv = nn.Conv2d(config.embed_dim, config.latent_channels, 1)
        use_norm(self, config)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.quant_conv.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """How precisely it computes."""
        return self.quant_conv.weight.dtype


class SmallModel(Beside, nn.Module):
    """Text and image tokens in, logits over both out; for reading only.

    config: what config.json says. The names of the tensors are `UnifiedModel`'s.
    """

    has_pixels = True

    def __init__(self, config: SimpleNamespace) -> None:
        super().__init__()
        self.config = config
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.model.layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.model.norm = _RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.model.vqmodel = _Codec(config.vq_config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.look_beside()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor,
        past_key_values: Memory,
        facts: Tensor | None = None,
        cells: Tensor | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> Logits:
        """See `UnifiedModel.forward`; attention_mask: (B, past + T), 1 where a token stands."""
        hidden = self.embedded(input_ids, facts, cells)
        mask = causal_mask(attention_mask, input_ids.shape[1])
        turn = self._turn(position_ids)
        for at, layer in enumerate(self.model.layers):
            hidden = layer(hidden, mask, turn, past_key_values, at)
        hidden = self.model.norm(hidden)[:, -logits_to_keep:]
        logits = self.lm_head(hidden)
        return Logits(
            logits if cells is None else self.copying(logits, hidden, cells[:, -logits_to_keep:]), past_key_values
        )

    def _turn(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, 1, T, width of a head) of positions (B, T)."""
        width = self.config.hidden_size // self.config.num_attention_heads
        steps = torch.arange(0, width, 2, dtype=torch.float, device=positions.device) / width
        angles = positions[..., None].float() * (1.0 / self.config.rope_parameters["rope_theta"] ** steps)
        angles = torch.cat((angles, angles), -1)[:, None]
        return angles.cos(), angles.sin()


def causal_mask(mask: Tensor, width: int) -> Tensor | None:
    """Which tokens the newest `width` see: bool (B, 1, width, T) of (B, T); None where it needs no saying."""
    length = mask.shape[1]
    if width in (1, length) and bool(mask.all()):
        return None
    newest = torch.arange(length - width, length, device=mask.device)
    before = torch.arange(length, device=mask.device) <= newest[:, None]
    return (before & mask.bool()[:, None, :])[:, None]


def load_small(path: Path) -> SmallModel | None:
    """The model of a directory, ready for use; None where it is not of this kind or anything is amiss with it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        about = json.loads((path / "config.json").read_bytes())
        if not _is_plain(about):
            return None
        tensors = load_file(path / "model.safetensors")
        model = SmallModel(SimpleNamespace(**about | {"vq_config": SimpleNamespace(**about["vq_config"])}))
        model.load_state_dict(tensors)
        model.images  # noqa: B018  # made now, so that a wrong vocabulary is told
    except (OSError, MemoryError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, SafetensorError):
        return None
    return model.eval()


def _is_plain(about: Any) -> bool:
    """Whether the network above is the one that config.json describes."""
    return (
        isinstance(about, dict)
        and all(about.get(name) == value for name, value in _PLAIN.items())
        and about["num_key_value_heads"] == about["num_attention_heads"]
        and about["rope_parameters"]["rope_type"] == "default"
    )


def _turned(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Queries or keys (B, heads, T, width) turned by their positions. Source: Su et al., "RoFormer", 2021."""
    first, second = states.chunk(2, -1)
    return states * cos + torch.cat((-second, first), -1) * sin
