"""The status of what a sentence says: where its clauses end, and how far its cues reach."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from radtrace.anatomy import FindingKind
from radtrace.findings.lexicon import Match, word_set
from radtrace.records import Status

Verdict = Status | Literal["likely", "elsewhere"]
"""`likely`: uncertain, but the reader's best guess ("probable", one of two alternatives). `elsewhere`: history, or what
the study should look for; not said of this film."""

_VERBS = word_set("verbs")
_PERCEIVED = word_set("perceived")
_NO_BEGINNING = word_set("conditions") | _VERBS
_SEPARATORS = frozenset((",", "and", "or", "with", "."))
_LIST_BREAKERS = word_set("list_breakers")
_CHANGE_NOUNS = word_set("change_nouns")
_CHANGED = word_set("changed")
_DEGREES = word_set("degrees")
_NOT = frozenset(("no", "not", "without"))
_ALTERNATIVE = frozenset(("versus", "vs", "or"))
_OPEN: frozenset[Verdict] = frozenset(("present", "likely", "uncertain"))
_AFTER = frozenset(("absent_after", "uncertain_after"))
_ELSEWHERE = frozenset(("elsewhere", "elsewhere_after"))
_LAST = frozenset(("absent_last", "uncertain_last"))
_ENDS = frozenset((".", ",", ";"))
_LEFT = frozenset(("residual", "residuum", "residue", "remaining"))
_STOPS = frozenset((".", ";", ":"))
_LISTED = frozenset((",", "/", "and", "or"))
_AFTER_DOUBT = frozenset((".", ",", ";", ":", "?", "and", "but", "given", "for", "with", "present")) | word_set(
    "prepositions"
)
_ALTERNATIVE_REACH = 8
"""Most tokens between two findings of which the report leaves open which it is."""


class Target(Protocol):
    """What a verdict is wanted on: tokens [start, end), and what these words alone say ("normal", "borderline")."""

    start: int
    end: int
    kind: FindingKind
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
    verb where the clause has had its verb or a denial already ("no effusion and the heart is enlarged") or opens the
    sentence with an exception ("except for a scar, the lungs are clear").
    """
    starts: set[int] = set()
    cue_at = {match.start: match.term.cues for match in matches}
    denials = [match.start for match in matches if "absent_before" in match.term.cues]
    said = [match.start for match in matches if match.term.finding]
    separator, has_verb, floor = -1, False, 0
    for index, word in enumerate(words):
        spoken = has_verb or any(floor <= start < index for start in (*denials, *said))
        begins_there = word == "there" and spoken and words[index - 1] not in _NO_BEGINNING
        if "break" in cue_at.get(index, ()) or begins_there:
            starts.add(index)
            separator, has_verb, floor = -1, False, index
        elif word in _SEPARATORS:
            separator = index if separator != index - 1 else separator
        elif word in _VERBS:
            denied = any(floor <= denial < separator for denial in denials)
            listed = denied and _is_perception(words, index) and (words[separator] == "or" or not has_verb)
            excepted = floor == 0 and "break" in cue_at.get(0, ())
            cleared = any(floor <= start < separator for start in said) and _is_normal(words, separator, index, cue_at)
            if 0 < separator < index - 1 and (has_verb or denied or excepted or cleared) and not listed:
                starts.add(separator)
                floor = separator
            separator, has_verb = -1, True
    clauses, number = [], 0
    for index in range(len(words)):
        number += index in starts
        clauses.append(number)
    return Sentence(words, matches, clauses)


def _is_normal(words: Sequence[str], separator: int, verb: int, cue_at: Mapping[int, Set[str]]) -> bool:
    """Whether "and" begins a subject that is normal: "the effusion persists and the right lung is clear"."""
    return words[separator] == "and" and any("normal" in cue_at.get(at, ()) for at in (verb + 1, verb + 2))


def _is_perception(words: Sequence[str], verb: int) -> bool:
    return not _PERCEIVED.isdisjoint(words[verb + 1 : verb + 4])


