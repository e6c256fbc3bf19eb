"""What stands in more than one split of a finished dataset, read from its shards: ids and counts, never words."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_COLUMNS = ("study_id", "patient_id", "source", "view.sha256", "report.findings", "report.impression")
_BATCH_ROWS = 1000

_Places = dict[str, dict[str, set[str]]]
"""Key (an id or a digest) -> split -> study ids."""


def leakage_of(files: Mapping[Path, str]) -> dict[str, Any]:
    """Studies, patients, images and report texts that stand in more than one split, and images of several studies.

    Images are the same where the bytes of their files are; texts, where findings and impression have the same words,
    whatever their case and blanks. Many normal films have the same report: such texts tell of a benchmark that rewards
    memory, not of a fault in the split. Only ids and digests are held in memory.

    Args:    files: Parquet file of a trace dataset -> split; files of several datasets may be compared.
    Returns: JSON-ready; for each kind the count, and each case with its study ids by split.
    """
    studies: _Places = defaultdict(lambda: defaultdict(set))
    patients: _Places = defaultdict(lambda: defaultdict(set))
    images: _Places = defaultdict(lambda: defaultdict(set))
    texts: _Places = defaultdict(lambda: defaultdict(set))
    for path, split in files.items():
        for row in _rows(path):
            study = row["study_id"]
            studies[f"{row['source']}: {study}"][split].add(study)
            if row["patient_id"] is not None:
                patients[f"{row['source']}: {row['patient_id']}"][split].add(study)
            if row["sha256"] is not None:
                images[row["sha256"]][split].add(study)
            if row["text"] is not None:
                texts[row["text"]][split].add(study)
    return {
        "studies_in_several_splits": _report({key: found for key, found in studies.items() if len(found) > 1}),
        "patients_in_several_splits": _report({key: found for key, found in patients.items() if len(found) > 1}),
        "images_in_several_splits": _report({key: found for key, found in images.items() if len(found) > 1}),
        "images_in_several_studies": _report(
            {key: found for key, found in images.items() if len(set[str]().union(*found.values())) > 1}
        ),
        "report_texts_in_several_splits": _report({key: found for key, found in texts.items() if len(found) > 1}),
    }


def leaks(report: Mapping[str, Any]) -> dict[str, int]:
    """The counts of a leakage report that are not zero."""
    return {kind: found["count"] for kind, found in report.items() if found["count"]}


def _report(found: Mapping[str, Mapping[str, set[str]]]) -> dict[str, Any]:
    cases = [
        {"id": key, "studies": {split: sorted(studies) for split, studies in sorted(splits.items())}}
        for key, splits in sorted(found.items())
    ]
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
