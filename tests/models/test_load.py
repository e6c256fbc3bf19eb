"""Checkpoints that are not what they say: each is refused in one line that says what to do."""

import json
import multiprocessing
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from radtrace.errors import InputError
from radtrace.models.emu3 import Emu3Unified
from radtrace.models.load import load_unified
from radtrace.models.unified import UnifiedModel

KINDS = ("chameleon", "emu3")
CLASSES = {"chameleon": UnifiedModel, "emu3": Emu3Unified}


@pytest.fixture
def copied(checkpoint: Any, tmp_path: Path) -> Any:
    return lambda kind: shutil.copytree(checkpoint(kind), tmp_path / kind)


def change(path: Path, **settings: Any) -> None:
    file = path / "config.json"
    about = json.loads(file.read_text())
    for name, value in settings.items():
        outer, _, inner = name.rpartition("__")
        (about[outer] if outer else about)[inner] = value
    file.write_text(json.dumps(about))


def refused(path: Path, capfd: Any = None) -> str:
    with pytest.raises(InputError) as error:
        load_unified(str(path))
    assert capfd is None or capfd.readouterr() == ("", "")
    said = str(error.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said.removeprefix(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_config_json_names_the_class_and_both_round_trip(checkpoint: Any, kind: Any, tmp_path: Path) -> None:
    model = load_unified(str(checkpoint(kind)))
    assert type(model) is CLASSES[kind]
    assert model.has_pixels
    assert not model.training
    model.save_pretrained(tmp_path / "again")
    ids = torch.tensor([[0, 40, 41, 42]])
    with torch.inference_mode():
        assert torch.equal(load_unified(str(tmp_path / "again"))(ids).logits, model(ids).logits)
    assert load_unified(str(checkpoint(kind)), "bfloat16").dtype == torch.bfloat16


@pytest.mark.parametrize("kind", KINDS)
def test_another_architecture_or_codebook_is_refused(copied: Any, kind: Any) -> None:
    path = copied(kind)
    codes = "num_embeddings" if kind == "chameleon" else "codebook_size"
    change(path, **{f"vq_config__{codes}": 12})
    assert refused(path) == ": its codebook is of another shape than config.json says"
    tensors = load_file(path / "model.safetensors")
    book = "model.vqmodel.quantize.embedding.weight"
    save_file(tensors | {book: tensors[book][:12].clone()}, path / "model.safetensors", {"format": "pt"})
    assert refused(path) == ": the vocabulary has image codes that the codebook of 12 lacks, code 12 first"
    change(path, model_type="llama")
    assert refused(path).endswith("of the kind 'llama'; a unified model is of the kind 'chameleon' or 'emu3'")
    (path / "config.json").write_text("[]")
    assert "of the kind None" in refused(path)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_tensors_and_shards_are_named(copied: Any, kind: Any) -> None:
    path = copied(kind)
    load_unified(str(path)).save_pretrained(path, max_shard_size="200KB")
    (path / "model.safetensors").unlink(missing_ok=True)
    shard = sorted(path.glob("*.safetensors"))[-1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])
    assert refused(path) == f"/{shard.name}: cannot be loaded: it is cut short"
    for damaged in (b"", whole[8:], b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{}"):
        shard.write_bytes(damaged)
        assert refused(path) == f"/{shard.name}: cannot be loaded: damaged, or no safetensors file"
    shard.unlink()
    assert refused(path) == f"/{shard.name}: missing"
    shard.write_bytes(whole)
    layers = "num_hidden_layers" if kind == "chameleon" else "text_config__num_hidden_layers"
    change(path, **{layers: 3})
    assert refused(path).startswith(": lacks model.")
    change(path, **{layers: 1})
    assert refused(path).endswith("more tensors that config.json does not have")


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_config_is_refused_without_a_table_of_tensors(copied: Any, kind: Any, capfd: Any) -> None:
    path = copied(kind)
    about = (path / "config.json").read_text()
    text = "" if kind == "chameleon" else "text_config__"
    names = json.loads(about)["vocabulary_map"]
    for settings, said in (
        ({f"{text}hidden_size": 64}, "are of another shape than config.json says"),
        ({"vq_config": "none"}, ": config.json: Validation error for field 'vq_config'"),
        ({f"{text}max_position_embeddings": "long"}, ": config.json: Validation error for field"),
        ({"vocabulary_map": ["<s>"]}, "/config.json: has no vocabulary_map, which names the image tokens"),
        ({"vocabulary_map": names | {"a": 10**6}}, ": 'a' is token 1000000 of the vocabulary, and the model has"),
    ):
        change(path, **settings)
        assert said in refused(path, capfd)
        (path / "config.json").write_text(about)
    (path / "model.safetensors").unlink()
    (path / "model.safetensors.index.json").write_text("[]")
    assert refused(path) == "/model.safetensors.index.json: damaged"


def test_weights_that_are_no_numbers_are_refused(copied: Any) -> None:
    path = copied("chameleon")
    tensors = load_file(path / "model.safetensors")
    tensors["model.norm.weight"].fill_(torch.nan)
    save_file(tensors, path / "model.safetensors", {"format": "pt"})
    assert refused(path).startswith(": its weights are damaged")


def test_what_is_no_directory_is_no_hub_id_either(checkpoint: Any, tmp_path: Path) -> None:
    file = checkpoint("chameleon") / "model.safetensors"
    assert refused(file) == ": a file; name the directory of a checkpoint"
    for name in (tmp_path / "none", Path("runs/mine/model"), Path("~/model"), Path("../model")):
        assert refused(name) == ": no such directory"


def test_what_cannot_fit_is_refused_before_it_is_loaded(copied: Any) -> None:
    path = copied("chameleon")
    # a header that tells of 10^12 numbers, and a file of that length without any blocks
    count = 10**12
    header = json.dumps({"lm_head.weight": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    with (path / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        try:
            file.truncate(8 + len(header) + count)
        except OSError:
            pytest.skip("the file system has no files of this length")
    said = refused(path)
    assert said.startswith(": takes 4000.0 GB in float32, and ")
    assert "give the process more memory, or use a smaller checkpoint, bfloat16, or int8 or int4 on a GPU" in said


def starved(path: Path, room: int, told: Any) -> None:
    """Load in a process that may take so many megabytes more than it has."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (room << 20), resource.RLIM_INFINITY))
    try:
        load_unified(str(path))
    except InputError as error:
        told.send(str(error))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell a process's memory")
@pytest.mark.parametrize("room", [40, 180])  # too little to open the file of 128 MB, and to copy what is in it
def test_running_out_of_memory_is_told_in_one_line(checkpoint: Any, copied: Any, room: int) -> None:
    load_unified(str(checkpoint("chameleon")))  # whatever is imported on the way
    path = copied("chameleon")
    wide = load_file(path / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        wide[name] = torch.zeros(1 << 19, wide[name].shape[1])  # 64 MB of each
    save_file(wide, path / "model.safetensors", {"format": "pt"})
    change(path, vocab_size=1 << 19)
    del wide
    fork = multiprocessing.get_context("fork")
    hears, told = fork.Pipe(duplex=False)
    process = fork.Process(target=starved, args=(path, room, told))
    process.start()
    process.join()
    assert hears.poll()
    said = hears.recv()
    assert said.startswith(f"{path}: out of memory while it was loaded in float32: give the process more")
    assert "\n" not in said
