"""Sentences of our own wording, labelled by hand before the rules that they test: how much of each aspect is read."""

import json
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from radtrace.findings import findings_of

SENTENCES = [json.loads(line) for line in Path(__file__).with_name("sentences.jsonl").read_text("utf-8").splitlines()]
ASPECTS = ("status", "severity", "laterality", "regions", "change")


def read(text: str) -> list[dict[str, Any]]:
    """The findings of a text as the file writes them."""
    return [finding.model_dump(mode="json", exclude={"span"}) for finding in findings_of(text)]


def agreement(one: dict[str, Any], other: dict[str, Any]) -> int:
    return sum(one[aspect] == other[aspect] for aspect in ASPECTS)


def paired(ours: list[dict[str, Any]], gold: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Findings of the same label, in the pairs that agree in most aspects; no sentence has many of one label."""
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for label in {finding["label"] for finding in gold}:
        sides = [[finding for finding in side if finding["label"] == label] for side in (ours, gold)]
        few, many = sorted(sides, key=len)
        best = max(permutations(many, len(few)), key=lambda order: sum(map(agreement, few, order)))
        pairs += zip(few, best, strict=True)
    return pairs


def written(finding: dict[str, Any]) -> str:
    said = ", ".join(filter(None, (finding[aspect] for aspect in ASPECTS if aspect != "regions")))
    return f"{finding['label']}: {said} @ {', '.join(finding['regions'])}"


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    """F1 of labels, of labels with their status, of whole findings; accuracy of each aspect where the label is read."""
    counts: Counter[str] = Counter()
    for sentence in SENTENCES:
        gold, ours = sentence["findings"], read(sentence["text"])
        pairs = paired(ours, gold)
        counts.update(both=len(gold) + len(ours), label=len(pairs))
        counts.update(aspect for one, other in pairs for aspect in ASPECTS if one[aspect] == other[aspect])
        counts["finding"] += sum(one == other for one, other in pairs)
        missed = [finding for finding in gold if finding not in ours]
        false = [finding for finding in ours if finding not in gold]
        if missed or false:
            lines = [f"- {written(finding)}" for finding in missed] + [f"+ {written(finding)}" for finding in false]
            print(sentence["text"], *lines, sep="\n    ")
    f1 = {f"{name} F1": 2 * counts[name] / counts["both"] for name in ("label", "status", "finding")}
    return f1 | {aspect: counts[aspect] / counts["label"] for aspect in ASPECTS}


def test_there_are_enough_sentences() -> None:
    assert len(SENTENCES) >= 200
    assert len({sentence["text"] for sentence in SENTENCES}) == len(SENTENCES)
    assert sum(not sentence["findings"] for sentence in SENTENCES) >= 15


FLOORS = {
    "label F1": 0.98,
    "status F1": 0.98,
    "finding F1": 0.96,
    "status": 0.99,
    "severity": 0.98,
    "laterality": 0.97,
    "regions": 0.98,
    "change": 0.98,
}


@pytest.mark.parametrize("name", FLOORS)
def test_sentences_are_read_as_their_labels_say(scores: dict[str, float], name: str) -> None:
    """`pytest -s` shows each score and each sentence that we read otherwise (- gold, + ours)."""
    print(f"\n{name}: {scores[name]:.3f}")
    assert scores[name] >= FLOORS[name]
