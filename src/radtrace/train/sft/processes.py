"""One run on several processes, as `accelerate launch` starts them: who prepares, who writes, what cannot be shared."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec

import torch

from radtrace.errors import InputError, MissingExtraError

COUNT = int(os.environ.get("WORLD_SIZE", "1"))
FIRST = int(os.environ.get("RANK", "0")) == 0
"""Whether this process is the one that writes."""


@contextmanager
def first_alone(folder: AbstractContextManager[object]) -> Iterator[None]:
    """The run's folder, which only the first process opens.

    Raises:  MissingExtraError without accelerate, which transformers' Trainer needs.
    """
    if not find_spec("accelerate"):
        raise MissingExtraError("train", "fine-tuning")
    with folder if FIRST else nullcontext():
        yield


@contextmanager
def first_before_others() -> Iterator[None]:
    """What is done within, the other processes do when the first has done it, and find it on the disk."""
    if COUNT == 1:
        yield
        return
    from accelerate import PartialState

    with PartialState(cpu=not torch.cuda.is_available()).main_process_first():
        yield


def check_shared(average: int, quick: str, looks: int) -> None:
    """Raises InputError for settings that need the whole model on one process, where it is spread."""
    spread = [name for name in ("FSDP", "DEEPSPEED") if os.environ.get(f"ACCELERATE_USE_{name}", "").lower() == "true"]
    asked = {"learning.average = 0": average, 'quick = ""': quick, "look.studies = 0": looks}
    wrong = next((setting for setting, value in asked.items() if value), None)
    if spread and wrong:
        raise InputError(f"{spread[0]} spreads the model over processes: set {wrong}")
