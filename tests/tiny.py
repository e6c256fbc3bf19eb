"""Models of random weights that are made in no time, and words for those without a tokenizer of their own."""

from typing import Any

import torch
from transformers import ChameleonConfig

from radtrace.decode.pieces import Alphabet, Pieces
from radtrace.models.unified import UnifiedModel
from radtrace.models.vocabulary import BEGIN_IMAGE, END_IMAGE, ImageVocabulary, code_name

WORDS = [
    '<step region="', '">', "<findings>", "</findings>", "\n<box>", "<box>", "</box>", "</step>", "</step>\n",
    "\n", "<report>", "</report>", "<answer>", "</answer>", "FINDINGS: ", " IMPRESSION: ", "IMPRESSION: ", ", ", "; ",
    "lung", "right lung", "left lung", "mediastinal", "cardiac silhouette", "spine", "cardiomegaly",
    "pleural effusion", " present", " absent", " mild", " left", "none", "The heart", " is", " enlarged", " normal",
    ".", " ", "<", "x", "_",
    *"0123456789,abcdefghijklmnopqrstuvwyzFINDGSMPREO:;-/=>()'\"",
]  # fmt: skip
CODES, FIRST = 16, 30
"""Codes of a picture, whose tokens are 2-17; id of the first word."""
TEXTS = {FIRST + number: text for number, text in enumerate(WORDS)}
IDS = {text: token for token, text in TEXTS.items()}
IMAGES = ImageVocabulary(
    {code_name(code): 2 + code for code in range(CODES)} | {BEGIN_IMAGE: 18, END_IMAGE: 19}, CODES, FIRST + len(WORDS)
)


def encode(text: str) -> list[int]:
    """Longest words first, as a tokenizer that knows the marks does."""
    tokens = []
    while text:
        word = max((word for word in WORDS if text.startswith(word)), key=len)
        tokens.append(IDS[word])
        text = text.removeprefix(word)
    return tokens


ALPHABET = Alphabet(Pieces(TEXTS), encode, IMAGES)


def vq(**changes: Any) -> dict[str, Any]:
    """Settings of the smallest VQGAN, one pixel a code: GroupNorm takes channels in multiples of 32."""
    return {
        "embed_dim": 8, "num_embeddings": CODES, "latent_channels": 32, "resolution": 8, "in_channels": 1,
        "base_channels": 32, "channel_multiplier": [1], "num_res_blocks": 1, "attn_type": "none",
    } | changes  # fmt: skip


def config(vocab_size: int, **changes: Any) -> ChameleonConfig:
    """Two layers of 32."""
    settings = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "pad_token_id": 1, "vq_config": vq(), "vocabulary_map": {"<image>": 20},
    }  # fmt: skip
    return ChameleonConfig(vocab_size=vocab_size, **settings | changes)


def model(vocab_size: int = FIRST + len(WORDS), seed: int = 0, **changes: Any) -> UnifiedModel:
    """The model of `config`, by default one that writes `WORDS`."""
    torch.manual_seed(seed)
    return UnifiedModel(config(vocab_size, **{"initializer_range": 0.2} | changes)).eval()
