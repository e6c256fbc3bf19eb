"""Trace datasets beside each other."""

import shutil
from pathlib import Path

import pytest

from radtrace.build.case import Case
from radtrace.build.shards import SCHEMA, ShardWriter, to_row
from radtrace.errors import InputError
from radtrace.evaluate.datasets import dataset_table
from radtrace.records import Step, Study, Trace, View


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two traces, of one and of two steps."""
    import pyarrow as pa

    folder = tmp_path / "out"
    (folder / "data").mkdir(parents=True)
    writer = ShardWriter(folder / "data" / "train-00000.parquet")
    view = View(id="v", uri="f", projection="PA", width=8, height=8)
    rows = []
    for name, count in (("a", 1), ("b", 2)):
        steps = (Step(domain="lung", rationale="The lungs are clear."),) * count
        trace = Trace(study_id=name, view=view, steps=steps)
        case = Case(Study(id=name, source="own", views=(view,)), trace, b"", (None,) * count)
        rows.append(to_row(case))
    writer.write(pa.Table.from_pylist(rows, schema=SCHEMA))
    writer.close()
    return folder


def test_a_row_by_hand(dataset):
    (block,) = dataset_table([dataset]).blocks
    # 3 steps and 12 words in 2 traces, without boxes and pictures.
    assert block.rows[0].heads[-6:] == ("✓", "Text", "Multi-step", "2", "1.5", "6.0")


def test_a_study_that_is_there_twice_is_an_error(dataset):
    data = dataset / "data"
    shutil.copy(data / "train-00000.parquet", data / "val-00000.parquet")
    with pytest.raises(InputError, match="doubled id 'a'"):
        dataset_table([dataset])
