"""A dataset of phantoms, and an image tokenizer and an encoder's skill for them that know nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.train.conftest import NETWORK

from radtrace.build import BuildRecipe, build
from radtrace.config import load_recipe
from radtrace.models.tokenizer import save_tokenizer
from radtrace.train.encoder.skill import Skill
from radtrace.train.sft.stage import SftRecipe
from radtrace.train.tokenizer import NetworkSettings

ROOT = Path(__file__).parents[3]
LABELS = ("Cardiomegaly", "Pleural Effusion")


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """traces, tokenizer and encoder, as their stages leave them."""
    folder = tmp_path_factory.mktemp("parts")
    source = {"kind": "phantoms", "count": 14, "side": 128}
    build(BuildRecipe.model_validate({"output": str(folder / "traces"), "source": source, "workers": 1}))
    torch.manual_seed(0)
    save_tokenizer(NetworkSettings.model_validate(NETWORK).made(), folder / "tokenizer")
    (folder / "encoder").mkdir()
    correlation = tuple(map(tuple, np.eye(2).tolist()))
    Skill(LABELS, (0.8, 0.9), correlation).save(folder / "encoder" / "skill.json")
    return folder


@pytest.fixture
def overrides(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Settings of a run of seconds."""
    monkeypatch.setenv("RADTRACE_CACHE", str(parts / "cache"))
    values: dict[str, Any] = {
        "output": tmp_path / "run",
        "traces": parts / "traces",
        "image_tokenizer": parts / "tokenizer",
        "encoder": parts / "encoder",
        "threads": 1,
        "network.hidden": 16,
        "network.layers": 1,
        "network.heads": 1,
        "network.words": 900,
        "network.glances": 2,
        "sampling.batch": 4,
        "learning.epochs": 2,
        "learning.log_every": 2,
        "learning.save_every": 4,
        "learning.warmup": 2,
        "learning.average": 4,
        "writing.pictures": [],
        "look.studies": 0,
    }
    return [f"{name}={value}" for name, value in values.items()]


def recipe(overrides: list[str], *changes: str) -> SftRecipe:
    return load_recipe(ROOT / "recipes" / "reader.toml", SftRecipe, [*overrides, *changes])
