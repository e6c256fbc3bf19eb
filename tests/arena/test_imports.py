import json

import pytest

from radtrace.arena import Battle, import_battles, read_battles
from radtrace.errors import InputError


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_chatbot_arena_json(tmp_path):
    # the columns of lmsys/chatbot_arena_conversations and of the arena's clean_battle files
    rows = [
        {"question_id": "q1", "model_a": "x", "model_b": "y", "winner": "model_a", "judge": "arena_user_1", "turn": 1},
        {"question_id": "q2", "model_a": "x", "model_b": "y", "winner": "tie (bothbad)", "conversation_a": ["secret"]},
        {"question_id": 3, "model_a": "y", "model_b": "x", "winner": "both_bad"},
        {"model_a": "y", "model_b": "x", "winner": "x"},
    ]
    assert import_battles(write(tmp_path / "clean_battle.json", rows)) == [
        Battle("x", "y", "a", None, "q1", "arena_user_1"),
        Battle("x", "y", "both_bad", None, "q2"),
        Battle("y", "x", "both_bad", None, "3"),
        Battle("y", "x", "b"),
    ]


def test_tables(tmp_path):
    one_hot = "id,model_a,model_b,winner_model_a,winner_model_b,winner_tie\n1,x,y,0,1,0\n2,x,y,0,0,1\n"
    assert [each.winner for each in import_battles(write(tmp_path / "train.csv", one_hot))] == ["b", "tie"]
    votes = "\ufeffitem\tleft\tright\tvote\tannotator\tpropensity\n7\tx\ty\tright\tr1\t0.25\n"
    assert import_battles(write(tmp_path / "v.tsv", votes)) == [Battle("x", "y", "b", 0.25, "7", "r1")]


def test_our_own_lines_pass_unchanged(tmp_path):
    path = write(tmp_path / "b.jsonl", '{"a": "x", "b": "y", "winner": "tie", "propensity": 0.5, "id": "1"}\n\n')
    assert import_battles(path) == read_battles(path) == [Battle("x", "y", "tie", 0.5, "1")]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("b.json", "{", "b.json: not JSON"),
        ("b.json", "{}", "not a JSON array"),
        ("b.json", "[]", "holds no battle"),
        ("b.json", "[3]", "entry 1: not an object"),
        ("b.json", [{"model_a": "x", "model_b": "y"}], "entry 1: winner None"),
        ("b.json", [{"model_a": "x", "model_b": "y", "winner": "modelb"}], "valid: a, b, both_bad, tie"),
        ("b.json", [{"model_a": "b", "model_b": "y", "winner": "b"}], "name of a model and of a side"),
        ("b.jsonl", '{"a": "x"}\n', "line 1"),
        ("b.jsonl", '{"a": "x", "b": "y", "winner": "a"}\nno\n', "line 2: not JSON"),
        ("b.csv", "model_a,model_b,winner_model_a,winner_tie\nx,y,1,1\n", "line 2: 2 of winner_model_a"),
        ("b.csv", "a,b,winner,propensity\nx,y,a,often\n", "propensity 'often' is no number"),
        ("b.csv", "a,b,winner\nx,x,a\n", "stands on both sides"),
        ("b.xlsx", "", "a .json, .jsonl, .csv or .tsv file is needed"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, fault):
    with pytest.raises(InputError) as caught:
        import_battles(write(tmp_path / name, content))
    assert fault in str(caught.value)
    assert name in str(caught.value)


def test_missing_files_and_wrong_encodings(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        import_battles(tmp_path / "none.json")
    (tmp_path / "latin.csv").write_bytes(b"a,b,winner\nx\xe9,y,a\n")
    with pytest.raises(InputError, match="not UTF-8"):
        import_battles(tmp_path / "latin.csv")
    (tmp_path / "latin.json").write_bytes(b'["\xe9"]')
    with pytest.raises(InputError, match="not UTF-8"):
        import_battles(tmp_path / "latin.json")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"a": "x", "b": "y", "winner": "A"}', "valid: a, b, both_bad, tie"),
        ('{"a": "x", "b": "x", "winner": "a"}', "both sides"),
        ('{"a": "", "b": "x", "winner": "a"}', "'a' does not name a model"),
        ('{"a": "x", "winner": "a"}', "'b' does not name a model"),
        ('{"a": 1, "b": "x", "winner": "a"}', "'a' does not name a model"),
        ('{"a": "x", "b": "y", "winner": ["a"]}', "winner"),
        ('{"a": "x", "b": "y", "winner": "a", "propensity": 0}', "propensity 0"),
        ('{"a": "x", "b": "y", "winner": "a", "propensity": 1e-320}', "propensity 1e-320"),
        ('{"a": "x", "b": "y", "winner": "a", "propensity": NaN}', "propensity nan"),
        ('{"a": "x", "b": "y", "winner": "a", "propensity": 1.5}', "propensity 1.5"),
        ('{"a": "x", "b": "y", "winner": "a", "propensity": true}', "propensity True"),
        ("[]", "not {"),
        ("{", "not JSON"),
    ],
)
def test_wrong_battles_are_named_by_line(tmp_path, line, fault):
    path = write(tmp_path / "b.jsonl", '{"a": "x", "b": "y", "winner": "tie"}\n' + line + "\n")
    with pytest.raises(InputError) as caught:
        read_battles(path)
    assert fault in str(caught.value)
    assert "line 2" in str(caught.value)
