"""Checkpoints of which a half-written one is known, so that a run killed at any moment goes on."""

import os
import shutil
from pathlib import Path

from radtrace.runs import write_atomically

_COMPLETE = "complete"
"""Written last, when all else is on the disk."""


def finished(folder: Path) -> None:
    """Mark a checkpoint as whole."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    write_atomically(folder / _COMPLETE, "")


def newest(folder: Path) -> Path | None:
    """The last whole checkpoint of a run."""
    found = [path for path in folder.glob("checkpoint-*") if (path / _COMPLETE).exists()]
    return max(found, key=step_of, default=None)


def tidied(folder: Path) -> None:
    """Delete checkpoints that a kill left half written, and those that a run begun again has to make anew."""
    for path in folder.glob("checkpoint-*"):
        if not (path / _COMPLETE).exists():
            shutil.rmtree(path)


def step_of(checkpoint: Path) -> int:
    """The steps that were done."""
    return int(checkpoint.name.rpartition("-")[2])
