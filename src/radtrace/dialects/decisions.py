"""The finding decision of a step, from closed vocabularies: "cardiomegaly present mild; pleural effusion absent left".

Label, status, then what is known of severity, side and change, always in that order and in one word each; "none" where
the step says no finding. So a small model decides by a few tokens, each of which a classifier can set or weigh, and
then writes the words that follow from them.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import get_args

from radtrace.anatomy import FINDINGS
from radtrace.dialects.parsed import Problems
from radtrace.records import Change, Finding, Laterality, Severity, Status

NONE = "none"
BETWEEN = "; "
LABELS: dict[str, str] = {label.lower(): label for label in FINDINGS}
"""As a decision writes it -> name of `radtrace.anatomy.FINDINGS`."""

_LABEL_BEGINNINGS = frozenset(label[:end] for label in LABELS for end in range(len(label) + 1))
_ATTRIBUTES: tuple[tuple[str, ...], ...] = tuple(get_args(kind) for kind in (Status, Severity, Laterality, Change))
_STATUS, *_OPTIONAL = ("|".join(words) for words in _ATTRIBUTES)
_ITEM = re.compile(rf"(.{{1,60}}?) ({_STATUS})" + "".join(rf"(?: ({words}))?" for words in _OPTIONAL), re.ASCII)
_SPACES = re.compile(r"\s+")


def decision_text(findings: Iterable[Finding]) -> str:
    """The decision; what is said twice stands once, and a finding that is not in the vocabulary is left out."""
    items = dict.fromkeys(" ".join(filter(None, _words(finding))) for finding in findings if finding.label in FINDINGS)
    return BETWEEN.join(items) or NONE


def _words(finding: Finding) -> tuple[str | None, ...]:
    return finding.label.lower(), finding.status, finding.severity, finding.laterality, finding.change


def read_decision(text: str, at: int, problems: Problems) -> tuple[Finding, ...]:
    """The findings that a decision names, without spans and regions; an unreadable item is a problem and left out."""
    findings = []
    for item in text.split(BETWEEN.strip()):
        words = _SPACES.sub(" ", item.strip()).lower()
        match = _ITEM.fullmatch(words)
        if match and match[1] in LABELS:
            findings.append(_finding(match))
        elif words != NONE:
            problems.add("finding unreadable", at)
        at += len(item) + 1
    return tuple(findings)


def _finding(match: re.Match[str]) -> Finding:
    label, status, severity, laterality, change = match.groups()
    return Finding.model_validate(
        {
            "label": LABELS[label],
            "status": status,
            "severity": severity,
            "laterality": laterality,
            "change": change,
        }
    )


@lru_cache(4096)
def begins_item(text: str) -> bool:
    """Whether an item of a decision, as `decision_text` writes it, can begin with this text."""
    if text in _LABEL_BEGINNINGS:
        return True
    spaces = (at for at, character in enumerate(text) if character == " " and text[:at] in LABELS)
    return any(_begins_attributes(text[at + 1 :], 0) for at in spaces)


@lru_cache(4096)
def is_item(text: str) -> bool:
    """Whether this is a whole item."""
    match = _ITEM.fullmatch(text)
    return match is not None and match[1] in LABELS


def _begins_attributes(text: str, kind: int) -> bool:
    """Whether words of the attributes from `kind` on can begin so; the status is the one that may not be left out."""
    for number in range(kind, len(_ATTRIBUTES) if kind else 1):
        for word in _ATTRIBUTES[number]:
            if word.startswith(text):
                return True
            if text.startswith(f"{word} ") and _begins_attributes(text.removeprefix(f"{word} "), number + 1):
                return True
    return False
