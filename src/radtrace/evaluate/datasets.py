"""What trace datasets hold, beside each other, in the shape of MMRad-IVL's Table 1."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from radtrace.build.reading import find_traces
from radtrace.errors import InputError
from radtrace.evaluate.columns import Column
from radtrace.evaluate.tables import Block, Row, Table

_PARTS = (
    "study_id",
    "steps.list.element.rationale",
    "steps.list.element.box.list.element",
    "steps.list.element.image_kind",
)
_HEADS = ("Dataset", "Task", "Grd.", "Reasoning trace", "CoT modality", "Trace structure", "Traces", "Steps", "Words")


@dataclass(slots=True)
class _Counts:
    traces: int = 0
    steps: int = 0
    grounded: int = 0
    pictured: int = 0
    words: int = 0

    def add(self, steps: Sequence[dict[str, object]]) -> None:
        self.traces += 1
        self.steps += len(steps)
        self.grounded += sum(bool(step["box"]) for step in steps)
        self.pictured += sum(step["image_kind"] is not None for step in steps)
        self.words += sum(len(str(step["rationale"]).split()) for step in steps)

    def row(self, name: str) -> Row:
        """A trace has several steps where there is more than one on average."""
        modality = "Text + Img" if self.pictured else "Text" if self.steps else "—"
        structure = "—" if not self.steps else "Multi-step" if self.steps > self.traces else "Single-turn"
        tick = {True: "✓", False: "✗"}
        heads = (name, "Diag.", tick[self.grounded > 0], tick[self.steps > 0], modality, structure, f"{self.traces:,}")
        return Row((*heads, *(f"{count / max(self.traces, 1):.1f}" for count in (self.steps, self.words))), ())


def dataset_table(datasets: Sequence[Path]) -> Table:
    """One row a trace dataset; pictures are not read.

    Raises:  InputError where a path is no trace dataset, and for a study that is there twice.
    """
    rows = tuple(_counted(dataset).row(dataset.resolve().name) for dataset in datasets)
    notes = (
        "Grd.: steps have boxes. Trace structure: multi-step with more than one step a trace on average.",
        "Steps, Words: a trace on average; the words are those of its steps.",
    )
    columns: tuple[Column, ...] = ()
    return Table("Trace datasets (MMRad-IVL, Table 1).", _HEADS, columns, (Block("", rows),), notes, {}, ())


def _counted(dataset: Path) -> _Counts:
    counts = _Counts()
    seen: set[str] = set()
    for path, _ in find_traces(dataset).places:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=500, columns=list(_PARTS)):
                for row in batch.to_pylist():
                    if row["study_id"] in seen:
                        raise InputError(f"{dataset}: doubled id {row['study_id']!r}")
                    seen.add(row["study_id"])
                    counts.add(row["steps"])
    if not counts.traces:
        raise InputError(f"{dataset}: holds no traces")
    return counts
