"""Which words a trace may write, kept to token by token."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, Self

BLANKS: tuple[str, ...] = ("xx",)
COMPARING: tuple[str, ...] = (
    "unchanged", "compar", "prior", "interval", "previous", "stable", "stabil", "again", "new", "newly", "earlier",
    "improv", "worse", "redemonstrat", "persist", "resol", "progress", "since", "similar", "now", "remain", "continu",
)  # fmt: skip
"""Words that speak of an earlier film, or beginnings of them."""

_WHOLE = frozenset(("new", "now", "since", "again"))
"""Banned as whole words only: "newborn" is none of them."""
_RUN = re.compile(r"[a-z]+")
_TAIL = re.compile(r"[a-z]*\Z")
_LONGEST = 32
"""Letters of a word at most."""
_BEGUN = 5
"""Letters of a banned word from which on it is not begun either: what is spelled so far leads to nothing else."""


class Spelling(Protocol):
    """Tells of any token whether it may come next. Two that are equal tell the same."""

    def key(self, text: str) -> str:
        """Of the word that is being written at a text's end, as much as matters."""
        ...

    def takes(self, key: str, text: str) -> bool:
        """Whether text may follow what `key` tells of the text before it."""
        ...


@dataclass(frozen=True, slots=True)
class Ban:
    """A `Spelling`: any words but some. beginnings: of words that are not written, in lower case."""

    beginnings: tuple[str, ...] = BLANKS
    _keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        keys = frozenset(word[:end] for word in self.beginnings for end in range(1, len(word)))
        object.__setattr__(self, "_keys", keys)

    def key(self, text: str) -> str:
        """See `Spelling`; "" where no banned word is begun."""
        begun = _begun(text)
        return begun if begun in self._keys else ("" if not begun else "#")

    def takes(self, key: str, text: str) -> bool:
        """See `Spelling`."""
        lower = text.lower()
        head = _RUN.match(lower)
        whole = key + lower if head else lower
        return not any(self.bars(word) or self._is_near(word) for word in _RUN.findall(whole))

    def bars(self, word: str) -> bool:
        """Whether a whole word, in lower case, is banned."""
        return any(word == each if each in _WHOLE else word.startswith(each) for each in self.beginnings)

    def _is_near(self, word: str) -> bool:
        return len(word) >= _BEGUN and any(each.startswith(word) for each in self.beginnings if each not in _WHOLE)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A `Spelling`: no words but these. words: in lower case."""

    words: frozenset[str]
    _beginnings: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        beginnings = frozenset(word[:end] for word in self.words for end in range(len(word) + 1))
        object.__setattr__(self, "_beginnings", beginnings)

    @classmethod
    def of(cls, words: Iterable[str], ban: Ban) -> Self:
        """All of these that are not banned."""
        return cls(frozenset(word for word in words if not ban.bars(word)))

    def key(self, text: str) -> str:
        """See `Spelling`; the word as far as it is written."""
        return _begun(text)

    def takes(self, key: str, text: str) -> bool:
        """See `Spelling`; a mark of the dialect is no word, and comes whole."""
        said, mark, rest = (key + text.lower()).partition("<")
        if mark and ">" not in rest:
            return False
        last = "" if mark else _begun(said)
        return last in self._beginnings and self.words.issuperset(_RUN.findall(said.removesuffix(last)))


def known_words(texts: Iterable[str]) -> list[str]:
    """The words, in lower case, that stand in more than one text: a slip of the pen rarely stands in two."""
    counts = Counter(word for text in texts for word in set(_RUN.findall(text.lower())))
    return sorted(word for word, count in counts.items() if count > 1)


def _begun(text: str) -> str:
    """The word at a text's end, as far as it is written."""
    match = _TAIL.search(text[-_LONGEST:].lower())
    return match[0] if match else ""
