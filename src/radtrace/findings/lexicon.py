"""The phrase tables compiled to tries, and the words of a sentence read with them.

Phrases are matched token by token, the longest first, so the time does not grow with their number.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from itertools import product
from typing import Literal, cast

from radtrace.anatomy import FINDINGS, PLACES, STATES, FindingKind, Place, StateKind
from radtrace.records import Change, Laterality, Severity

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:\.\d+)?|[,;:/?>.]")
_GROUP = re.compile(r"\(([^()]*)\)")
_NEGATED = "n't"
_PLURALS = {
    "apices": "apex",
    "bases": "base",
    "bullae": "bulla",
    "diaphragms": "diaphragm",
    "foci": "focus",
    "granulomata": "granuloma",
    "hila": "hilum",
    "masses": "mass",
    "metastases": "metastasis",
    "pneumothoraces": "pneumothorax",
    "sinuses": "sinus",
    "sulci": "sulcus",
    "vertebrae": "vertebra",
}


@cache
def fold(word: str) -> str:
    """A word in lower case and in the singular, so that one phrase serves both numbers; not always a real word."""
    word = word.lower().removesuffix("'s")
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@dataclass(frozen=True, slots=True)
class Words:
    """The folded words of a sentence, and where each stands in it."""

    folded: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def words_of(sentence: str) -> Words:
    """The tokens of a sentence: words, numbers, and the punctuation that parts clauses; hyphens are blanks.

    "isn't" is two of them, "is" and "not".
    """
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(sentence.replace("\u2019", "'")):
        word, start, end = match[0], match.start(), match.end()
        if len(word) > len(_NEGATED) and word.lower().endswith(_NEGATED):
            cut = end - len(_NEGATED)
            folded += ("can" if word.lower() == "can't" else fold(word[: cut - start]), "not")
            starts += (start, cut)
            ends += (cut, end)
        else:
            folded.append(fold(word))
            starts.append(start)
            ends.append(end)
    return Words(tuple(folded), tuple(starts), tuple(ends))


def phrases(pattern: str) -> Iterator[tuple[str, ...]]:
    """The folded phrases that a table's pattern stands for: "(left|) lower lobes" is two."""
    parts = _GROUP.split(pattern)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    for choice in product(*choices):
        yield words_of(" ".join(choice)).folded


@dataclass(slots=True)
class Term:
    """What a phrase of a report means; a phrase may be a finding, a predicate and a cue at once."""

    finding: FindingKind | None = None
    states: dict[str, list[StateKind]] = field(default_factory=dict)
    cues: set[str] = field(default_factory=set)
    place: Place | None = None
    side: Laterality | None = None
    severity: Severity | None = None
    change: Change | Literal["changed"] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A phrase in a sentence: tokens [start, end) and what they mean."""

    start: int
    end: int
    term: Term


class _Node(dict[str, "_Node"]):
    term: Term | None = None


class Trie:
    """Phrases -> terms; in a sentence the longest match wins and matches do not overlap."""

    def __init__(self) -> None:
        self._root = _Node()

    def terms(self, patterns: Iterable[str]) -> Iterator[Term]:
        """The terms of these phrases, made where they are new."""
        for pattern in patterns:
            for phrase in phrases(pattern):
                node = self._root
                for word in phrase:
                    node = node.setdefault(word, _Node())
                node.term = node.term or Term()
                yield node.term

    def words(self) -> set[str]:
        """All words of the phrases."""
        nodes, words = [self._root], set[str]()
        while nodes:
            node = nodes.pop()
            words.update(node)
            nodes.extend(node.values())
        return words

    def scan(self, words: Sequence[str]) -> list[Match]:
        """The phrases in a sentence, in order."""
        found: list[Match] = []
        start = 0
        while start < len(words):
            node = self._root.get(words[start])
            best, end, at = None, start + 1, start + 1
            while node is not None:
                if node.term:
                    best, end = node.term, at
                node = node.get(words[at]) if at < len(words) else None
                at += 1
            if best:
                found.append(Match(start, end, best))
            start = end
        return found


@cache
def _cue_tables() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(resources.files(__package__).joinpath("cues.toml").read_text("utf-8"))


def word_set(name: str) -> frozenset[str]:
    """The folded words of a list in the table `words` of cues.toml."""
    return frozenset(fold(word) for word in _cue_tables()["words"][name])


def _statements() -> Trie:
    trie = Trie()
    for kind in FINDINGS.values():
        for term in trie.terms(kind.words):
            if term.finding not in (None, kind):
                raise ValueError(f"findings.toml: a phrase stands under both {term.finding.label!r} and {kind.label!r}")
            term.finding = kind
    for state in STATES:
        for term in trie.terms(state.words):
            for key in state.of:
                term.states.setdefault(key, []).append(state)
    for cue, patterns in _cue_tables()["cues"].items():
        for term in trie.terms(patterns):
            term.cues.add(cue)
    return trie


def _places() -> Trie:
    trie = Trie()
    tables = _cue_tables()
    for place in PLACES:
        for term in trie.terms(place.words):
            term.place = place
    for side, patterns in tables["sides"].items():
        for term in trie.terms(patterns):
            term.side = cast("Laterality", side) if side != "neither" else None
    for severity, patterns in tables["severity"].items():
        for term in trie.terms(patterns):
            term.severity = cast("Severity", severity)
    return trie


def _changes() -> Trie:
    trie = Trie()
    for change, patterns in _cue_tables()["changes"].items():
        for term in trie.terms(patterns):
            term.change = cast('Change | Literal["changed"]', change) if change != "neither" else None
    return trie


STATEMENTS = _statements()
"""Findings, predicates and the cues of their status."""

MODIFIERS = _places()
"""Places, sides and severities; read apart, since "apical pneumothorax" is a finding and a place."""

CHANGES = _changes()
"""Words of comparison with an earlier film; read apart, since "has resolved" is a denial too."""


def _denials() -> dict[str, dict[str, list[FindingKind]]]:
    denials: dict[str, dict[str, list[FindingKind]]] = {}
    for state in STATES:
        for cue, key in product(state.denied_by, state.of):
            denials.setdefault(cue, {}).setdefault(key, []).append(FINDINGS[state.label])
    return denials


DENIALS = _denials()
"""Cue such as "normal" -> place key -> the findings that it denies when said of that place."""

_SPELLINGS = sorted(word_set("spelled"))
_SHORTEST = min(map(len, _SPELLINGS)) - 1
_KNOWN = STATEMENTS.words() | MODIFIERS.words() | CHANGES.words()


@lru_cache(1 << 14)
def spelled(word: str) -> str:
    """A folded word as it is spelled, where it is one of the long names of cues.toml but for one slip."""
    if len(word) < _SHORTEST or word in _KNOWN:
        return word
    return next((name for name in _SPELLINGS if _is_slip(word, name)), word)


def _is_slip(word: str, name: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two neighbours have changed places."""
    if abs(len(word) - len(name)) > 1:
        return False
    start = _agreeing(word, name)
    end = _agreeing(word[start:][::-1], name[start:][::-1])
    one, other = word[start : len(word) - end], name[start : len(name) - end]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _agreeing(one: str, other: str) -> int:
    """How many first letters two words share."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) == 2), min(len(one), len(other))
    )
