"""The status of what a sentence says: where its clauses end, and how far its cues reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from radtrace.findings.lexicon import Match, word_set
from radtrace.records import Status

Verdict = Status | Literal["likely", "elsewhere"]
"""`likely`: uncertain, but the reader's best guess ("probable", one of two alternatives). `elsewhere`: history, or what
the study should look for; not said of this film."""

_VERBS = word_set("verbs")
_PERCEIVED = word_set("perceived")
_CONDITIONS = word_set("conditions")
_SEPARATORS = frozenset((",", "and", "or", "with", "."))
_LIST_BREAKERS = word_set("list_breakers")
_ALTERNATIVE = frozenset(("versus", "vs", "or"))
_OPEN: frozenset[Verdict] = frozenset(("present", "likely", "uncertain"))
_ALTERNATIVE_REACH = 8
"""Most tokens between two findings of which the report leaves open which it is."""


class Target(Protocol):
    """What a verdict is wanted on: tokens [start, end), and what these words alone say ("normal", "borderline")."""

    start: int
    end: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Sentence:
    """Folded words, the phrases in them, and for each token the number of its clause."""

    words: Sequence[str]
    matches: Sequence[Match]
    clauses: Sequence[int]

    def in_one_clause(self, one: int, other: int) -> bool:
        """Whether two tokens stand in the same clause."""
        return self.clauses[one] == self.clauses[other]


def parse(words: Sequence[str], matches: Sequence[Match]) -> Sentence:
    """The sentence with its clauses.

    A clause ends at a break word, and before the subject of another verb: at the last comma, "and" or "or" before a
    verb where the clause has had its verb or a denial already ("no effusion and the heart is enlarged").
    """
    starts: set[int] = set()
    cue_at = {match.start: match.term.cues for match in matches}
    denials = [match.start for match in matches if "absent_before" in match.term.cues]
    separator, has_verb, floor = -1, False, 0
    for index, word in enumerate(words):
        if "break" in cue_at.get(index, ()) or (word == "there" and index and words[index - 1] not in _CONDITIONS):
            starts.add(index)
            separator, has_verb, floor = -1, False, index
        elif word in _SEPARATORS:
            separator = index if separator != index - 1 else separator
        elif word in _VERBS:
            denied = any(floor <= denial < separator for denial in denials)
            listed = denied and _is_perception(words, index) and (words[separator] == "or" or not has_verb)
            if 0 < separator < index - 1 and (has_verb or denied) and not listed:
                starts.add(separator)
                floor = separator
            separator, has_verb = -1, True
    clauses, number = [], 0
    for index in range(len(words)):
        number += index in starts
        clauses.append(number)
    return Sentence(words, matches, clauses)


def _is_perception(words: Sequence[str], verb: int) -> bool:
    return not _PERCEIVED.isdisjoint(words[verb + 1 : verb + 4])


def verdicts(sentence: Sentence, targets: Sequence[Target]) -> list[Verdict]:
    """One verdict a target; two findings that stand as alternatives are both uncertain."""
    reader = _Reader(sentence, [match for match in sentence.matches if match.term.cues], targets)
    found = [reader.verdict(target) for target in targets]
    for index in range(1, len(found)):
        pair = {found[index - 1], found[index]}
        if pair <= _OPEN and _are_alternatives(sentence.words[targets[index - 1].end : targets[index].start]):
            found[index - 1] = found[index] = "uncertain" if "uncertain" in pair else "likely"
    return found


def _are_alternatives(gap: Sequence[str]) -> bool:
    """Whether the report leaves open which of the two findings around these words it is."""
    return len(gap) <= _ALTERNATIVE_REACH and not _ALTERNATIVE.isdisjoint(gap) and "with" not in gap


@dataclass(frozen=True, slots=True)
class _Reader:
    """A sentence, its cues, and all that it speaks of."""

    sentence: Sentence
    cues: Sequence[Match]
    targets: Sequence[Target]

    def verdict(self, target: Target) -> Verdict:
        """What the nearest cue that reaches the target makes of it; those before it count first."""
        if target.verdict == "absent":
            return "absent"
        cues = [cue for cue in self.cues if self.sentence.in_one_clause(cue.start, target.start)]
        if any(cue.end <= target.start and self._forward(cue, target.start) == "elsewhere" for cue in cues):
            return "elsewhere"
        for cue in reversed(cues):
            value = self._forward(cue, target.start) if cue.end <= target.start else None
            if value:
                return value
        for cue in cues:
            value = self._backward(cue, target.end) if cue.start >= target.end else None
            if value:
                return value
        return target.verdict

    def _forward(self, cue: Match, start: int) -> Verdict | None:
        """What a cue says of a finding that begins at `start`, after it."""
        kinds = cue.term.cues
        gap = self.sentence.words[cue.end : start]
        if self._stops(cue.end, start):
            return None
        if "absent_before" in kinds or ("absent_either" in kinds and not self._speaks_before(cue)):
            return None if _begins_anew(gap) else "absent"
        if "uncertain_through" in kinds or "likely_through" in kinds:
            return "uncertain" if "uncertain_through" in kinds else "likely"
        if "uncertain_before" in kinds or "likely_before" in kinds:
            ends = "and" in gap or ("," in gap and "or" not in gap)
            return None if ends else "uncertain" if "uncertain_before" in kinds else "likely"
        if "elsewhere" in kinds:
            return None if "," in gap else "elsewhere"
        return None

    def _backward(self, cue: Match, end: int) -> Verdict | None:
        """What a cue says of a finding that ends at `end`, before it."""
        kinds = cue.term.cues
        gap = self.sentence.words[end : cue.start]
        listed = "," not in gap or not {"and", "or", "nor"}.isdisjoint(gap[len(gap) - gap[::-1].index(",") :])
        if not listed or self._stops(end, cue.start):
            return None
        if "absent_after" in kinds or "absent_either" in kinds:
            return "absent"
        if "uncertain_after" in kinds:
            return "uncertain"
        if ("uncertain_before" in kinds or "likely_before" in kinds) and not self._speaks_after(cue):
            return "uncertain" if "uncertain_before" in kinds else "likely"
        return None

    def _stops(self, start: int, end: int) -> bool:
        return any("stop" in cue.term.cues and start <= cue.start < end for cue in self.cues)

    def _speaks_before(self, cue: Match) -> bool:
        return any(t.end <= cue.start and self.sentence.in_one_clause(t.start, cue.start) for t in self.targets)

    def _speaks_after(self, cue: Match) -> bool:
        return any(t.start >= cue.end and self.sentence.in_one_clause(t.start, cue.start) for t in self.targets)


def _begins_anew(gap: Sequence[str]) -> bool:
    """Whether a list of denials ends within these words: "no effusion, stable cardiomegaly"."""
    pairs = pairwise(gap)
    return any(word in (",", "and") and following in _LIST_BREAKERS for word, following in pairs)
