"""Encoders that put texts and pictures into one space: BiomedCLIP in its published layout, or one of the user's own.

open_clip, which BiomedCLIP is published for, imports torchvision; so its few layers are written out here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from radtrace.config import resolve
from radtrace.errors import InputError, MissingExtraError
from radtrace.images import Pixels
from radtrace.metrics.scores import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, TOKENIZER = "open_clip_config.json", "tokenizer.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
HOW = (
    "the folder of hub id microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 (MIT) with "
    f"{CONFIG}, {TOKENIZER} and {WEIGHTS[1]}"
)
_AT_ONCE = 32
_HEAD = 64
"""Channels of an attention head, of ViT and of BERT."""


class Encoder(Protocol):
    """Rows of unit length, one a text or a picture, in one space."""

    @property
    def signed(self) -> str:
        """Name and digest of its weights, for signatures."""

    def texts(self, texts: Sequence[str]) -> FloatArray:
        """float64 (N, D)."""

    def pictures(self, pictures: Sequence[Pixels]) -> FloatArray:
        """float64 (N, D) of grey pictures (H, W) in [0, 1]."""


def load_encoder(given: str) -> Encoder:
    """The encoder of a folder in open_clip's layout, or what the user's own "module:attr" makes.

    Raises:  InputError where it is neither, or cannot be read.
    """
    if ":" in given and not Path(given).exists():
        made: Encoder = resolve({}, given, "encoder")()
        return made
    folder = Path(given).expanduser()
    missing = [name for name in (CONFIG, TOKENIZER) if not (folder / name).is_file()]
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if missing or weights is None:
        raise InputError(f"sem: {given}: no {', '.join(missing) or ' or '.join(WEIGHTS)}: wanted: {HOW}")
    try:
        return BiomedClip(folder, weights)
    except ModuleNotFoundError as error:
        raise MissingExtraError("clip", "sem") from error
    except Exception as error:  # whatever the parsers of its files meet in a damaged folder
        raise InputError(f"sem: {given}: cannot be read as BiomedCLIP ({type(error).__name__})") from error


class BiomedClip:
    """timm's ViT beside BERT, each with its projection, as open_clip computes them.

    Source:  Zhang et al., "BiomedCLIP", 2023; open_clip 3.3.0, `TimmModel` and `HFTextEncoder`.
    """

    def __init__(self, folder: Path, weights: Path) -> None:
        from tokenizers import Tokenizer
        from transformers import BertConfig, BertModel

        whole = json.loads((folder / CONFIG).read_text("utf-8"))
        vision, text = whole["model_cfg"]["vision_cfg"], whole["model_cfg"]["text_cfg"]
        if text.get("hf_pooler_type") != "cls_last_hidden_state_pooler" or vision.get("timm_proj") != "linear":
            raise ValueError("another pooling or projection than BiomedCLIP's")
        prepared = whole["preprocess_cfg"]
        self._mean, self._std = (np.array(prepared[key], np.float32).reshape(3, 1, 1) for key in ("mean", "std"))
        self._side: int = vision.get("image_size", 224)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.enable_truncation(text.get("context_length", 256))
        self._tokenizer.enable_padding(pad_id=self._tokenizer.token_to_id("[PAD]"))
        self._states = _read(weights)
        self.signed = f"biomedclip-{hashlib.sha256(weights.read_bytes()).hexdigest()[:12]}"
        bert = {
            name.removeprefix("text.transformer."): tensor
            for name, tensor in self._states.items()
            if name.startswith("text.transformer.") and not name.endswith("position_ids")
        }
        self._bert = BertModel(BertConfig(**_bert_shape(bert)), add_pooling_layer=False).eval()
        self._bert.load_state_dict(bert)

    def texts(self, texts: Sequence[str]) -> FloatArray:
        """The first token's last state, projected."""
        import torch

        rows = []
        for start in range(0, len(texts), _AT_ONCE):
            read = self._tokenizer.encode_batch(list(texts[start : start + _AT_ONCE]))
            ids = torch.tensor([each.ids for each in read])
            mask = torch.tensor([each.attention_mask for each in read])
            with torch.inference_mode():
                states = self._bert(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
                states = torch.nn.functional.gelu(states @ self._states["text.proj.0.weight"].T)
                rows.append(_unit(states @ self._states["text.proj.2.weight"].T))
        return np.concatenate(rows) if rows else np.zeros((0, 0))

    def pictures(self, pictures: Sequence[Pixels]) -> FloatArray:
        """The class token of the ViT, projected; what the middle square leaves out is not seen, as in open_clip."""
        import torch

        rows = []
        for start in range(0, len(pictures), _AT_ONCE):
            batch = np.stack([self._prepared(each) for each in pictures[start : start + _AT_ONCE]])
            with torch.inference_mode():
                seen = vit(torch.from_numpy(batch), self._states)
                rows.append(_unit(seen @ self._states["visual.head.proj.weight"].T))
        return np.concatenate(rows) if rows else np.zeros((0, 0))

    def _prepared(self, picture: Pixels) -> Any:
        """float32 (3, side, side): the shorter edge resized to the side (bicubic, 8 bits), the middle square."""
        image = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
        scale = self._side / min(image.size)
        width, height = (max(self._side, int(edge * scale)) for edge in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = round((width - self._side) / 2), round((height - self._side) / 2)
        square = np.asarray(image.crop((left, top, left + self._side, top + self._side)), np.float32) / 255
        return (np.repeat(square[None], 3, axis=0) - self._mean) / self._std


def vit(images: "Tensor", states: Mapping[str, "Tensor"]) -> "Tensor":
    """The class token (N, D) of timm's `VisionTransformer` on images (N, 3, side, side); states: "visual.trunk.…"."""
    import torch
    from torch.nn import functional

    def of(name: str) -> "Tensor":
        return states[f"visual.trunk.{name}"]

    def normed(tokens: "Tensor", name: str) -> "Tensor":
        return functional.layer_norm(tokens, tokens.shape[-1:], of(f"{name}.weight"), of(f"{name}.bias"), 1e-6)

    def linear(tokens: "Tensor", name: str) -> "Tensor":
        return functional.linear(tokens, of(f"{name}.weight"), of(f"{name}.bias"))

    kernel, bias = of("patch_embed.proj.weight"), of("patch_embed.proj.bias")
    tokens = functional.conv2d(images, kernel, bias, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
    count, _, width = tokens.shape
    tokens = torch.cat([of("cls_token").expand(count, -1, -1), tokens], dim=1) + of("pos_embed")
    for block in (f"blocks.{number}" for number in range(_layers(states, "visual.trunk.blocks."))):
        mixed = linear(normed(tokens, f"{block}.norm1"), f"{block}.attn.qkv")
        query, key, value = mixed.reshape(count, -1, 3, width // _HEAD, _HEAD).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)  # (N, heads, tokens, 64)
        tokens = tokens + linear(seen.transpose(1, 2).reshape(count, -1, width), f"{block}.attn.proj")
        hidden = functional.gelu(linear(normed(tokens, f"{block}.norm2"), f"{block}.mlp.fc1"))
        tokens = tokens + linear(hidden, f"{block}.mlp.fc2")
    return normed(tokens, "norm")[:, 0]


def _read(path: Path) -> dict[str, "Tensor"]:
    """The tensors of a checkpoint in single precision, never read as code."""
    import torch
    from safetensors.torch import load_file

    found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}


def _bert_shape(states: Mapping[str, "Tensor"]) -> dict[str, int]:
    words, width = states["embeddings.word_embeddings.weight"].shape
    return {
        "vocab_size": words,
        "hidden_size": width,
        "num_hidden_layers": _layers(states, "encoder.layer."),
        "num_attention_heads": width // _HEAD,
        "intermediate_size": len(states["encoder.layer.0.intermediate.dense.weight"]),
        "max_position_embeddings": len(states["embeddings.position_embeddings.weight"]),
        "type_vocab_size": len(states["embeddings.token_type_embeddings.weight"]),
    }


def _layers(states: Mapping[str, "Tensor"], prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in states if name.startswith(prefix)})


def _unit(rows: "Tensor") -> FloatArray:
    values: FloatArray = rows.double().numpy()
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise InputError("sem: the checkpoint gives no finite embeddings")
    unit: FloatArray = values / lengths
    return unit
