import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests import tiny
from transformers import ChameleonConfig, ChameleonForConditionalGeneration

from radtrace.errors import InputError
from radtrace.models.load import load_unified
from radtrace.models.unified import UnifiedModel
from radtrace.models.vocabulary import code_name

FIRST, CODES = 4, 16
VOCABULARY = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
# in an order of their own, as in Chameleon's vocabulary, where ids and codes differ
VOCABULARY |= {code_name(code): FIRST + (code * 5) % CODES for code in range(CODES)}
VOCABULARY |= {"<eoss>": 20, "<racm3:break>": 21, "<image>": 22, "heart": 23, "lung": 24}


def config(vq: dict[str, Any]) -> ChameleonConfig:
    return tiny.config(
        32,
        intermediate_size=64,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=2,
        vq_config=vq,
        vocabulary_map=VOCABULARY,
    )


@pytest.fixture
def model(tiny_vq: dict[str, Any]) -> UnifiedModel:
    torch.manual_seed(0)
    return UnifiedModel(config(tiny_vq)).eval()


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 25, (2, 12), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def saved(model: UnifiedModel, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path)
    return tmp_path


def test_codes_are_named_as_in_chameleon() -> None:
    assert code_name(0) == "IMGIMGAZ"
    assert code_name(8191) == "IMGIMGIBJBZ"


def test_codes_and_ids_are_each_others_inverse(model: UnifiedModel) -> None:
    codes = torch.arange(CODES).view(4, 4)
    assert int(model.images.ids_of(torch.tensor(3))) == FIRST + 15
    assert torch.equal(model.images.codes_of(model.images.ids_of(codes)), codes)
    assert model.images.codes_of(torch.tensor([0, 23])).tolist() == [-1, -1]
    assert (model.images.begin, model.images.end) == (21, 20)


def test_a_vocabulary_without_some_codes_is_refused(saved: Path) -> None:
    path = saved / "config.json"
    about = json.loads(path.read_text())
    del about["vocabulary_map"][code_name(7)]
    path.write_text(json.dumps(about))
    with pytest.raises(InputError, match="lacks 1 of 16 image codes, code 7 first"):
        load_unified(str(saved))


def test_image_tokens_have_logits_and_a_finite_loss(model: UnifiedModel, ids: torch.Tensor, saved: Path) -> None:
    with torch.inference_mode():
        ours = model(ids, labels=ids)
        theirs = ChameleonForConditionalGeneration.from_pretrained(saved).eval()(ids)
    text = [each for each in range(32) if not FIRST <= each < FIRST + CODES]
    torch.testing.assert_close(ours.logits[..., text], theirs.logits[..., text])
    assert (theirs.logits[..., FIRST : FIRST + CODES] < -1e30).all()  # what transformers does
    assert ours.logits.abs().max() < 100
    by_hand = torch.nn.functional.cross_entropy(ours.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(ours.loss, by_hand)


def test_image_tokens_are_generated(model: UnifiedModel) -> None:
    with torch.inference_mode():
        model.lm_head.weight[FIRST + 2] = 50 * model.lm_head.weight[FIRST + 2]
        made = model.generate(torch.tensor([[0, 23, 21]]), max_new_tokens=12, do_sample=True, temperature=5.0)
    assert (model.images.codes_of(made[0, 3:]) >= 0).any()


def test_saved_and_loaded_it_is_the_same(model: UnifiedModel, ids: torch.Tensor, saved: Path) -> None:
    loaded = load_unified(str(saved))
    assert loaded.has_pixels
    with torch.inference_mode():
        assert torch.equal(loaded(ids).logits, model(ids).logits)
        codes = torch.arange(16).view(1, 4, 4)
        assert torch.equal(loaded.model.vqmodel.pixels(codes), model.model.vqmodel.pixels(codes))
    assert load_unified(str(saved), "bfloat16").dtype == torch.bfloat16


def test_a_checkpoint_without_a_pixel_decoder_loads_and_says_so(saved: Path) -> None:
    path = saved / "model.safetensors"
    save_file({k: v for k, v in load_file(path).items() if "vqmodel.decoder" not in k}, path, {"format": "pt"})
    assert not load_unified(str(saved)).has_pixels


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "llama"}, "of the kind 'llama'"),
        ({"vocabulary_map": None}, "no vocabulary_map"),
        ({"hidden_size": 64}, "of another shape than"),
        ({"num_hidden_layers": 3}, r"lacks model\.layers\.2"),
    ],
)
def test_a_wrong_checkpoint_is_refused_in_one_line(saved: Path, change: dict[str, object], says: str) -> None:
    path = saved / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=says) as error:
        load_unified(str(saved))
    assert "\n" not in str(error.value)