def verdicts(sentence: Sentence, targets: Sequence[Target]) -> list[Verdict]:
    """One verdict a target; two findings that stand as alternatives are both uncertain."""
    reader = _Reader(sentence, [match for match in sentence.matches if match.term.cues], targets)
    found = [reader.verdict(target) for target in targets]
    for index, (one, other) in enumerate(pairwise(targets)):
        pair = {found[index], found[index + 1]}
        if pair <= _OPEN and reader.are_alternatives(one, other):
            found[index] = found[index + 1] = "uncertain" if "uncertain" in pair else "likely"
    return found


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
        words = self.sentence.words
        cues = [cue for cue in self.cues if self._is_said_with(cue, target)]
        if any(self._reaches(cue, target) == "elsewhere" for cue in cues if not _ELSEWHERE.isdisjoint(cue.term.cues)):
            return "elsewhere"
        doubted = False
        for cue in reversed(cues):
            value = self._forward(cue, target.start) if cue.end <= target.start else None
            if value == "absent" and (self._is_undone(cue, cues, target) or self._leaves_some(cue, target)):
                return target.verdict
            if value and "uncertain_undenied" not in cue.term.cues:
                return value
            doubted = doubted or value is not None
        if doubted:
            return "uncertain"
        closing = next((cue for cue in cues if cue.start >= target.end and self._closes(cue)), None)
        if closing and ("," not in words[target.end : closing.start] or self._is_headed(target, closing)):
            return "absent" if "absent_last" in closing.term.cues else "uncertain"
        for cue in cues:
            value = self._backward(cue, target) if cue.start >= target.end else None
            if value:
                return value
        return target.verdict

    def _reaches(self, cue: Match, target: Target) -> Verdict | None:
        """What a cue says of a finding on either side of it."""
        if cue.end <= target.start:
            return self._forward(cue, target.start)
        return self._backward(cue, target) if cue.start >= target.end else None

    def _is_said_with(self, cue: Match, target: Target) -> bool:
        """Whether they share a clause, or the cue's clause is about nothing else ("less likely, but not excluded")."""
        clauses = self.sentence.clauses
        if clauses[cue.start] == clauses[target.start] + 1 and cue.term.cues <= _AFTER:
            return self._last_named(clauses[cue.start]) is None and self._last_named(clauses[target.start]) is target
        return clauses[cue.start] == clauses[target.start]

    def _last_named(self, clause: int) -> Target | None:
        return next((t for t in reversed(self.targets) if self.sentence.clauses[t.start] == clause), None)

    def are_alternatives(self, one: Target, other: Target) -> bool:
        """Whether the report leaves open which of two findings it is; "no change in A or B" does not."""
        gap = self.sentence.words[one.end : other.start]
        joined = len(gap) <= _ALTERNATIVE_REACH and not _ALTERNATIVE.isdisjoint(gap) and "with" not in gap
        between = next((at for at, word in enumerate(gap) if word in _ALTERNATIVE), 0)
        third = "," in gap[:between] and gap[between - 1] != ","
        same = any("neutral" in cue.term.cues and self.sentence.words[cue.start] in _NOT for cue in self.cues)
        return joined and not same and not third and one.kind is not other.kind

    def _forward(self, cue: Match, start: int) -> Verdict | None:
        """What a cue says of a finding that begins at `start`, after it."""
        kinds = cue.term.cues
        gap = self.sentence.words[cue.end : start]
        if self._stops(cue.end, start) or self._closes(cue):
            return None
        if "absent_before" in kinds and _is_of_change(self.sentence.words, cue.end, start):
            return None
        if "absent_before" in kinds or ("absent_either" in kinds and not self._speaks_before(cue)):
            return None if _begins_anew(gap) else "absent"
        if "uncertain_through" in kinds or "likely_through" in kinds:
            return "uncertain" if "uncertain_through" in kinds else "likely"
        if not kinds.isdisjoint(("uncertain_before", "uncertain_undenied", "likely_before")):
            ends = self._names_one(cue.end, start) and ("and" in gap or ("," in gap and "or" not in gap))
            return None if ends else "likely" if "likely_before" in kinds else "uncertain"
        if "elsewhere" in kinds:
            return None if "," in gap else "elsewhere"
        return None

    def _backward(self, cue: Match, target: Target) -> Verdict | None:
        """What a cue says of a finding before it."""
        kinds, end = cue.term.cues, target.end
        gap = self.sentence.words[end : cue.start]
        listed = "," not in gap or not {"and", "or", "nor"}.isdisjoint(gap[len(gap) - gap[::-1].index(",") :])
        listed = listed or self._is_headed(target, cue) or self._is_afterthought(target, cue)
        if not listed or self._stops(end, cue.start):
            return None
        if "absent_after" in kinds or "absent_either" in kinds:
            return "absent"
        if "normal" in kinds:
            return "absent" if len(gap) == 1 and gap[0] in _VERBS else None
        if "uncertain_after" in kinds or "elsewhere_after" in kinds:
            return "uncertain" if "uncertain_after" in kinds else "elsewhere"
        if "likely_after" in kinds and not self._names_one(end, cue.start):
            return "likely"
        if ("uncertain_before" in kinds or "likely_before" in kinds) and self._is_said_alone(cue):
            return "uncertain" if "uncertain_before" in kinds else "likely"
        return None

    def _is_undone(self, denial: Match, cues: Sequence[Match], target: Target) -> bool:
        """Whether the denial is of another one: "no evidence that the effusion has resolved"."""
        later = [cue for cue in cues if cue.start >= target.end]
        return "that" in self.sentence.words[denial.end : target.start] and any(
            self._backward(cue, target) == "absent" for cue in later
        )

    def _leaves_some(self, denial: Match, target: Target) -> bool:
        """Whether it has not cleared up altogether: "clearing of the infiltrate, with a minimal residual"."""
        words = self.sentence.words
        rest = range(target.end, len(words))
        left = next((at for at in rest if words[at] in _LEFT and self.sentence.in_one_clause(at, target.start)), None)
        if left is None or not self._names_one(target.start, left) or words[denial.end - 1] != "of":
            return False
        return _NOT.isdisjoint(words[target.end : left]) and not self._names_one(target.end, len(words))

    def _is_headed(self, target: Target, cue: Match) -> bool:
        """Whether the cue answers a heading of bare names, this one among them: "effusion, pneumothorax: no"."""
        words = self.sentence.words
        colon = cue.start - 1
        if colon < target.end or words[colon] != ":":
            return False
        first = max((at + 1 for at in range(target.start) if words[at] in _STOPS), default=0)
        named = {at for other in self.targets for at in range(other.start, other.end)}
        return all(at in named or words[at] in _LISTED for at in range(first, colon))

    def _is_afterthought(self, target: Target, cue: Match) -> bool:
        """Whether the cue ends a phrase and is said of the finding before its comma: "pneumothorax, now resolved"."""
        words = self.sentence.words
        at = cue.start
        while at > target.end and words[at - 1] in _DEGREES:
            at -= 1
        alone = words[at - 1] == "," and _ENDS.issuperset(words[cue.end : cue.end + 1])
        return alone and not self._names_one(target.end, cue.start)

    def _is_said_alone(self, cue: Match) -> bool:
        """Whether nothing follows that the doubt is about instead: "the density is likely cartilage"."""
        following = self.sentence.words[cue.end : cue.end + 1]
        return not self._speaks_after(cue) and _AFTER_DOUBT.issuperset(following)

    def _closes(self, cue: Match) -> bool:
        """Whether the cue ends what is said of the findings before it: "pneumothorax: no, effusion: small"."""
        following = self.sentence.words[cue.end : cue.end + 1]
        return not cue.term.cues.isdisjoint(_LAST) and _ENDS.issuperset(following) and self._speaks_before(cue)

    def _stops(self, start: int, end: int) -> bool:
        return any("stop" in cue.term.cues and start <= cue.start < end for cue in self.cues)

    def _names_one(self, start: int, end: int) -> bool:
        return any(start <= target.start < end for target in self.targets)

    def _speaks_before(self, cue: Match) -> bool:
        return any(t.end <= cue.start and self.sentence.in_one_clause(t.start, cue.start) for t in self.targets)

    def _speaks_after(self, cue: Match) -> bool:
        return any(t.start >= cue.end and self.sentence.in_one_clause(t.start, cue.start) for t in self.targets)


