"""The stage on phantoms: it runs, ends in a checkpoint that loads, and goes on as if it had never been killed."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.localize.conftest import localizer as localizer

from radtrace.config import load_recipe
from radtrace.errors import InputError
from radtrace.localize import Localizer
from radtrace.models.encoder import load_encoder
from radtrace.train.encoder.learning import Run
from radtrace.train.encoder.stage import EncoderRecipe

STUDIES = {"kind": "phantoms", "side": 128}
SETTINGS: dict[str, Any] = {
    "studies": [{"source": STUDIES | {"count": 16}}],
    "val": {"source": STUDIES | {"count": 8, "first_seed": 100}},
    "held": 0.3,
    "least": 1,
    "counts": [4],
    "network": {"side": 64, "widths": [16, 32], "features": 8},
    "learning": {"steps": 4, "every": 2, "average": 2, "bf16": False},
    "resamples": 5,
    "threads": 1,
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films") / "films.npz"


def recipe(output: Path, films: Path, **changed: Any) -> EncoderRecipe:
    return EncoderRecipe.model_validate(SETTINGS | {"output": output, "films": films} | changed)


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("localizer")
def test_a_killed_run_goes_on_to_the_same_end(tmp_path: Path, films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    trained = recipe(whole, films).train()
    learn = Run.learn

    def killed(run: Run, batch: Any) -> dict[str, float]:
        if run.step == 3:
            raise KeyboardInterrupt
        return learn(run, batch)

    monkeypatch.setattr(Run, "learn", killed)
    with pytest.raises(KeyboardInterrupt):
        recipe(broken, films).train()
    monkeypatch.undo()
    again = recipe(broken, films).train()
    assert metrics(broken) == metrics(whole)
    assert [row["step"] for row in metrics(whole)] == [2, 4]
    one, other = (load_encoder(each.path) for each in (trained, again))
    assert all(torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))


@pytest.mark.usefixtures("localizer")
def test_a_run_leaves_figures_curves_and_an_encoder(tmp_path: Path, films: Path) -> None:
    trained = recipe(tmp_path / "run", films).train()
    encoder = load_encoder(trained.path)
    assert encoder.labels[0] == "Abnormal"
    assert set(trained.figures["labels"]) == set(encoder.labels)
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert trained.line.startswith("mean AUROC")


@pytest.mark.usefixtures("localizer")
def test_the_recipe_of_the_repository_runs(tmp_path: Path, films: Path) -> None:
    pools = 'studies=[{source={kind="phantoms",count=16,side=128}}]'
    val = 'val={source={kind="phantoms",count=8,first_seed=100,side=128}}'
    changes = ["counts=[4]", "learning.steps=2", "learning.every=2", "network.side=64", "resamples=2"]
    path = Path(__file__).parents[3] / "recipes" / "encoder.toml"
    settings = [f"output={tmp_path / 'run'}", f"films={films}", "least=1", "threads=1", pools, val, *changes]
    loaded = load_recipe(path, EncoderRecipe, settings).model_copy(update={"gold": None})
    assert loaded.train().figures["step"] == 2


def test_each_pool_needs_its_count(tmp_path: Path, films: Path) -> None:
    with pytest.raises(InputError, match="counts names 2 pools"):
        recipe(tmp_path / "run", films, counts=[4, 4]).train()


def test_a_trunk_may_begin_as_the_localizers(localizer: Localizer, tmp_path: Path, films: Path) -> None:
    wide = {"side": 64, "features": 8}
    own, new = (recipe(tmp_path, films, network=wide | {"start": start}).network for start in ("localizer", "scratch"))
    torch.manual_seed(0)
    first = own.made(("Nodule",)).trunk.down[2][1][0].weight
    second = own.made(("Nodule",)).trunk.down[2][1][0].weight
    assert torch.equal(first, second)  # given, not drawn
    assert not torch.equal(first, new.made(("Nodule",)).trunk.down[2][1][0].weight)
