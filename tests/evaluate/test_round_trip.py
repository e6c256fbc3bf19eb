"""What `score` writes is what `compare` and `report` read."""

import json
from pathlib import Path

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.evaluate.comparison import Plan, compare
from radtrace.evaluate.scored import read_scored
from radtrace.evaluate.strata import line_strata
from radtrace.metrics import preset, score
from radtrace.metrics.pairs import Pair
from radtrace.metrics.score_file import ScoreFile

NAMES = ["chexpert_rules", "prior_hallucination", "bleu", "rouge_l", "cider_d"]
PAIRS = [
    Pair("a", "The heart is enlarged. Small left effusion.", "Cardiomegaly. Small left pleural effusion."),
    Pair("b", "No acute disease.", "The lungs are clear. No acute disease."),
    Pair("c", None, "Right lower lobe pneumonia with a small effusion."),
    Pair("d", "Clear lungs.", ""),
    Pair("e", "Stable cardiomegaly, unchanged.", "Mild cardiomegaly. No effusion or pneumothorax."),
]


def _written(path: Path, pairs: list[Pair], names: list[str] = NAMES) -> object:
    with ScoreFile(path, {"a": {"source": "x", "finding": ["Edema"]}}) as file:
        result = score([pairs[:2], pairs[2:]], names, preset("r2gen"), file.add)
        assert not path.exists()
        file.finish(result)
    return result


def test_every_metric_sums_up_from_the_file(tmp_path: Path) -> None:
    result = _written(tmp_path / "s.jsonl", PAIRS)
    found = read_scored(tmp_path / "s.jsonl")  # it recomputes every corpus value and refuses what differs
    assert found.ids == ("a", "b", "c", "d", "e")
    assert found.failed.tolist() == [False, False, True, False, False]
    assert found.strata[0]["finding"] == ("Edema",)
    assert set(found.metrics) == set(result.scores)
    for name, value in result.scores.items():
        assert found.metrics[name].summed, name
        assert found.metrics[name].value == (None if value is None else pytest.approx(value)), name
    assert found.metrics["bleu_4"].scored.tolist() == [True, True, True, False, True]
    assert found.metrics["prior_hallucination"].lower
    assert [path.name for path in tmp_path.iterdir()] == ["s.jsonl"]


def test_the_file_is_compared_with_itself_and_with_a_better_one(tmp_path: Path) -> None:
    _written(tmp_path / "a.jsonl", PAIRS)
    _written(tmp_path / "b.jsonl", [Pair(pair.id, pair.reference, pair.reference) for pair in PAIRS])
    a, b = (read_scored(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    plan = Plan(resamples=100, permutations=100)
    assert all(row.difference == 0 and row.permutation.p == 1 for row in compare(a, a, list(a.metrics), plan))
    (row,) = compare(a, b, ["bleu_1"], plan)
    assert row.second == pytest.approx(1)
    assert row.permutation.p == 2 / 16
    assert row.permutation.exact


def test_what_is_not_finished_leaves_no_file(tmp_path: Path) -> None:
    with ScoreFile(tmp_path / "s.jsonl") as file:
        score([PAIRS], ["rouge_l"], preset("r2gen"), file.add)
    assert list(tmp_path.iterdir()) == []


def test_strata_of_reference_lines(tmp_path: Path) -> None:
    path = tmp_path / "refs.jsonl"
    lines = [{"id": 1, "text": "x", "strata": {"source": "y"}}, {"id": "b", "text": 'the word "strata"'}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + 'no JSON: "strata"\n')
    assert line_strata(path) == {"1": {"source": "y"}}
    path.write_text('{"id": "b", "text": "x", "strata": ["y"]}\n')
    with pytest.raises(InputError, match="id 'b': 'strata' is no object"):
        line_strata(path)


def test_sums_of_many_samples_agree_with_the_stated_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{k}" for k in range(40)]
    texts = [" ".join(rng.choice(words, 30)) for _ in range(400)]
    pairs = [Pair(str(k), text[: len(text) // 2], text) for k, text in enumerate(texts)]
    _written(tmp_path / "s.jsonl", pairs, ["bleu", "bleu_sacrebleu"])
    assert read_scored(tmp_path / "s.jsonl").metrics["bleu_sacrebleu"].summed