def is_denied_change(words: Sequence[str], index: int) -> bool:
    """Whether the word at `index` is one of change and is denied: "no significant interval change in" is no denial."""
    if words[index] not in _CHANGE_NOUNS and words[index] not in _CHANGED:
        return False
    if words[index] == "worsening" and words[index + 1 : index + 2] not in (("of",), ("in",)):
        return False
    at = index
    while at and (words[at - 1] in _DEGREES or tuple(words[at - 2 : at]) == ("evidence", "of")):
        at -= 1 if words[at - 1] in _DEGREES else 2
    before = words[at - 1] if at else ""
    return before == "not" or (words[index] in _CHANGE_NOUNS and (before in _NOT or "little" in words[at:index]))


def _is_of_change(words: Sequence[str], start: int, end: int) -> bool:
    """Whether the denial that ends at `start` is spent on a change before `end` ("no significant change in")."""
    first = next((at for at in range(start, end) if words[at] not in _DEGREES), end)
    return first < end and is_denied_change(words, first)


def _begins_anew(gap: Sequence[str]) -> bool:
    """Whether a list of denials ends within these words: "no effusion, stable cardiomegaly"."""
    pairs = pairwise(gap)
    return any(word in (",", "and") and following in _LIST_BREAKERS for word, following in pairs)