def test_missing_and_damaged_shards_are_refused(model: UnifiedModel, saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        load_unified("./nowhere")
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-500])
    with pytest.raises(InputError, match="cannot be loaded"):
        load_unified(str(saved))
    weights.unlink()
    with pytest.raises(InputError, match=r"holds neither model\.safetensors nor"):
        load_unified(str(saved))
    shards = tmp_path / "shards"
    model.save_pretrained(shards, max_shard_size="200KB")
    assert load_unified(str(shards)).has_pixels
    sorted(shards.glob("*.safetensors"))[0].unlink()
    with pytest.raises(InputError, match=r"model-00001-of-\d+\.safetensors: missing"):
        load_unified(str(shards))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_quantisation_needs_a_gpu(saved: Path) -> None:
    with pytest.raises(InputError, match="int8 needs a GPU"):
        load_unified(str(saved), "int8")


@pytest.fixture
def seeing(tiny_vq: dict[str, Any]) -> UnifiedModel:
    torch.manual_seed(0)
    settings = config(tiny_vq)
    settings.update({"facts": 3, "glances": 2, "film_token_id": 25, "cells": 4})
    return UnifiedModel(settings).eval()


def test_facts_stand_where_the_prompt_has_film_tokens(seeing: UnifiedModel) -> None:
    ids = torch.tensor([[0, 25, 25, 23, 24]])
    with torch.inference_mode():
        blank, other, plain = (
            seeing(ids, facts=torch.tensor([facts])).logits for facts in ([0.0] * 3, [1.0] * 3, [0.0] * 3)
        )
        text = seeing(ids.clone().fill_(23), facts=None).logits
    assert torch.equal(blank, plain)
    assert torch.equal(blank[:, 0], other[:, 0])  # before the film nothing of it is known
    assert not torch.allclose(blank[:, -1], other[:, -1])
    assert torch.isfinite(text).all()


def test_cells_change_the_tokens_that_have_one(seeing: UnifiedModel) -> None:
    ids, none = torch.tensor([[0, 23, 24, 23]]), torch.full((1, 4), -1)
    with torch.inference_mode():
        plain, same = seeing(ids).logits, seeing(ids, cells=none).logits
        other = seeing(ids, cells=torch.tensor([[-1, -1, 15, -1]])).logits
    assert torch.allclose(plain, same, atol=1e-6)
    assert torch.allclose(plain[:, :2], other[:, :2], atol=1e-6)
    assert not torch.allclose(plain[:, 2], other[:, 2])


def test_facts_without_their_place_or_their_input_are_refused(seeing: UnifiedModel, model: UnifiedModel) -> None:
    ids = torch.tensor([[0, 25, 23]])
    with pytest.raises(ValueError, match="has 2 film tokens"):
        seeing(ids, facts=torch.zeros(1, 3))
    with pytest.raises(ValueError, match="takes no facts"):
        model(ids, facts=torch.zeros(1, 3))
    with pytest.raises(ValueError, match="knows no cells"):
        model(ids, cells=torch.zeros(1, 3, dtype=torch.long))


def test_what_reads_films_is_saved_and_loaded(seeing: UnifiedModel, tmp_path: Path) -> None:
    seeing.save_pretrained(tmp_path)
    again = load_unified(str(tmp_path))
    ids, facts = torch.tensor([[0, 25, 25, 23]]), torch.ones(1, 3)
    cells = torch.tensor([[-1, -1, -1, 7]])
    with torch.inference_mode():
        assert torch.equal(seeing(ids, facts=facts, cells=cells).logits, again(ids, facts=facts, cells=cells).logits)
