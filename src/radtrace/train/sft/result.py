"""What a run leaves: a model in the layout that the reader and `load_unified` take."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from radtrace.models.unified import UnifiedModel
from radtrace.runs import write_atomically

TOKENIZER = "tokenizer.json"
_IMAGES = "model.vqmodel."


def save_result(model: UnifiedModel, state: Mapping[str, Tensor], words: str, path: Path) -> None:
    """Write config.json, model.safetensors and tokenizer.json, each whole or not at all.

    Weights are in half precision, but for those of an image tokenizer that would give other codes in it.

    Args:    state: the model's tensors; words: the text tokenizer as JSON.
    """
    from safetensors.torch import save

    path.mkdir(parents=True, exist_ok=True)
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    tensors = {name: _stored(name, tensor.detach().cpu()) for name, tensor in state.items() if name not in tied}
    write_atomically(path / TOKENIZER, words)
    write_atomically(path / "config.json", model.config.to_json_string())
    write_atomically(path / "model.safetensors", save(tensors, {"format": "pt"}))


def _stored(name: str, tensor: Tensor) -> Tensor:
    half = tensor.half()
    exact = not name.startswith(_IMAGES) or torch.equal(half.float(), tensor.float())
    return (half if exact else tensor).contiguous()
