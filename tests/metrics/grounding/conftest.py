"""A tiny checkpoint in BiomedCLIP's published layout, and the networks of transformers that it was made from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "lungs", "are", "clear", "heart", "large", "."]
PREPARED = {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}


@dataclass(frozen=True)
class Tiny:
    folder: Path
    vit: Any
    bert: Any
    states: dict[str, Any]


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, ViTConfig, ViTModel

    torch.manual_seed(0)
    size = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    vit = ViTModel(ViTConfig(**size, image_size=32, patch_size=8, layer_norm_eps=1e-6), add_pooling_layer=False).eval()
    bert = BertModel(BertConfig(**size, vocab_size=len(WORDS), max_position_embeddings=16), False).eval()
    for network in (vit, bert):  # far from the zeros and small numbers that a network begins with
        for weights in network.parameters():
            torch.nn.init.normal_(weights, std=0.2)
    states = {f"text.transformer.{name}": tensor for name, tensor in bert.state_dict().items()} | as_timm(vit)
    states["visual.head.proj.weight"] = torch.randn(24, 128)
    states |= {"text.proj.0.weight": torch.randn(76, 128), "text.proj.2.weight": torch.randn(24, 76)}
    folder = tmp_path_factory.mktemp("clip")
    torch.save(states, folder / "open_clip_pytorch_model.bin")
    vision = {"timm_model_name": "vit_tiny", "timm_pool": "", "timm_proj": "linear", "image_size": 32}
    text = {"hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 8}
    model = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": PREPARED}))
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return Tiny(folder, vit, bert, states)


def as_timm(vit: Any) -> dict[str, Any]:
    """The weights of transformers' ViT by timm's names."""
    import torch

    own = vit.state_dict()
    renamed = {
        "cls_token": own["embeddings.cls_token"],
        "pos_embed": own["embeddings.position_embeddings"],
        "patch_embed.proj.weight": own["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": own["embeddings.patch_embeddings.projection.bias"],
    }
    for end in ("weight", "bias"):
        renamed[f"norm.{end}"] = own[f"layernorm.{end}"]
        for at in range(2):
            layer, block = f"layers.{at}", f"blocks.{at}"
            mixed = [own[f"{layer}.attention.{part}_proj.{end}"] for part in "qkv"]
            renamed[f"{block}.attn.qkv.{end}"] = torch.cat(mixed)
            renamed[f"{block}.attn.proj.{end}"] = own[f"{layer}.attention.o_proj.{end}"]
            renamed[f"{block}.norm1.{end}"] = own[f"{layer}.layernorm_before.{end}"]
            renamed[f"{block}.norm2.{end}"] = own[f"{layer}.layernorm_after.{end}"]
            renamed[f"{block}.mlp.fc1.{end}"] = own[f"{layer}.mlp.fc1.{end}"]
            renamed[f"{block}.mlp.fc2.{end}"] = own[f"{layer}.mlp.fc2.{end}"]
    return {f"visual.trunk.{name}": tensor for name, tensor in renamed.items()}
