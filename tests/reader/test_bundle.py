import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from radtrace.errors import InputError
from radtrace.models.load import DECODER
from radtrace.reader.bundle import POLICY, Policy, is_bundle, load_bundle, save_policy


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "reader"))


def test_a_reader_is_read_whole(tiny_bundle: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    assert is_bundle(tiny_bundle)
    assert (bundle.pictures.side, bundle.pictures.grid, bundle.pictures.codebook) == (16, 4, 16)
    assert bundle.wording.glances == 2
    assert len(bundle.sha256) == 64


def test_the_surest_finding_comes_first() -> None:
    policy = Policy(present={"Cardiomegaly": 0.3, "Pleural Effusion": 0.9, "Fracture": 0.2})
    known = {"Cardiomegaly": 0.3, "Pleural Effusion": 0.89, "Fracture": 0.5, "Abnormal": 1.0}
    assert policy.accepted(known) == ("Fracture", "Cardiomegaly")


@pytest.mark.parametrize("name", ["encoder.safetensors", "tokenizer.json", "reader.json", "model.safetensors"])
def test_a_missing_part_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"{name}: missing"):
        load_bundle(copy)


def test_parts_of_different_readers_are_refused(copy: Path) -> None:
    about = json.loads((copy / "config.json").read_text())
    words = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(words.replace("IMGIMGAZ", "IMGIMGZZ"))
    with pytest.raises(InputError, match="tokenizer of another model: 'IMGIMGAZ'"):
        load_bundle(copy)
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="no tokenizer"):
        load_bundle(copy)
    (copy / "tokenizer.json").write_text(words)
    save_policy(Policy(present={"Mass": 0.5}), copy)
    with pytest.raises(InputError, match="does not tell 'Mass'"):
        load_bundle(copy)
    (copy / POLICY).write_text('{"present": {}}')
    with pytest.raises(InputError, match="no policy"):
        load_bundle(copy)
    for settings, said in (
        ({"facts": 4}, "another shape"),
        ({"told": "x"}, "does not say what the model is told"),
        ({"lexicon": []}, "does not say which words"),
    ):
        (copy / "config.json").write_text(json.dumps(about | settings))
        with pytest.raises(InputError, match=said):
            load_bundle(copy)


def test_a_model_that_cannot_draw_is_no_small_readers(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(DECODER)}
    save_file(kept, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="with a pixel decoder; this is not"):
        load_bundle(copy)
