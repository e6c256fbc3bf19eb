import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ChameleonConfig, ChameleonVQVAEConfig

from radtrace.errors import InputError
from radtrace.images import Pixels
from radtrace.models.tokenizer import ImageTokenizer, load_tokenizer, save_tokenizer
from radtrace.models.vqgan import VQGAN


def pictures(count: int, rows: int = 16, columns: int = 16) -> list[Pixels]:
    return list(np.random.default_rng(0).random((count, rows, columns), np.float32))


def test_codes_are_one_a_cell_and_of_the_codebook(tokenizer: ImageTokenizer) -> None:
    codes = tokenizer.encode(pictures(3, 8, 16))
    assert codes.shape == (3, 2, 4)  # 2 pixels folded, 1 halving: a code stands for 4 x 4
    assert tokenizer.cell == 4
    assert tokenizer.grid == 4
    assert tokenizer.codebook == 16
    assert int(codes.min()) >= 0
    assert int(codes.max()) < 16


def test_codes_do_not_depend_on_the_batch(tokenizer: ImageTokenizer) -> None:
    many = pictures(20)  # more than one batch of 16
    alone = torch.cat([tokenizer.encode([each]) for each in many])
    assert (tokenizer.encode(many) == alone).float().mean() > 0.99  # ties of rounding aside


def test_the_codes_are_those_of_transformers(tokenizer: ImageTokenizer) -> None:
    folded = tokenizer.fold(torch.from_numpy(np.stack(pictures(2))))
    with torch.inference_mode():
        theirs = tokenizer.network.encode(folded).image_tokens
    assert torch.equal(tokenizer.encode(pictures(2)).flatten(), theirs)


def test_folding_and_unfolding_give_the_picture_back(tokenizer: ImageTokenizer, tiny_vq: dict[str, Any]) -> None:
    grey = torch.from_numpy(np.stack(pictures(2)))
    assert torch.allclose(tokenizer.unfold(tokenizer.fold(grey)), grey, atol=1e-6)
    colour = ImageTokenizer(VQGAN(ChameleonVQVAEConfig(**tiny_vq | {"in_channels": 3})).eval(), 8, 1, "")
    assert colour.fold(grey).shape == (2, 3, 16, 16)
    assert torch.allclose(colour.unfold(colour.fold(grey)), grey, atol=1e-6)


def test_a_picture_of_any_size_is_reconstructed(tokenizer: ImageTokenizer) -> None:
    again = tokenizer.reconstruct(pictures(1, 31, 7)[0])
    assert again.shape == (31, 7)
    assert again.dtype == np.float32
    assert again.min() >= 0
    assert again.max() <= 1


def test_saved_and_loaded_it_is_the_same(tokenizer: ImageTokenizer, tmp_path: Path) -> None:
    save_tokenizer(tokenizer, tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert (loaded.side, loaded.patch, loaded.grid) == (16, 2, 4)
    assert torch.equal(loaded.encode(pictures(4)), tokenizer.encode(pictures(4)))
    assert len(loaded.sha256) == 64


def test_it_is_found_in_the_shards_of_a_chameleon_checkpoint(
    tokenizer: ImageTokenizer, tiny_vq: dict[str, Any], tmp_path: Path
) -> None:
    config = ChameleonConfig(vq_config=tiny_vq, hidden_size=32, num_hidden_layers=1, num_attention_heads=2).to_dict()
    config["vq_config"]["patch_size"] = 2
    (tmp_path / "config.json").write_text(json.dumps(config))
    tensors = {f"model.vqmodel.{name}": tensor for name, tensor in tokenizer.network.state_dict().items()}
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in shards.items():
        save_file({name: tensors[name].contiguous() for name in held}, tmp_path / file)
    index = {"weight_map": {name: file for file, held in shards.items() for name in held}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert torch.equal(load_tokenizer(tmp_path).encode(pictures(4)), tokenizer.encode(pictures(4)))
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(InputError, match=r"b\.safetensors: missing"):
        load_tokenizer(tmp_path)


def test_what_is_no_tokenizer_is_refused(tokenizer: ImageTokenizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json"):
        load_tokenizer(tmp_path)
    save_tokenizer(tokenizer, tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    sound, about = weights.read_bytes(), json.loads(config.read_text())

    tensors = load_file(weights)
    save_file({name: tensor for name, tensor in tensors.items() if "decoder" not in name}, weights)
    with pytest.raises(InputError, match=r"lacks 'decoder\..* not a tokenizer with a decoder"):
        load_tokenizer(tmp_path)
    weights.write_bytes(sound[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_tokenizer(tmp_path)
    weights.write_bytes(sound)
    config.write_text(json.dumps(about | {"num_embeddings": 32}))
    with pytest.raises(InputError, match="do not fit"):
        load_tokenizer(tmp_path)
    config.write_text(json.dumps(about | {"model_type": "llama"}))
    with pytest.raises(InputError, match="'llama'"):
        load_tokenizer(tmp_path)
    weights.unlink()
    config.write_text(json.dumps(about))
    with pytest.raises(InputError, match="holds neither"):
        load_tokenizer(tmp_path)


def test_cellwise_codes_of_a_part_are_those_of_the_whole(tiny_vq: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = ChameleonVQVAEConfig(**tiny_vq | {"norm_type": "position", "cellwise": True})
    made = ImageTokenizer(VQGAN(config).eval(), side=16, patch=2, sha256="")
    save_tokenizer(made, tmp_path)
    loaded = load_tokenizer(tmp_path)
    whole = pictures(3)
    codes = loaded.encode(whole)
    part = loaded.encode([picture[4:12, 8:16] for picture in whole])
    assert torch.equal(part, codes[:, 1:3, 2:4])
    with torch.inference_mode():
        theirs = loaded.network.encode(loaded.fold(torch.from_numpy(np.stack(whole)))).image_tokens
    assert torch.equal(codes.flatten(), theirs)
    assert len(codes.unique()) > 3


def test_an_unknown_norm_is_refused(tokenizer: ImageTokenizer, tmp_path: Path) -> None:
    save_tokenizer(tokenizer, tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"norm_type": "batch"}))
    with pytest.raises(InputError, match="no tokenizer can be made of it"):
        load_tokenizer(tmp_path)
