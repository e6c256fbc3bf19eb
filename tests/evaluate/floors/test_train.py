import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from radtrace.build.shards import SCHEMA
from radtrace.errors import InputError
from radtrace.evaluate.floors.train import References, read_train
from radtrace.records import Report


def refs(*ids):
    return References(ids, Path("r.jsonl"))


@pytest.fixture
def train(tmp_path):
    texts = {"a": "Clear.", "b": "Effusion.", "c": " ", "d": None}
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items()))
    return path


def test_studies_of_the_references_are_left_out(train):
    found = read_train(train, None, "findings", refs("b", "d", "x"))
    assert (found.texts, found.left_out) == ({"a": "Clear."}, 2)
    assert found.sha256 != read_train(train, None, "findings", refs()).sha256


def test_nothing_left_to_fit_on_is_an_error(train):
    with pytest.raises(InputError, match="no report to fit on: 4 studies, 2 of them among the references"):
        read_train(train, None, "findings", refs("a", "b"))


def test_a_file_has_no_splits(train):
    with pytest.raises(InputError, match="--floors-split"):
        read_train(train, "train", "findings", refs())


def test_a_doubled_study_is_named(train):
    train.write_text(train.read_text() * 2)
    with pytest.raises(InputError, match="doubled id 'a'"):
        read_train(train, None, "findings", refs())


def test_of_many_reports_some_are_drawn_the_same_each_time(train):
    found = read_train(train, None, "findings", refs())
    assert found.sample() == found.texts
    assert found.sample(1) == found.sample(1)
    assert len(found.sample(1)) == 1


def test_films_and_patients_of_the_references_are_left_out(tmp_path):
    def write(name, *studies):
        rows = [
            dict.fromkeys(SCHEMA.names)
            | {"study_id": study, "source": "s", "patient_id": patient, "steps": []}
            | {
                "view": {"id": study, "uri": study, "projection": "PA", "sha256": film},
                "report": Report(findings="Clear.").model_dump(),
            }
            for study, patient, film in studies
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), tmp_path / name)
        return tmp_path / name

    theirs = write("refs.parquet", ("a", "p1", "f1"), ("b", None, None))
    mine = write("train.parquet", ("c", "p1", "f2"), ("d", "p2", "f1"), ("e", None, None), ("b", "p3", "f3"))
    found = read_train(mine, None, "findings", References(("a", "b"), theirs))
    assert (list(found.texts), found.left_out) == (["e"], 3)
