"""Is it clean English: faults that a reader of a report stumbles over, and how often true reports have them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from radtrace.dialects.mending.blanks import BLANK
from radtrace.findings import findings_of
from radtrace.metrics.clinical.priors import compares
from radtrace.reports import dangles, has_words, sentences

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_TWICE = re.compile(r"\b([a-z]+) \1\b", re.IGNORECASE)
_ENDS = (".", "!", "?", ")", '"')
_NAMED = 20

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class English:
    """How many of the reports have a fault.

    count: reports; faults: check -> the studies; reference: check -> the share of the reference reports.
    different: share of reports that differ from each other; reference_different: of the references.
    """

    count: int
    faults: Mapping[str, tuple[str, ...]]
    reference: Mapping[str, float]
    different: float
    reference_different: float

    @property
    def clean(self) -> float:
        """Share of the reports without any fault; what contradicts itself or compares is counted apart."""
        faulty = {study for name, ids in self.faults.items() if name not in _OF_MEANING for study in ids}
        return 1 - len(faulty) / self.count if self.count else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values; the first studies of each fault are named."""
        return {
            "reports": self.count,
            "different": self.different,
            "reference_different": self.reference_different,
            "clean": self.clean,
            "faults": {
                name: {
                    "count": len(ids),
                    "share": len(ids) / self.count if self.count else None,
                    "reference_share": self.reference[name],
                    "studies": list(ids[:_NAMED]),
                }
                for name, ids in self.faults.items()
            },
        }


_OF_MEANING = frozenset({"comparison_without_prior", "contradiction"})


def english(texts: Mapping[str, str], references: Iterable[str], known: Collection[str] | None) -> English:
    """Check reports with words, and the references alike.

    Args:    texts: study -> report. known: words of the training reports, lower case; see `checks_of`.
    """
    checks = checks_of(known)
    said = {study: text for study, text in texts.items() if has_words(text)}
    true = [text for text in references if has_words(text)]
    return English(
        len(said),
        {name: tuple(study for study, text in said.items() if check(text)) for name, check in checks.items()},
        {name: sum(map(check, true)) / max(1, len(true)) for name, check in checks.items()},
        _different(said.values()),
        _different(true),
    )


def _different(texts: Collection[str]) -> float:
    return len({normalised(text) for text in texts}) / max(1, len(texts))


def checks_of(known: Collection[str] | None) -> dict[str, Check]:
    """Name -> whether a report has the fault; without known words no word is called unknown."""
    checks: dict[str, Check] = {
        "blank": lambda text: BLANK.search(text) is not None,
        "repeated_sentence": _repeats,
        "repeated_word": lambda text: _TWICE.search(BLANK.sub(".", text)) is not None,
        "unfinished": lambda text: not text.rstrip().endswith(_ENDS) or any(map(dangles, _sentences(text))),
        "lower_case_start": lambda text: any(one[:1].islower() for one in _sentences(text)),
        "open_bracket": lambda text: text.count("(") != text.count(")"),
        "comparison_without_prior": compares,
        "contradiction": contradicts,
    }
    if known is not None:
        checks["unknown_word"] = lambda text: any(word not in known for word in words(text))
    return checks


def normalised(text: str) -> str:
    """Lower-case words and numbers alone: reports that differ in stops or blanks only are one."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def words(text: str) -> list[str]:
    """Lower-case words, blanks of de-identification left out."""
    return _WORD.findall(BLANK.sub(" ", text).lower())


def _sentences(text: str) -> list[str]:
    return [text[span.start : span.end] for span in sentences(text)]


def _repeats(text: str) -> bool:
    counts = Counter(filter(None, map(normalised, _sentences(text))))
    return any(count > 1 for count in counts.values())


def contradicts(text: str) -> bool:
    """Whether a finding is both there and not there, in the same places."""
    held: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for finding in findings_of(text):
        held.setdefault((finding.label, tuple(sorted(finding.regions))), set()).add(finding.status)
    return any({"present", "absent"} <= found for found in held.values())
