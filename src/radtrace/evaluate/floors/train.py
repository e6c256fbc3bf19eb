"""What floors are fitted on: reports of a trace dataset, or of JSON Lines, that are not among the references."""

import hashlib
import json
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from radtrace.build.reading import Found, find_traces
from radtrace.errors import InputError
from radtrace.evaluate.pairing import is_dataset, read_texts

SPLIT = "train"
"""Of a folder, where no other is named."""
EVERY = "all"
"""Means every split."""
MOST = 3000
"""Reports that constants are fitted on; of more, so many are drawn."""


@dataclass(frozen=True, slots=True)
class Train:
    """Training reports by study, those with words.

    split: of the dataset's folder, None where it is not parted into any or all are taken; left_out: studies that are
    among the references too, by id, film or patient. sha256: of ids and texts.
    """

    path: Path
    split: str | None
    texts: dict[str, str]
    left_out: int
    sha256: str

    @property
    def has_films(self) -> bool:
        """Whether it is a trace dataset."""
        return is_dataset(self.path)

    def traces(self) -> Found:
        """The traces of these studies, for `has_films` only."""
        return find_traces(self.path, split=self.split, ids=list(self.texts))

    def sample(self, most: int = MOST) -> dict[str, str]:
        """All reports, or so many of them drawn with the seed 0, in their order."""
        if len(self.texts) <= most:
            return self.texts
        drawn = set(random.Random(0).sample(list(self.texts), most))  # noqa: S311
        return {study: text for study, text in self.texts.items() if study in drawn}

    @property
    def said(self) -> dict[str, object]:
        """How signatures name it."""
        return {"train": f"sha256-{self.sha256[:12]}", "n": len(self.texts), "left_out": self.left_out}


@dataclass(frozen=True, slots=True)
class References:
    """What nothing is fitted on. ids: of the studies; refs, split: where they are from."""

    ids: Collection[str]
    refs: Path
    split: str | None = None


def read_train(path: Path, split: str | None, section: str, references: References) -> Train:
    """The training reports without those of the references' studies and, of two datasets, of their films and patients.

    Args:    split: None means "train" of a folder, everything of a file; "all" means every split.
    Raises:  InputError where there is no such dataset, file or split, a study is there twice, or none is left.
    """
    if split is not None and not path.is_dir():
        raise InputError(f"--floors-split: {path} is one file, which has no splits")
    split = None if split == EVERY or not path.is_dir() else split or SPLIT
    texts: dict[str, str | None] = {}
    for study, text in read_texts(path, split, section):
        if study in texts:
            raise InputError(f"{path}: doubled id {study!r}")
        texts[study] = text
    shared = texts.keys() & set(references.ids)
    if is_dataset(path) and is_dataset(references.refs):
        theirs = {mark for _, marks in _marks(references.refs, references.split) for mark in marks}
        shared |= {study for study, marks in _marks(path, split) if not theirs.isdisjoint(marks)}
    kept = {study: text for study, text in texts.items() if study not in shared and text and text.strip()}
    if not kept:
        raise InputError(
            f"--floors {path}: no report to fit on: {len(texts)} studies, {len(shared)} of them among the references"
        )
    digest = hashlib.sha256(json.dumps(sorted(kept.items())).encode())
    return Train(path, split, kept, len(shared), digest.hexdigest())


def _marks(dataset: Path, split: str | None) -> Iterator[tuple[str, set[tuple[str, ...]]]]:
    """(study, by what else it can be known: its film's bytes, its patient) of each trace."""
    for path, _ in find_traces(dataset, split=split).places:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["study_id", "source", "patient_id", "view.sha256"]):
                for row in batch.to_pylist():
                    film, patient = row["view"]["sha256"], row["patient_id"]
                    marks = {("film", film)} if film else set()
                    yield row["study_id"], marks | ({("patient", row["source"], patient)} if patient else set())
