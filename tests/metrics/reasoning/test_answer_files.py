import json

import pytest

from radtrace.errors import InputError
from radtrace.metrics.reasoning import read_answers, vqa

REFERENCES = [
    {"id": "q1", "kind": "choice", "answer": "A", "options": {"A": "Left", "B": "Right"}},
    {"id": "q2", "kind": "set", "answer": ["heart", "lungs"]},
    {"id": 3, "kind": "open", "answer": 2},
    {"id": "q4", "kind": "closed", "answer": "no"},
    {"id": "q5", "kind": "closed", "answer": None},
]


def write(path, *entries):
    path.write_text("\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries), "utf-8")
    return path


def test_pairs_by_id_and_missing_ones_failed(tmp_path):
    preds = write(
        tmp_path / "preds.jsonl",
        {"id": 3, "answer": "2."},
        {"id": "q2", "answer": "lungs"},
        {"id": "q1", "answer": "left"},
        {"id": "q5", "answer": float("nan")},
    )
    answers = read_answers(preds, write(tmp_path / "refs.jsonl", *REFERENCES))
    assert [answer.id for answer in answers] == ["q1", "q2", "3", "q4", "q5"]
    scores = {score.name: score.per_sample for score in vqa(answers)}
    assert scores["vqa_accuracy"] == (1, None, None, 0, None)
    assert scores["vqa_set_f1"][1] == pytest.approx(2 / 3)
    assert scores["vqa_open_exact"][2] == 1


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        ("{", r"preds.*line 1: not JSON"),
        ({"id": "q1", "text": "A"}, r"preds.*line 1: not \{\"id\""),
        ({"id": "q9", "answer": "A"}, r"preds.*unknown id 'q9'"),
        ({"id": "q1", "answer": True}, r"preds.*'q1' is no string"),
    ],
)
def test_wrong_predictions(tmp_path, prediction, message):
    with pytest.raises(InputError, match=message):
        read_answers(write(tmp_path / "preds.jsonl", prediction), write(tmp_path / "refs.jsonl", *REFERENCES))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"id": "q1", "kind": "open", "answer": "x"}, r"refs.*doubled id 'q1'"),
        ({"id": "q6", "answer": "x"}, r"refs.*kind of id 'q6'"),
        ({"id": "q6", "kind": "choice", "answer": "x", "options": ["x"]}, r"refs.*options of id 'q6'"),
        ({"id": "q6", "kind": "choice", "answer": "C", "options": {"A": "x", "B": "y"}}, r"refs.*'q6'.*none of"),
        ({"id": "q6", "kind": "choice", "answer": "A", "options": {"A": "x", "B": "X"}}, r"refs.*'q6'.*two options"),
    ],
)
def test_wrong_references(tmp_path, reference, message):
    preds = write(tmp_path / "preds.jsonl", {"id": "q1", "answer": "A"})
    with pytest.raises(InputError, match=message):
        read_answers(preds, write(tmp_path / "refs.jsonl", *REFERENCES, reference))
