import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.train.conftest import made

from radtrace.config import load_recipe
from radtrace.errors import InputError, RecipeError
from radtrace.models.tokenizer import load_tokenizer
from radtrace.train import tokenizer as stage
from radtrace.train.fitting import Fitting
from radtrace.train.tokenizer import TokenizerRecipe

ROOT = Path(__file__).parents[2]
SHORT = {"steps": 2, "checkpoint_every": 2, "val_limit": 1}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_tokenizer_curves_and_figures(recipe: dict[str, Any]) -> None:
    result = made(recipe).train()
    folder = Path(recipe["output"])
    tokenizer = load_tokenizer(result.path)
    assert (tokenizer.side, tokenizer.grid, tokenizer.codebook) == (32, 4, 16)
    assert [row["step"] for row in rows(folder)] == [2, 4, 6, 8]
    assert rows(folder)[-1]["loss"] < rows(folder)[0]["loss"]
    assert {name for name in rows(folder)[1] if name.startswith("val")} == {"val_ssim", "val_perplexity"}
    figures = json.loads((folder / "figures.json").read_text())
    assert figures == json.loads(json.dumps(result.figures))
    assert set(figures["kinds"]) == {"frontal", "lung", "mediastinal", "bone", "other", "region", "grid"}
    assert figures["kinds"]["frontal"]["count"] == 2
    frontal = figures["kinds"]["frontal"]
    assert frontal["thumbnail_16"] < frontal["thumbnail_32"] == frontal["squeezed"]  # the tokenizer's side is 32
    assert figures["agreement"] == 1.0  # each cell is coded alone
    assert 1 <= figures["codebook"]["perplexity"] <= figures["codebook"]["used"] <= 16
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width == 8 * 256
    with Image.open(folder / "curves.png") as curves:
        assert curves.size == (420, 720)


def test_killed_and_resumed_it_gives_the_same_curve_and_weights(
    recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(recipe, val_limit=1).train()
    expected = rows(Path(recipe["output"]))
    digest = load_tokenizer(whole.path).sha256
    shutil.rmtree(recipe["output"])

    take, taken = Fitting.take, []

    def killed(self: Fitting, pictures: Any) -> None:
        taken.append(len(pictures))
        if len(taken) == 7:  # past the checkpoint of step 4, past the row of step 6
            raise KeyboardInterrupt
        take(self, pictures)

    with monkeypatch.context() as patched:
        patched.setattr(Fitting, "take", killed)
        with pytest.raises(KeyboardInterrupt):
            made(recipe, val_limit=1).train()
    assert [row["step"] for row in rows(Path(recipe["output"]))] == [2, 4, 6]
    again = made(recipe, val_limit=1).train()
    assert rows(Path(recipe["output"])) == expected
    assert load_tokenizer(again.path).sha256 == digest


def test_another_recipe_is_refused_in_the_same_folder(recipe: dict[str, Any]) -> None:
    made(recipe, **SHORT).train()
    with pytest.raises(InputError, match=r"rate was 0\.001, is 0\.01"):
        made(recipe, **SHORT, rate=0.01).train()


def test_a_damaged_checkpoint_is_told(recipe: dict[str, Any]) -> None:
    made(recipe, **SHORT).train()
    (Path(recipe["output"]) / "checkpoint.pt").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"checkpoint\.pt: damaged"):
        made(recipe, **SHORT).train()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("checkpoint_every=3", "checkpoint_every is no multiple of log_every = 2"),
        ("network.side=20", "side 20 is no multiple of the 8 pixels"),
        ("network.base=20", "network.base: Input should be .* multiple of 32"),
        ("films=[]", "films: Tuple should have at least 1 item"),
        ("epochs=3", "unknown setting 'epochs'"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(ROOT / "recipes" / "tokenizer.toml", TokenizerRecipe, ["log_every=2", "network.patch=2", change])


def test_the_recipe_of_the_repository_runs(tmp_path: Path, recipe: dict[str, Any]) -> None:
    tiny = [
        f"output={tmp_path}",
        "steps=2",
        "batch=2",
        "log_every=2",
        "checkpoint_every=2",
        "val_every=2",
        "val_limit=1",
    ]
    sources = [f'{name}=[{{source={{kind="phantoms",count=2,side=128}}}}]' for name in ("films", "val")]
    loaded = load_recipe(
        ROOT / "recipes" / "tokenizer.toml",
        TokenizerRecipe,
        [*tiny, *sources, "network.side=32", "network.codes=32", "network.multiplier=[1,1,1]"],
    )
    assert loaded.train().figures["codebook"]["size"] == loaded.network.codes


def test_films_of_boxed_patients_are_left_out(data_dir: Path) -> None:
    settings = {"source": {"kind": "nih_boxes", "root": str(data_dir / "boxes/nih")}}
    everything = stage.FilmSet.model_validate(settings)
    fewer = stage.FilmSet.model_validate(settings | {"without_boxed": True, "without_patients": ["61"]})
    left = {study.patient_id for study, _ in fewer.views()}
    boxed = {study.patient_id for study, _ in everything.views() if any(label.box for label in study.labels)}
    assert boxed
    assert not left & (boxed | {"61"})


def test_the_picture_of_a_step_depends_on_the_seed_and_the_step_alone(recipe: dict[str, Any]) -> None:
    from radtrace.runs import JsonLines
    from radtrace.train.crops import CropShares, Pictures
    from radtrace.train.films import load_films

    films = load_films(made(recipe).films, 64, JsonLines(Path(recipe["output"]).parent / "boxes.jsonl"))
    assert max(films[0].pixels.shape) == 64
    first, again = (Pictures(films, CropShares(grid=1.0), 32, 8, seed=3) for _ in range(2))
    first.batch(0, 2)
    assert np.array_equal(np.stack(first.batch(5, 3)), np.stack(again.batch(5, 3)))
    shapes = {picture.shape for step in range(30) for picture in first.batch(step, 2)}
    assert all(height % 8 == 0 and width % 8 == 0 and max(height, width) <= 32 for height, width in shapes)
    assert len(shapes) > 3
    cut = Pictures(films, CropShares(grid=0.0, cut=2), 32, 8, seed=3)
    assert {picture.shape for picture in cut.batch(0, 4)} == {(16, 16)}
