import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tests.train.sft.conftest import recipe
from transformers import Trainer

from radtrace.errors import InputError, RecipeError
from radtrace.models.load import load_unified
from radtrace.models.tokenizer import load_tokenizer
from radtrace.train.sft.stage import SftRecipe
from radtrace.train.sft.trainer import SftTrainer

LOOKS: list[tuple[bool, int]] = []


def quick(model: Any, words: Any, rows: Any) -> dict[str, float]:
    """A quick look: counts itself."""
    LOOKS.append((model.training, words.get_vocab_size()))
    return {"different": float(len(LOOKS)), "rows": float(len(rows))}


def metrics(folder: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "tokens_per_s"} for row in rows]


def test_the_recipe_of_the_repository_leaves_a_model_with_its_tokenizer(overrides: list[str], parts: Path) -> None:
    LOOKS.clear()
    looked = ("quick=tests.train.sft.test_stage:quick", "quick_studies=1", 'writing.pictures=["grid"]')
    run = recipe(overrides, *looked, "network.tied=true", "learning.checkpointing=true")
    result = run.train()
    model = load_unified(str(result.path))
    assert (model.config.facts, model.config.glances, model.config.cells) == (2, 2, 4)
    assert {"heart", "no"} < set(model.config.lexicon)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    before, after = load_tokenizer(parts / "tokenizer"), load_tokenizer(result.path)
    assert (after.side, after.patch) == (before.side, before.patch)
    theirs = after.network.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in before.network.state_dict().items())
    assert (result.path / "tokenizer.json").read_bytes() == (run.output / "tokenizer.json").read_bytes()
    rows = metrics(run.output)
    validations = [row for row in rows if "val_loss" in row]
    assert len(validations) == 2  # once an epoch
    assert validations[-1]["val_text"] < validations[0]["val_text"]
    assert {"text", "picture", "rate", "norm"} <= rows[0].keys()
    assert {"val_picture", "different"} <= validations[0].keys()
    assert validations[0]["rows"] == 1
    assert [training for training, _ in LOOKS] == [False] * 2
    assert json.loads((run.output / "figures.json").read_text()) == result.figures
    assert list((run.output / "tensorboard").iterdir())
    with Image.open(run.output / "curves.png") as curves:
        assert curves.height == 240 * 7  # loss, text, picture, rate, norm, and the two figures of the quick look
    assert recipe(overrides, *looked, "network.tied=true", "learning.checkpointing=true").train() == result


def test_killed_and_resumed_it_gives_the_same_curve_and_weights(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ("learning.epochs=4", "sampling.words_lost=0.2", "learning.accumulate=2", "sampling.batch=2")
    whole = recipe(overrides, *other, f"output={tmp_path / 'whole'}").train()
    broken = recipe(overrides, *other)
    step, taken = Trainer.training_step, list[int]()

    def killed(self: SftTrainer, *inputs: Any, **more: Any) -> Any:
        taken.append(self.state.global_step)
        if taken[-1] == 5:  # past the checkpoint of step 4
            raise KeyboardInterrupt
        return step(self, *inputs, **more)

    with monkeypatch.context() as patched:
        patched.setattr(SftTrainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            broken.train()
    half = broken.output / "checkpoint-5"  # killed while it wrote
    half.mkdir()
    (half / "trainer_state.json").write_text("{")
    assert broken.train().figures == whole.figures
    assert not half.exists()
    assert metrics(broken.output) == metrics(tmp_path / "whole")
    weights = [(path / "model.safetensors").read_bytes() for path in (whole.path, broken.output / "model")]
    assert weights[0] == weights[1]


def test_too_long_traces_are_refused_with_counts_or_dropped_by_name(overrides: list[str]) -> None:
    tiny = recipe(overrides, "network.positions=16")
    with pytest.raises(InputError, match=r"11 of 11 train samples are longer than the model's 16 positions") as told:
        tiny.train()
    longest = int(str(told.value).partition("the longest ")[2].split()[0])
    almost = f"network.positions={longest - 1}"
    with pytest.raises(InputError, match=r"\d of 11 train samples .* \(the longest \d+ tokens; 0 to 0 pictures each\)"):
        recipe(overrides, f"output={tiny.output}2", almost, "too_long=refuse").train()
    dropping = recipe(overrides, f"output={tiny.output}3", almost, "learning.epochs=1")
    figures = dropping.train().figures
    rejected = [json.loads(line) for line in (dropping.output / "rejected.train.jsonl").read_text().splitlines()]
    assert 0 < len(rejected) == 11 - figures["train"]
    assert (
        rejected[0]["reason"] == f"{longest} tokens with 0 pictures are more than the model's {longest - 1} positions"
    )


def test_a_checkpoint_is_adapted_by_lora_and_merged(overrides: list[str], tmp_path: Path) -> None:
    pytest.importorskip("peft")
    base = recipe(overrides, "learning.epochs=1", f"output={tmp_path / 'base'}").train().path
    settings = recipe(overrides).model_dump(exclude={"image_tokenizer"})
    settings["adapter"] = {"path": str(base), "rank": 2}
    settings["learning"] |= {"rate": 0.01, "epochs": 2}
    run = SftRecipe.model_validate(settings)
    result = run.train()
    assert result.figures["parameters"] == 3 * 2 * (16 + 16)  # of one layer's q, k and v
    was, now = (load_unified(str(path)).state_dict() for path in (base, result.path))
    changed = {name for name in was if not torch.equal(was[name], now[name])}
    assert changed == {f"model.layers.0.self_attn.{name}_proj.weight" for name in "qkv"}
    assert (run.output / "adapter" / "adapter_model.safetensors").exists()
    with pytest.raises(InputError, match="takes 2 facts; the recipe's encoder tells 0"):
        SftRecipe.model_validate(settings | {"output": tmp_path / "blind", "encoder": None}).train()


def test_a_model_begins_from_scratch_or_from_a_checkpoint(overrides: list[str]) -> None:
    with pytest.raises(RecipeError, match="name the image_tokenizer of a small model, or"):
        recipe(overrides, "adapter.path=somewhere")


def test_a_spread_model_is_not_averaged(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(InputError, match=r"FSDP spreads the model over processes: set learning\.average = 0"):
        recipe(overrides).train()
