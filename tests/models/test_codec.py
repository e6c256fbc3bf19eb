"""The tokenizer's encoder is Chameleon's, whatever it is made of."""

from typing import Any

import pytest
import torch
from transformers import ChameleonVQVAE, ChameleonVQVAEConfig

from radtrace.models.vqgan import VQGAN

SHAPE: dict[str, Any] = {
    "embed_dim": 8,
    "num_embeddings": 16,
    "latent_channels": 32,
    "resolution": 16,
    "base_channels": 32,
    "channel_multiplier": [1, 2],
    "num_res_blocks": 2,
}


@pytest.mark.parametrize(
    "settings", [{}, {"attn_type": "none"}, {"attn_resolutions": [16, 8]}, {"double_latent": True, "attn_type": "none"}]
)
def test_it_encodes_as_transformers_does(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    config = ChameleonVQVAEConfig(**SHAPE | settings)
    theirs, ours = ChameleonVQVAE(config).eval(), VQGAN(config).eval()
    weights = theirs.encoder.state_dict()
    assert set(weights) == set(ours.encoder.state_dict())
    ours.encoder.load_state_dict(weights)
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(ours.encoder(pictures), theirs.encoder(pictures))
