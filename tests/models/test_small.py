"""The network without transformers computes what the one with it does; where weights lie in memory moves last bits."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.reader.whole import GRID, LABELS, VQ, save_tiny
from torch import Tensor

from radtrace.decode.cache import Roomy, roomy_cache
from radtrace.models.load import load_unified
from radtrace.models.small import SmallModel, causal_mask, load_small


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reader")
    save_tiny(path)
    return path


@pytest.fixture(scope="module")
def models(path: Path) -> list[torch.nn.Module]:
    small = load_small(path)
    assert small is not None
    return [small, load_unified(str(path))]


def test_the_tensors_have_the_same_names(models: list[torch.nn.Module]) -> None:
    small, unified = (model.state_dict() for model in models)
    assert set(small) == set(unified)


@pytest.mark.parametrize("padded", [0, 3])
def test_logits_are_the_same_over_a_whole_trace(models: list[torch.nn.Module], padded: int) -> None:
    """A prompt with facts and cells; then tokens of two traces of each, a hole, an end cut off, rows that go."""

    def told(model: torch.nn.Module) -> list[Tensor]:
        draw = torch.Generator().manual_seed(padded)
        cache = roomy_cache(model)
        assert isinstance(model, SmallModel) == (type(cache).__name__ == "Layers")
        mask = torch.ones(2, 12, dtype=torch.long)
        mask[0, :padded] = 0
        ids = torch.randint(0, 300, (2, 12), generator=draw)
        film = int(model.config.film_token_id)
        ids[ids == film] -= 1
        ids[:, 4:6] = film
        cells = torch.randint(-1, VQ["num_embeddings"], (2, 12), generator=draw)
        facts = torch.randn(2, len(LABELS), generator=draw)
        found = [read(model, ids, mask, cache, facts=facts, cells=cells, logits_to_keep=1)]
        cache.batch_repeat_interleave(2)
        mask = mask.repeat_interleave(2, 0)
        for width in (3, 1, 4):
            mask = torch.cat([mask, torch.ones(4, width, dtype=torch.long)], 1)
            mask[1, -1] = 0
            found.append(read(model, torch.randint(0, 300, (4, width), generator=draw), mask, cache))
        cache.crop(-2)
        cache.batch_select_indices(torch.tensor([0, 3]))
        mask = torch.cat([mask[[0, 3], :-2], torch.ones(2, 2, dtype=torch.long)], 1)
        return [*found, read(model, torch.randint(0, 300, (2, 2), generator=draw), mask, cache)]

    for small, unified in zip(*map(told, models), strict=True):
        assert torch.allclose(small, unified, rtol=0, atol=2e-6)


def read(model: torch.nn.Module, ids: Tensor, mask: Tensor, cache: Roomy, **rest: object) -> Tensor:
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    with torch.inference_mode():
        out: Tensor = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, **rest
        ).logits
    return out


def test_codes_and_pictures_are_the_same(models: list[torch.nn.Module]) -> None:
    pictures = torch.rand(2, VQ["in_channels"], 2 * GRID, 2 * GRID) * 2 - 1
    with torch.inference_mode():
        small, unified = (model.model.vqmodel.codes(pictures) for model in models)
        assert torch.equal(small, unified), (small.shape, (small - unified).abs().max(), small.isnan().sum())
        assert torch.equal(*(model.model.vqmodel.pixels(small) for model in models))


def test_a_mask_is_left_out_where_all_is_seen() -> None:
    assert causal_mask(torch.ones(1, 4), 4) is None  # a whole prompt: causal by itself
    assert causal_mask(torch.ones(1, 4), 1) is None  # the newest token sees all
    seen = causal_mask(torch.tensor([[0, 1, 1, 1]]), 2)
    assert seen is not None
    assert seen.tolist() == [[[[False, True, True, False], [False, True, True, True]]]]


@pytest.mark.parametrize(
    "change",
    [{"model_type": "emu3"}, {"swin_norm": True}, {"num_key_value_heads": 1}, {"rope_parameters": {}}, {"facts": 4}],
)
def test_another_checkpoint_is_left_to_transformers(path: Path, tmp_path: Path, change: dict[str, object]) -> None:
    copy = Path(shutil.copytree(path, tmp_path / "reader"))
    about = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(about | change))
    assert load_small(copy) is None


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_checkpoint_is_left_to_who_tells_why(path: Path, tmp_path: Path, name: str) -> None:
    copy = Path(shutil.copytree(path, tmp_path / "reader"))
    (copy / name).write_bytes((copy / name).read_bytes()[:-9])
    assert load_small(copy) is None
    (copy / name).unlink()
    assert load_small(copy) is None


def test_a_small_reader_is_loaded_without_transformers(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from radtrace.reader.loading import Manner, load_mind\n"
        f"load_mind({str(path)!r}, Manner()); raise SystemExit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
