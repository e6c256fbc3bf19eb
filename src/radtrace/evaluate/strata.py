"""What strata the samples of a reference stand in: by source, number of steps and findings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from radtrace.build.reading import find_traces
from radtrace.errors import InputError

_STEPS = "steps.list.element.findings.list.element"
_PARTS = ["study_id", "source", "steps.list.element.rationale", f"{_STEPS}.label", f"{_STEPS}.status"]


def dataset_strata(dataset: Path, split: str | None = None) -> dict[str, dict[str, Any]]:
    """source, steps and present findings of each trace of a dataset, without the pictures.

    Raises:  InputError where there is no dataset or no such split.
    """
    return {name: strata for path, _ in find_traces(dataset, split=split).places for name, strata in _rows(path)}


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=_PARTS):
            for row in batch.to_pylist():
                found = (finding for step in row["steps"] for finding in step["findings"])
                present = {finding["label"] for finding in found if finding["status"] == "present"}
                strata = {"source": row["source"], "steps": len(row["steps"]), "finding": sorted(present)}
                yield row["study_id"], strata


def line_strata(refs: Path) -> dict[str, dict[str, Any]]:
    """The object "strata" of each {"id", "text", "strata"?} line that has one; what is no JSON is left to the scoring.

    Raises:  InputError naming the id whose strata are no object.
    """
    found: dict[str, dict[str, Any]] = {}
    with refs.open("rb") as file:
        for line in file:
            entry = _object(line) if b'"strata"' in line else {}
            strata = entry.get("strata")
            if strata is None:
                continue
            if not isinstance(strata, dict):
                raise InputError(f"{refs}: id {entry.get('id')!r}: 'strata' is no object")
            found[str(entry.get("id"))] = strata
    return found


def _object(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}
