"""Texts in which every sentence states something: no bare heading, no broken end, nothing that was denied already."""

import re
from collections.abc import Iterable
from functools import lru_cache

from radtrace.findings import findings_of
from radtrace.reports import dangles, sentences

_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")
_ENDS = (".", "!", "?", ")", '"')
_STATE = re.compile(r"clear|normal|intact|unremarkable|negative|stable|limited", re.IGNORECASE)
_HEADING = 2
"""Words of a heading at most: "Chest.", "Right knee." as reports of several examinations have them."""
_Sentence = tuple[str, frozenset[tuple[str, str]]]
"""Its text, and labels with their statuses."""


def once(texts: Iterable[str]) -> list[str]:
    """Each text without the other sentences, as many texts as there were."""
    said: set[tuple[str, str]] = set()
    kept = []
    for text in texts:
        left = []
        for sentence, states in _stated(text):
            if not (states and states <= said and all(status == "absent" for _, status in states)):
                left.append(sentence)
            said |= states
        kept.append(" ".join(left))
    return kept


@lru_cache(1 << 12)
def _stated(text: str) -> tuple[_Sentence, ...]:
    texts = (_ended(text[span.start : span.end]) for span in sentences(text))
    found = ((one, frozenset((each.label, each.status) for each in findings_of(one))) for one in texts)
    return tuple((one, states) for one, states in found if not dangles(one) and (states or not is_heading(one)))


def _ended(sentence: str) -> str:
    """With one stop at its end."""
    return _STOPS.sub(".", sentence if sentence.endswith(_ENDS) else f"{sentence}.")


def is_heading(sentence: str) -> bool:
    """Whether it only names what comes."""
    return len(sentence.split()) <= _HEADING and not _STATE.search(sentence)
