"""Finding traces in a dataset that was built."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from radtrace.build.shards import Row, read_rows, study_ids, study_reports
from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import Box
from radtrace.records import Report, Trace

_AT_ONCE = 20
"""Studies whose pictures are in memory together."""


@dataclass(frozen=True, slots=True)
class Found:
    """Chosen traces, still on the disk. total: how many there were to choose from."""

    places: tuple[tuple[Path, tuple[int, ...]], ...]
    total: int

    @property
    def count(self) -> int:
        """How many were chosen."""
        return sum(len(rows) for _, rows in self.places)

    def rows(self) -> Iterator[Row]:
        """The traces with their pictures, a few in memory at a time."""
        for path, indices in self.places:
            yield from read_rows(path, indices)


def find_traces(
    dataset: Path,
    *,
    split: str | None = None,
    ids: Sequence[str] = (),
    limit: int | None = None,
    seed: int | None = None,
) -> Found:
    """Choose traces of a dataset folder or of one Parquet file.

    Args:    ids: these studies only; limit: at most so many, the first ones or, with a seed, random ones.
    Raises:  InputError where there is no dataset, no such split, or an id that is not in it.
    """
    entries = [(path, index, study) for path in _files(dataset, split) for index, study in enumerate(study_ids(path))]
    total = len(entries)
    if ids:
        wanted = set(ids)
        missing = sorted(wanted - {study for _, _, study in entries})
        if missing:
            raise InputError(f"{dataset}: no trace of study {', '.join(missing)}; see rejected.jsonl")
        entries = [entry for entry in entries if entry[2] in wanted]
    if limit is not None and limit < len(entries):
        entries = entries[:limit] if seed is None else random.Random(seed).sample(entries, limit)  # noqa: S311
    chosen: dict[Path, list[int]] = {}
    for path, index, _ in sorted(entries):
        chosen.setdefault(path, []).append(index)
    return Found(tuple((path, tuple(indices)) for path, indices in chosen.items()), total)


def boxes_of(trace: Trace) -> dict[str, Box]:
    """The regions that a trace places."""
    return {region.name: region.box for step in trace.steps for region in step.regions if region.box}


def usual_boxes(found: Iterable[dict[str, Box]]) -> dict[str, Box]:
    """The mean box of each region."""
    every: dict[str, list[tuple[float, ...]]] = {}
    for boxes in found:
        for name, box in boxes.items():
            every.setdefault(name, []).append((box.x1, box.y1, box.x2, box.y2))
    return {name: Box.of(np.mean(corners, axis=0).tolist()) for name, corners in every.items()}


def read_reports(dataset: Path, split: str | None = None) -> Iterator[tuple[str, Report | None]]:
    """(study, report) of each trace of a dataset folder or of one Parquet file, without the pictures.

    Raises:  InputError where there is no dataset or no such split.
    """
    for path in _files(dataset, split):
        yield from study_reports(path)


def read_together(
    preds: Path, refs: Path, split: str | None = None, dealt: Mapping[str, str] | None = None
) -> Iterator[tuple[Row | None, Row]]:
    """(predicted, reference) of each study of `refs`, with their pictures, a few in memory at a time.

    Args:    dealt: study of `refs` -> the one of `preds` that stands beside it, where that is not the same one.
    Returns: None for a study that `preds` lacks.
    Raises:  InputError where either is no dataset or has no such split, for a doubled study, and for a predicted one
        that is not in `refs`.
    """
    predicted, wanted = _places(preds, split), _places(refs, split)
    for study in predicted:
        if study not in wanted:
            raise InputError(f"{preds}: unknown id {study!r}: not in {refs}")
    studies = iter(wanted)
    while batch := list(islice(studies, _AT_ONCE)):
        taken = [study if dealt is None else dealt.get(study, study) for study in batch]
        mine, theirs = _rows_of(taken, predicted), _rows_of(batch, wanted)
        yield from ((mine.get(other), theirs[study]) for other, study in zip(taken, batch, strict=True))


def _places(dataset: Path, split: str | None) -> dict[str, tuple[Path, int]]:
    """Where each study's row is."""
    places: dict[str, tuple[Path, int]] = {}
    for path in _files(dataset, split):
        for index, study in enumerate(study_ids(path)):
            if study in places:
                raise InputError(f"{dataset}: doubled id {study!r}")
            places[study] = path, index
    return places


def _rows_of(studies: Sequence[str], places: Mapping[str, tuple[Path, int]]) -> dict[str, Row]:
    files: dict[Path, list[int]] = {}
    for study in studies:
        if study in places:
            path, index = places[study]
            files.setdefault(path, []).append(index)
    return {row.trace.study_id: row for path, indices in files.items() for row in read_rows(path, indices)}


def _files(dataset: Path, split: str | None) -> list[Path]:
    if dataset.is_file():
        return [dataset]
    files = sorted((dataset / "data").glob("*.parquet"))
    if not files:
        raise InputError(f"{dataset}: no dataset of traces (no data/*.parquet)")
    if split is None:
        return files
    splits = {path.name.split("-")[0] for path in files}
    if split not in splits:
        raise InputError(f"{dataset}: no split {split!r}: {did_you_mean(split, splits)}")
    return [path for path in files if path.name.split("-")[0] == split]
