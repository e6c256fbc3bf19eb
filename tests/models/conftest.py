from typing import Any

import pytest
import torch
from transformers import ChameleonVQVAEConfig

from radtrace.models.tokenizer import ImageTokenizer
from radtrace.models.vqgan import VQGAN

TINY: dict[str, Any] = {
    "embed_dim": 8,
    "num_embeddings": 16,
    "latent_channels": 32,
    "resolution": 8,
    "in_channels": 4,
    "base_channels": 32,
    "channel_multiplier": [1, 1],
    "num_res_blocks": 1,
    "attn_type": "none",
}


@pytest.fixture
def tiny_vq() -> dict[str, Any]:
    """Settings of the smallest VQGAN: GroupNorm takes channels in multiples of 32."""
    return dict(TINY)


@pytest.fixture
def tokenizer() -> ImageTokenizer:
    """16 x 16 pixels, folded by 2, 4 x 4 codes of 16; random weights that half precision holds exactly."""
    torch.manual_seed(0)
    network = VQGAN(ChameleonVQVAEConfig(**TINY)).eval()
    network.load_state_dict({name: tensor.half().float() for name, tensor in network.state_dict().items()})
    return ImageTokenizer(network, side=16, patch=2, sha256="")
