"""Synonyms from WordNet's own files, as NLTK's METEOR asks for them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from radtrace.errors import InputError

FOLDERS = (Path("/usr/share/wordnet"), Path("/usr/share/nltk_data/corpora/wordnet"))
"""Where Debian's wordnet-base and NLTK put it; RADTRACE_WORDNET goes before them."""

_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "noun": (
        *(("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z")),
        *(("ches", "ch"), ("shes", "sh"), ("men", "man"), ("ies", "y")),
    ),
    "verb": (
        *(("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", "")),
        *(("ing", "e"), ("ing", "")),
    ),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
"""NLTK's rules of detachment: those of the WordNet manual, morphy(7WN), and ("ves", "f")."""


@dataclass(frozen=True, slots=True)
class Lemma:
    """A word of a synset."""

    word: str

    def name(self) -> str:
        """The word, underscores for blanks."""
        return self.word


@dataclass(frozen=True, slots=True)
class Synset:
    """Words of one meaning."""

    words: tuple[str, ...]

    def lemmas(self) -> list[Lemma]:
        """They, as NLTK gives them."""
        return [Lemma(word) for word in self.words]


class WordNet:
    """WordNet's dictionary files, read once; only what `synsets` needs."""

    def __init__(self, folder: Path) -> None:
        self._data = {part: (folder / f"data.{part}").read_bytes() for part in _ENDINGS}
        self._index = {part: dict(_index(folder / f"index.{part}")) for part in _ENDINGS}
        self._exceptions = {part: _exceptions(folder / f"{part}.exc") for part in _ENDINGS}

    @classmethod
    def load(cls) -> "WordNet":
        """The installed one. Raises InputError where there is none."""
        named = os.environ.get("RADTRACE_WORDNET")
        for folder in (Path(named),) if named else FOLDERS:
            if (folder / "index.noun").is_file():
                return _loaded(folder)
        where = f"{named}: no WordNet" if named else "no WordNet found"
        raise InputError(f"meteor_nltk: {where}: apt install wordnet-base, or name its folder in RADTRACE_WORDNET")

    def synsets(self, word: str) -> list[Synset]:
        """The synsets of a word and of its base forms, over all parts of speech."""
        word = word.lower()
        return [
            Synset(_words(self._data[part], offset))
            for part in _ENDINGS
            for form in self._forms(part, word)
            for offset in self._index[part][form]
        ]

    def _forms(self, part: str, word: str) -> list[str]:
        """The word and its base forms, irregular ones or by one rule, as far as the dictionary has them."""
        by_rule = (word[: -len(old)] + new for old, new in _ENDINGS[part] if word.endswith(old))
        forms = (word, *self._exceptions[part].get(word, by_rule))
        return [form for form in dict.fromkeys(forms) if form in self._index[part]]


@lru_cache(1)
def _loaded(folder: Path) -> WordNet:
    return WordNet(folder)


def _index(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """(lemma, where its synsets stand in the data file) of wndb(5WN)'s index lines."""
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith(" "):
            fields = line.split()
            yield fields[0], tuple(map(int, fields[-int(fields[2]) :]))


def _exceptions(path: Path) -> dict[str, tuple[str, ...]]:
    lines = (line.split() for line in path.read_text("utf-8").splitlines())
    return {first: tuple(rest) for first, *rest in lines}


def _words(data: bytes, offset: int) -> tuple[str, ...]:
    """The words of a synset; an adjective's marker of place "(a)" is no part of it."""
    fields = data[offset : data.index(b"\n", offset)].decode("utf-8").split()
    return tuple(word.partition("(")[0] for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
