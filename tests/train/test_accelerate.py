"""The files for `accelerate launch`: its own loader takes them, and two processes train and shard a tiny model."""

import os
import socket
from pathlib import Path

import pytest
import torch
from tests import tiny
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.multiprocessing import start_processes

from radtrace.models.emu3 import Emu3Unified
from radtrace.models.load import load_unified
from radtrace.models.unified import UnifiedModel
from radtrace.models.vocabulary import code_name

pytest.importorskip("accelerate")

from accelerate import Accelerator
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.state import AcceleratorState

FOLDER = Path(__file__).parents[2] / "recipes" / "accelerate"
FILES = {"fsdp.yaml": "FSDP", "zero2.yaml": "DEEPSPEED"}


def test_each_file_is_known() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_accelerate_takes_it(name: str) -> None:
    path = str(FOLDER / name)
    assert load_config_from_file(path).distributed_type == FILES[name]
    asked = ["--config_file", path, "--num_processes", "4", "-m", "radtrace", "train", "recipe.toml"]
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(asked))
    assert (args.num_processes, args.mixed_precision) == (4, "bf16")
    assert args.use_fsdp == (name == "fsdp.yaml")
    assert args.use_deepspeed == (name == "zero2.yaml")
    if name == "zero2.yaml":
        assert args.zero_stage == 2
    else:
        assert (args.fsdp_version, args.fsdp_state_dict_type) == (2, "FULL_STATE_DICT")
        assert args.fsdp_transformer_layer_cls_to_wrap in UnifiedModel._no_split_modules
        assert "Emu3DecoderLayer" in Emu3Unified._no_split_modules


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    vocabulary = {code_name(code): 4 + code for code in range(16)} | {"<image>": 22}
    tiny.model(40, pad_token_id=None, vocabulary_map=vocabulary, initializer_range=0.02).save_pretrained(
        tmp_path / "tiny"
    )
    return tmp_path / "tiny"


def loaded(path: Path) -> UnifiedModel:
    model: UnifiedModel = load_unified(str(path)).train()
    model.model.vqmodel.requires_grad_(False)  # no loss reaches it, and copies wait for each gradient that they expect
    return model


def trained_and_sharded(rank: int, path: Path, port: int) -> None:
    """What each process does."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)}
    os.environ |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    # a trainer of an earlier test may have set it before the fork
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True)
    assert accelerator.num_processes == 2
    ids = torch.randint(24, 40, (2, 9), generator=torch.Generator().manual_seed(1))

    model = loaded(path)
    whole = model(ids, labels=ids).loss.item()
    wrapped, optimiser = accelerator.prepare(model, torch.optim.SGD(model.parameters(), 0.1))
    own = ids[rank:][:1]
    accelerator.backward(wrapped(own, labels=own).loss)
    optimiser.step()
    both = accelerator.gather(model.lm_head.weight.detach().sum().reshape(1))
    assert both[0] == both[1]  # each saw its own sample; the step is of both

    model = loaded(path)
    asked = load_config_from_file(str(FOLDER / "fsdp.yaml")).fsdp_config["fsdp_transformer_layer_cls_to_wrap"]
    layers = [each for each in model.modules() if type(each).__name__ == asked]
    assert len(layers) == 2
    mesh = init_device_mesh("cpu", (2,))
    for part in (*layers, model):
        fully_shard(part, mesh=mesh)
    loss = model(ids, labels=ids).loss
    loss.backward()
    assert abs(loss.item() - whole) < 1e-5
    assert model.lm_head.weight.to_local().shape[0] == model.lm_head.weight.shape[0] // 2
    accelerator.end_training()


def test_two_processes_train_and_shard_a_model(checkpoint: Path) -> None:
    # on CPU accelerate trains with copies of the model, whatever the file says; torch shards it as it does on GPUs
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    start_processes(trained_and_sharded, (checkpoint, port), nprocs=2, start_method="fork")
