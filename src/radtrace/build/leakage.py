"""What stands in more than one split of a finished dataset, read from its shards: ids and counts, never words."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_COLUMNS = ("study_id", "patient_id", "source", "view.sha256", "report.findings", "report.impression")
_BATCH_ROWS = 1000

_Places = dict[str, set[tuple[str, str]]]
"""Key (an id or a digest) -> (split, study id) where it stands."""


def leakage_of(files: Mapping[Path, str]) -> dict[str, Any]:
    """Studies, patients, images and report texts that stand in more than one split, and images of several studies.

    Images are the same where the bytes of their files are; texts, where findings and impression have the same words,
    whatever their case and blanks. Many normal films have the same report: such texts tell of a benchmark that rewards
    memory, not of a fault in the split. Only ids and digests are held in memory.

    Args:    files: Parquet file of a trace dataset -> split; files of several datasets may be compared.
    Returns: JSON-ready; for each kind the count, and each case with its study ids by split.
    """
    studies: _Places = defaultdict(set)
    patients: _Places = defaultdict(set)
    images: _Places = defaultdict(set)
    texts: _Places = defaultdict(set)
    for path, split in files.items():
        for row in _rows(path):
            place = (split, row["study_id"])
            studies[f"{row['source']}: {row['study_id']}"].add(place)
            if row["patient_id"] is not None:
                patients[f"{row['source']}: {row['patient_id']}"].add(place)
            if row["sha256"] is not None:
                images[row["sha256"]].add(place)
            if row["text"] is not None:
                texts[row["text"]].add(place)
    return {
        "studies_in_several_splits": _report(studies, _splits),
        "patients_in_several_splits": _report(patients, _splits),
        "images_in_several_splits": _report(images, _splits),
        "images_in_several_studies": _report(images, _studies),
        "report_texts_in_several_splits": _report(texts, _splits),
    }


def _splits(places: set[tuple[str, str]]) -> int:
    return len({split for split, _ in places})


def _studies(places: set[tuple[str, str]]) -> int:
    return len({study for _, study in places})


def leaks(report: Mapping[str, Any]) -> dict[str, int]:
    """The counts of a leakage report that are not zero."""
    return {kind: found["count"] for kind, found in report.items() if found["count"]}


def _report(found: _Places, several: Callable[[set[tuple[str, str]]], int]) -> dict[str, Any]:
    """The keys that stand in more than one of what `several` counts."""
    cases = []
    for key, places in sorted(found.items()):
        if several(places) > 1:
            splits = sorted({split for split, _ in places})
            studies = {split: sorted(study for where, study in places if where == split) for split in splits}
            cases.append({"id": key, "studies": studies})
    return {"count": len(cases), "cases": cases}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=list(_COLUMNS)):
        for row in batch.to_pylist():
            report = row["report"] or {}
            words = " ".join(f"{report.get('findings') or ''}\n{report.get('impression') or ''}".casefold().split())
            yield {
                **row,
                "sha256": row["view"]["sha256"],
                "text": hashlib.sha256(words.encode()).hexdigest() if words else None,
            }
