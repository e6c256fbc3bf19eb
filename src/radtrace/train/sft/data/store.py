"""Samples on the disk: written once for a set of traces and the way they are written, then mapped into memory."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.errors import InputError
from radtrace.records import Rejected
from radtrace.runs import cache_root
from radtrace.train.sft.data.samples import Sample

_VERSION = 6
"""Of the files' layout, and of how a `Scribe` writes."""
_COLUMNS = {"ids": np.int32, "kinds": np.uint8, "cells": np.int16}
_ABOUT = "samples.json"


class Samples:
    """A folder of samples, or some of them; the arrays stay on the disk.

    studies: their ids. lengths: tokens of each. truths: (N, F). rejected: traces that became none.

    Raises:  InputError where the folder is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            about: dict[str, Any] = json.loads((path / _ABOUT).read_bytes())
            self.studies: list[str] = about["studies"]
            self.rejected = tuple(Rejected.model_validate(each) for each in about["rejected"])
            ends = np.array(about["ends"], np.int64)
            self.lengths: npt.NDArray[np.int64] = np.diff(ends, prepend=0)
            self._starts = ends - self.lengths
            total, shape = int(ends[-1]), (len(self.studies), about["facts"])
            self._columns = {name: np.memmap(path / name, kind, "r", shape=total) for name, kind in _COLUMNS.items()}
            self.truths = np.fromfile(path / "truths", np.float32).reshape(shape)
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise InputError(f"{path}: damaged; delete the folder") from error

    def __len__(self) -> int:
        return len(self.studies)

    def __getitem__(self, index: int) -> Sample:
        start = int(self._starts[index])
        part = slice(start, start + int(self.lengths[index]))
        arrays = {name: np.asarray(column[part]) for name, column in self._columns.items()}
        return Sample(self.studies[index], **arrays, truths=self.truths[index])

    def only(self, indices: npt.NDArray[np.int64]) -> "Samples":
        """Some of them, in that order."""
        some = copy(self)
        some.studies = [self.studies[int(index)] for index in indices]
        some.lengths, some._starts, some.truths = (
            array[indices] for array in (self.lengths, self._starts, self.truths)
        )
        return some


def kept_samples(key: dict[str, Any], made: Iterable[Sample | Rejected]) -> Samples:
    """The samples of a key from the cache; where they are not there, they are made and kept.

    Args:    key: JSON-ready, all that decides what the samples are.
    Raises:  InputError where there are none.
    """
    digest = hashlib.sha256(json.dumps([_VERSION, key], sort_keys=True).encode()).hexdigest()
    path = cache_root() / "samples" / digest[:32]
    if not path.exists():
        _write(path, made)
    return Samples(path)


def digest_of(paths: Iterable[Path]) -> str:
    """sha256 over files, in their order."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _write(path: Path, made: Iterable[Sample | Rejected]) -> None:
    """The whole folder or nothing, however many write it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.mkdir(parents=True)
    try:
        studies, ends, truths = list[str](), list[int](), list[npt.NDArray[np.float32]]()
        rejected = []
        files = {name: (partial / name).open("wb") for name in _COLUMNS}
        try:
            for sample in made:
                if isinstance(sample, Rejected):
                    rejected.append(sample.model_dump(mode="json"))
                    continue
                for name, kind in _COLUMNS.items():
                    files[name].write(np.ascontiguousarray(getattr(sample, name), kind).tobytes())
                studies.append(sample.study_id)
                ends.append((ends[-1] if ends else 0) + len(sample.ids))
                truths.append(sample.truths)
        finally:
            for file in files.values():
                file.close()
        if not studies:
            raise InputError("no traces to learn from")
        np.stack(truths).astype(np.float32).tofile(partial / "truths")
        about = {"studies": studies, "ends": ends, "facts": len(truths[0]), "rejected": rejected}
        (partial / _ABOUT).write_text(json.dumps(about))
        with suppress(OSError):  # another run was faster
            partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
