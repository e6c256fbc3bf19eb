"""Of several traces of one study the one to keep: its report says what was decided, and most of what the others say.

Source:  Kumar and Byrne, "Minimum Bayes-Risk Decoding", 2004; the utility is `radtrace.decode.choosing.likeness`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from radtrace.anatomy import FINDINGS
from radtrace.decode.choosing.likeness import Crowd
from radtrace.decode.writer import Draft
from radtrace.dialects.markup import read_report
from radtrace.dialects.parsed import Problems
from radtrace.findings import findings_of
from radtrace.metrics.clinical.priors import compares
from radtrace.records import Report

_FALSE, _DENIED, _OPEN, _BOTH, _MISSED, _COMPARES = 3, 3, 1, 1, 1, 3
"""What a report loses for a finding that is not there, one that is there and denied, one that is not there and left
open, one that is there and both named and denied, one that is there and not named, and for words of comparison with a
film that was not given."""
_OPACITIES = frozenset({"Lung Opacity", "Consolidation", "Pneumonia", "Atelectasis", "Edema", "Lung Lesion"})
"""CheXpert's classes of what makes a lung opaque."""
OPAQUE = frozenset(label for label, kind in FINDINGS.items() if kind.chexpert in _OPACITIES) | {"Fibrosis", "Scarring"}
"""Findings with one of which the lungs are not clear."""
_CLEAR = re.compile(r"\blungs?\b[^.]*\bclear\b(?! of\b)|\bclear\b[^.]*\blungs?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What a text says by rules.

    findings: label -> its statuses. compares: with an earlier film. is_clear: that the lungs are.
    """

    findings: Mapping[str, frozenset[str]]
    compares: bool
    is_clear: bool = False

    @staticmethod
    def all(parts: Iterable["Said"]) -> "Said":
        """What several texts say together."""
        findings: dict[str, frozenset[str]] = {}
        compares = is_clear = False
        for part in parts:
            compares |= part.compares
            is_clear |= part.is_clear
            for label, statuses in part.findings.items():
                findings[label] = findings.get(label, frozenset()) | statuses
        return Said(findings, compares, is_clear)


def chosen(drafts: Sequence[Draft], present: Collection[str] | None, *, prior: bool = False) -> Draft:
    """The trace to keep; of equals the first.

    Only those whose reports agree best with what was decided are compared with each other.

    Args:    drafts: whole traces of one study. present: labels of `FINDINGS` that are there, and no other
        is; None where that is not known. prior: whether an earlier film was given.
    Raises:  ValueError where there is none.
    """
    reports = [report_of(draft) for draft in drafts]
    said = [said_in(f"{report.findings}\n{report.impression}") for report in reports]
    losses = [0 if present is None else disagreement(each, present, prior=prior) for each in said]
    kept = [number for number, loss in enumerate(losses) if loss == min(losses)]
    words = [reports[number].findings or reports[number].impression for number in kept]
    return drafts[kept[most_alike(words)]]


def report_of(draft: Draft) -> Report:
    """The report of a trace; empty where an answer stands in its place."""
    _, _, rest = draft.text.partition("<report>")
    return read_report(rest.partition("</report>")[0], 0, Problems())


@lru_cache(1 << 12)
def said_in(text: str) -> Said:
    """What a text says."""
    findings: dict[str, frozenset[str]] = {}
    for finding in findings_of(text):
        findings[finding.label] = findings.get(finding.label, frozenset()) | {finding.status}
    return Said(findings, compares(text), says_clear(text))


def says_clear(text: str) -> bool:
    """Whether it says that the lungs are clear, and not only of what."""
    return _CLEAR.search(text) is not None


def disagreement(said: Said, present: Collection[str], *, prior: bool = False) -> int:
    """What a text says against what was decided; 0 is nothing."""
    loss = _COMPARES * (said.compares and not prior) + _DENIED * (said.is_clear and not OPAQUE.isdisjoint(present))
    for label, statuses in said.findings.items():
        if label not in present:
            loss += _FALSE if "present" in statuses else _OPEN if "uncertain" in statuses else 0
        elif statuses == {"absent"}:
            loss += _DENIED
        elif "absent" in statuses:
            loss += _BOTH
    return loss + _MISSED * sum(label not in said.findings for label in present)


def most_alike(texts: Sequence[str]) -> int:
    """Which text is on average most like the others; of equals the first.

    Raises:  ValueError where there is none.
    """
    crowd = Crowd(texts)
    worths = [crowd.likeness(text) for text in texts]
    return worths.index(max(worths))
