"""Regions by the words that people use for them."""

import difflib
from collections.abc import Iterable

from radtrace.anatomy import REGIONS
from radtrace.errors import InputError
from radtrace.findings.lexicon import MODIFIERS, words_of
from radtrace.findings.places import fill, ordered

_EVERYTHING = "all"
_NEAREST = 3


def named_regions(names: Iterable[str]) -> tuple[str, ...]:
    """The regions that some names stand for, each once, in the order of `REGIONS`.

    Args:    names: regions ("right lung"), words that reports use for one or several ("lungs", "heart", "left base"),
             or "all".
    Raises:  InputError, naming the nearest regions, where a name stands for none.
    """
    return ordered(region for name in names for region in _regions(name))


def _regions(name: str) -> tuple[str, ...]:
    folded = " ".join(name.lower().split())
    if folded in REGIONS:
        return (folded,)
    found = REGIONS if folded == _EVERYTHING else _in_other_words(folded)
    if not found:
        near = difflib.get_close_matches(folded, REGIONS, n=_NEAREST, cutoff=0.0)
        raise InputError(f"unknown region {name!r}: the nearest are {', '.join(near)}; {_EVERYTHING!r} is all of them")
    return found


def _in_other_words(name: str) -> tuple[str, ...]:
    """The regions of a place of `synonyms.toml`, with or without a side; none where a word is left over."""
    words = words_of(name).folded
    matches = MODIFIERS.scan(words)
    places = [match.term.place for match in matches if match.term.place]
    sides = {match.term.side for match in matches if match.term.side and not match.term.place}
    if len(places) != 1 or len(places) + len(sides) < len(matches):
        return ()
    if sum(match.end - match.start for match in matches) < len(words):
        return ()
    said = sides | ({places[0].side} if places[0].side else set())
    return fill(places[0].regions, () if "bilateral" in said else [side for side in said if side])
