"""Sentences of our own wording as a second reader labelled them, and what we still misread of them.

All but the last hundred or so were labelled before that reader had seen the rules. A block of the files is a sentence
and what it says, a line a finding: label, status ("likely": uncertain, but the best guess), severity and change where
the words give them, "@" its regions. "any" and a missing "@" leave an aspect open; "nowhere" is no region.
"""

from pathlib import Path

import pytest

from radtrace.findings import annotate
from radtrace.records import Finding

ASPECTS = {
    "severity": ("mild", "moderate", "severe"),
    "change": ("new", "improved", "worse", "stable", "resolved"),
}


def blocks(name: str) -> list[tuple[str, list[str]]]:
    """(sentence, what it says) of each block of a file."""
    text = Path(__file__).with_name(name).read_text("utf-8")
    lines = [block.splitlines() for block in text.strip().split("\n\n")]
    return [(sentence, [line.strip() for line in said]) for sentence, *said in lines]


def is_meant(finding: Finding, likely: bool, line: str) -> bool:
    """Whether a finding is what a line of a file says."""
    what, _, regions = line.partition(" @ ")
    label, _, said = what.partition(": ")
    status, *details = said.split(", ")
    aspects = (
        f"any {aspect}" in details or getattr(finding, aspect) == next((d for d in details if d in values), None)
        for aspect, values in ASPECTS.items()
    )
    return (
        finding.label == label
        and finding.status == ("uncertain" if status == "likely" else status)
        and (likely or status != "likely")
        and (not regions or set(finding.regions) == set(regions.split(", ")) - {"nowhere"})
        and all(aspects)
    )


def check(sentence: str, said: list[str]) -> None:
    ours = [pair for each in annotate(sentence) for pair in zip(each.findings, each.likely, strict=True)]
    for line in said:
        found = next((pair for pair in ours if is_meant(*pair, line)), None)
        assert found, line
        ours.remove(found)
    assert not ours


READ = blocks("second_reader.txt")
MISREAD = blocks("misread.txt")


@pytest.mark.parametrize(("sentence", "said"), READ, ids=[sentence for sentence, _ in READ])
def test_a_sentence_is_read_as_the_second_reader_did(sentence: str, said: list[str]) -> None:
    check(sentence, said)


@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.parametrize(("sentence", "said"), MISREAD, ids=[sentence for sentence, _ in MISREAD])
def test_a_sentence_that_we_misread(sentence: str, said: list[str]) -> None:
    check(sentence, said)
