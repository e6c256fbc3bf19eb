"""Words that stand for more than they say: "the right effusion is larger, the left is stable"."""

from collections.abc import Iterator, Sequence

from radtrace.findings.lexicon import Match, Term, word_set

_OTHER = {"right": "left", "left": "right"}
_VERBS = word_set("verbs") | word_set("copulas") | word_set("lasting") | word_set("develops")
_TURNS = word_set("turns") | word_set("lasting")
_PARTING = word_set("turns") | {",", ";", "and", "or"}
_ON = frozenset(("on", "at", "in"))
_COMPARED = word_set("compared")


def with_left_out(words: Sequence[str], matches: Sequence[Match]) -> list[Match]:
    """The phrases of a sentence, and for each side that stands for a finding named with the other side, that finding.

    So "the left is stable" and "but persists on the left" say what they say of the left effusion.
    """
    if "right" not in words or "left" not in words:
        return list(matches)
    named = [match for match in matches if match.term.finding and "{side}" in " ".join(match.term.finding.regions)]
    taken = {at for match in matches for at in range(match.start, match.end)}
    added: list[Match] = []
    for at in _lone_sides(words):
        other = max((b for b in range(at) if words[b] == _OTHER[words[at]]), default=None)
        if other is None or at in taken or not _stands_alone(words, other, at):
            continue
        start = max((b for b in range(other, at) if words[b] in _PARTING), default=at)
        if any(start < match.start < at for match in named):
            continue
        after = next((match for match in named if other < match.start and match.end <= at), None)
        before = next((match for match in reversed(named) if match.end <= other), None)
        adjective = after is not None and "," not in words[other : after.start]
        meant = after if adjective else before
        if meant:
            added.append(Match(at, at + 1, Term(finding=meant.term.finding)))
    return sorted([*matches, *added], key=lambda match: match.start)


def _lone_sides(words: Sequence[str]) -> Iterator[int]:
    """Where a side is a noun: "the left"."""
    for at in range(2, len(words)):
        if words[at] in _OTHER and words[at - 1] == "the":
            yield at


def _stands_alone(words: Sequence[str], other: int, at: int) -> bool:
    """Whether the side is what a verb is said of, or ends a phrase that turns from what was said of the other side."""
    following = words[at + 1 : at + 2]
    if following and following[0] in _VERBS:
        return True
    ends = not following or following[0] in (".", ",", ";")
    return ends and not _TURNS.isdisjoint(words[other + 1 : at])


def sides_apart(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words with "within" for "on" where each side has a change of its own ("smaller on the right and larger on
    the left"), so that neither is read as a comparison of one side with the other.
    """
    if "right" not in words or "left" not in words:
        return words
    found = [(at + 1, side) for at, side in _comparisons(words)]
    if {side for _, side in found} != {"right", "left"}:
        return words
    places = {at for at, _ in found}
    return tuple("within" if at in places else word for at, word in enumerate(words))


def _comparisons(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(token, side) of each "smaller on the right"."""
    for at, word in enumerate(words):
        if word in _COMPARED and not _ON.isdisjoint(words[at + 1 : at + 2]):
            side = next((word for word in words[at + 2 : at + 4] if word in _OTHER), None)
            if side:
                yield at, side
