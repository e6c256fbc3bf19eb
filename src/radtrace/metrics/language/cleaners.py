"""R2Gen's cleaners, which most published report-generation figures rest on, as its code has them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

UNKNOWN = "<unk>"
_REMEMBERED = 1 << 16
"""Texts of one chunk of pairs: each metric cleans them anew."""

_NUMBERS = [
    ("1. ", ""),
    *((f". {number}. ", ". ") for number in range(2, 6)),
    *((f" {number}. ", ". ") for number in range(2, 6)),
]
_NUMBERED = re.compile(r"[1-5]\. ")
_STOPS = [("..", ".")]
_BLANKS = [("\n", " "), *[("__", "_")] * 6, *[("  ", " ")] * 6]
_OPENI = _STOPS * 3
_MIMIC = [*_BLANKS, *_STOPS * 8]
_QUOTES = "\"/\\'"
# R2Gen's class "[.,?;*!%^&_+():-\[\]{}]" holds a range from ":" to "[": "<", "=", ">", "?" and "@" too, no hyphen.
_DELETED = re.compile(r"[.,?;*!%^&_+():<=>@\[\]{}]")


def as_it_stands(text: str) -> str:
    """The text itself."""
    return text


@lru_cache(_REMEMBERED)
def clean_r2gen(text: str) -> str:
    """R2Gen's Open-I cleaner (`clean_report_iu_xray`): "A. B." -> "a . b .", an empty text -> " .".

    Blanks beside what is deleted stay, as there, so that single blanks may part empty words.
    """
    return _cleaned(text, _OPENI)


@lru_cache(_REMEMBERED)
def clean_r2gen_mimic(text: str) -> str:
    """R2Gen's MIMIC cleaner (`clean_report_mimic_cxr`): the same after line breaks, underscores and runs of blanks."""
    return _cleaned(text, _MIMIC)


def _cleaned(text: str, replacements: Iterable[tuple[str, str]]) -> str:
    for old, new in replacements:
        text = text.replace(old, new)
    if _NUMBERED.search(text):
        for old, new in _NUMBERS:
            text = text.replace(old, new)
    sentences = text.strip().lower().split(". ")
    return " . ".join(map(_clean_sentence, sentences)) + " ."


def _clean_sentence(sentence: str) -> str:
    """The quotes and slashes go before the outer blanks do, the rest after them, as there."""
    for mark in _QUOTES:
        if mark in sentence:
            sentence = sentence.replace(mark, "")
    return _DELETED.sub("", sentence.strip())


def frequent_words(texts: Iterable[str], threshold: int) -> frozenset[str]:
    """The words, as blanks part them, that stand in the texts at least `threshold` times."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.split())
    return frozenset(word for word, count in counts.items() if count >= threshold)


def known_words(clean: Callable[[str], str], vocabulary: Collection[str], most: int) -> Callable[[str], str]:
    """A cleaner that keeps the first `most` words and writes `<unk>` for those that the vocabulary lacks."""

    def cut(text: str) -> str:
        return " ".join(word if word in vocabulary else UNKNOWN for word in clean(text).split()[:most])

    return cut
