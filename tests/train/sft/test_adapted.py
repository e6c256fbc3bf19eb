"""A checkpoint in the hub's layout that learns by LoRA is read with as it was taught."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.conftest import checkpoint  # noqa: F401  # a fixture
from tests.reader.conftest import FRONTAL
from tests.train.sft.conftest import recipe

from radtrace.build.reading import find_traces
from radtrace.errors import InputError, RecipeError
from radtrace.images import Film, resized
from radtrace.images.pictures import decode_picture
from radtrace.reader import Manner, Prepared, load_mind
from radtrace.reader.hub import HubMind
from radtrace.reader.prompt import ASKED
from radtrace.records import Study
from radtrace.train.sft.data.material import material_of, samples_of
from radtrace.train.sft.data.samples import NO_LOSS
from radtrace.train.sft.stage import SftRecipe

pytest.importorskip("peft")


@pytest.fixture
def settings(checkpoint: Any, overrides: list[str], tmp_path: Path) -> dict[str, Any]:  # noqa: F811
    """A run of one step on a checkpoint with room for traces."""
    base = shutil.copytree(checkpoint("chameleon"), tmp_path / "base")
    about = json.loads((base / "config.json").read_text()) | {"max_position_embeddings": 3000, "dtype": "bfloat16"}
    (base / "config.json").write_text(json.dumps(about))
    given: dict[str, Any] = recipe(overrides).model_dump(exclude={"image_tokenizer", "encoder"})
    given["adapter"] = {"path": str(base), "rank": 2}
    given["learning"] |= {"rate": 0.01, "epochs": 0.1, "average": 0}
    return given


def test_what_was_taught_is_asked_for_in_the_same_words(settings: dict[str, Any], tmp_path: Path) -> None:
    run = SftRecipe.model_validate(settings)
    result = run.train()
    assert {path.name for path in result.path.iterdir()} >= {"tokenizer.json", "preprocessor_config.json"}
    for name in ("tokenizer.json", "preprocessor_config.json"):
        ours, theirs = (json.loads((path / name).read_text()) for path in (result.path, tmp_path / "base"))
        assert ours == theirs
    mind = load_mind(str(result.path), Manner(visual="none", samples=1))
    assert isinstance(mind, HubMind)
    assert mind.model.dtype == torch.bfloat16  # as the checkpoint is stored
    (sample, *_), (row, *_) = samples_of(run, material_of(run), "val"), find_traces(run.traces, split="val").rows()
    assert sample.study_id == row.trace.study_id
    film = decode_picture(row.film_png)
    shown = mind.processor.pictures.encode([resized(film, mind.processor.side, mind.processor.side)])[0]
    prompt = mind.processor.tokens([shown, ASKED])
    assert sample.ids[: len(prompt)].tolist() == prompt
    assert (sample.kinds == NO_LOSS).tolist() == [at < len(prompt) for at in range(len(sample.ids))]
    view = row.trace.view
    upright = Film(film, "0")
    study = Study(id="s", source="made", views=(view,))
    beside = Prepared(study, view, upright, Film(np.ones((40, 40), np.float32), "1"), FRONTAL, None, upright)
    (reading,) = mind.write([beside], lambda *_: None)
    assert reading.trace.report
    (stage,) = [stage.detail for stage in reading.trace.provenance if stage.name == "budget"]
    assert "1 of the films shown" in stage
    assert "learnt from frontal films alone: the lateral film is not used" in stage


def test_an_adapter_alone_and_traces_without_decisions_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="an adapter alone; name the model that it was merged into"):
        load_mind(str(tmp_path / "adapter"), Manner())
    settings["writing"] |= {"decisions": False}
    with pytest.raises((RecipeError, ValueError), match=r"writing\.decisions"):
        SftRecipe.model_validate(settings)
