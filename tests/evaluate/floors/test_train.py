import json

import pytest

from radtrace.errors import InputError
from radtrace.evaluate.floors.train import read_train


@pytest.fixture
def train(tmp_path):
    texts = {"a": "Clear.", "b": "Effusion.", "c": " ", "d": None}
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items()))
    return path


def test_studies_of_the_references_are_left_out(train):
    found = read_train(train, None, "findings", {"b", "d", "x"})
    assert (found.texts, found.left_out) == ({"a": "Clear."}, 2)
    assert found.sha256 != read_train(train, None, "findings", ()).sha256


def test_nothing_left_to_fit_on_is_an_error(train):
    with pytest.raises(InputError, match="no report to fit on: 4 studies, 2 of them among the references"):
        read_train(train, None, "findings", {"a", "b"})


def test_a_file_has_no_splits(train):
    with pytest.raises(InputError, match="--floors-split"):
        read_train(train, "train", "findings", ())


def test_a_doubled_study_is_named(train):
    train.write_text(train.read_text() * 2)
    with pytest.raises(InputError, match="doubled id 'a'"):
        read_train(train, None, "findings", ())


def test_of_many_reports_some_are_drawn_the_same_each_time(train):
    found = read_train(train, None, "findings", ())
    assert found.sample() == found.texts
    assert found.sample(1) == found.sample(1)
    assert len(found.sample(1)) == 1
