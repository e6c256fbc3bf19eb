"""How severe a finding is, and its parts: "moderate right and small left effusions" are two."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from radtrace.findings.changes import meaning
from radtrace.findings.clauses import Sentence
from radtrace.findings.lexicon import Match, word_set
from radtrace.findings.places import Statement
from radtrace.records import Change, Laterality, Severity

_SEVERITIES: tuple[Severity, ...] = ("mild", "moderate", "severe")
_REACH = 6
"""Most tokens between a severity and its finding."""
_PARTED = frozenset((",", "with", "without", "of"))
_FORMERLY = frozenset(("previously", "formerly", "earlier"))
_COPULAS = word_set("copulas")
_VERBS = word_set("verbs")
_DEGREES = word_set("degrees")
_CHANGE_NOUNS = word_set("change_nouns")


@dataclass(frozen=True, slots=True)
class Part:
    """What is said of a finding, of one side of it where the words tell the sides apart."""

    laterality: Laterality | None
    regions: tuple[str, ...]
    severity: Severity | None
    change: Change | None


@dataclass(frozen=True, slots=True)
class Modifiers:
    """The sides, severities and changes of a sentence, and all that it speaks of."""

    sentence: Sentence
    sides: Sequence[Match]
    severities: Sequence[Match]
    changes: Sequence[Match]
    statements: Sequence[Statement] = field(repr=False)

    @classmethod
    def of(
        cls, sentence: Sentence, found: Sequence[Match], changes: Sequence[Match], statements: Sequence[Statement]
    ) -> "Modifiers":
        """The modifiers among what was found; "slightly" in "slightly larger" is no severity of the finding."""
        own = [cue for cue in changes if not any(s.start <= cue.start < s.end for s in statements)]
        severities = [match for match in found if match.term.severity and not _is_of_change(sentence, match, own)]
        return cls(sentence, [match for match in found if match.term.side], severities, own, statements)

    def parts_of(self, statement: Statement) -> tuple[Part, ...]:
        """One part, or two where each side has a severity or a change of its own."""
        if len(statement.all_sides) == 2 and statement.verdict != "absent":
            parts = self._by_side(statement)
            if len(parts) == 2:
                return parts
        severity = self.severity(statement)
        change = statement.change or self._since(statement, severity)
        return (Part(statement.laterality, statement.regions, severity, change),)

    def _since(self, statement: Statement, now: Severity | None) -> Change | None:
        """What a severity of the past makes of that of today: "small effusion, previously moderate"."""
        words = self.sentence.words
        following = min((s.start for s in self.statements if s.start >= statement.end), default=len(words))
        within = (match for match in self.severities if statement.end < match.start < following)
        then = next((m.term.severity for m in within if self._is_past(m)), None)
        if not now or not then:
            return None
        step = _SEVERITIES.index(now) - _SEVERITIES.index(then)
        return "worse" if step > 0 else "improved" if step < 0 else "stable"

    def _by_side(self, statement: Statement) -> tuple[Part, ...]:
        """The parts that differ in severity or change; () where both sides are the same."""
        floor = max((other.end for other in self.statements if other.end <= statement.start), default=0)
        ceiling = min(
            (other.start for other in self.statements if other.start >= statement.end),
            default=len(self.sentence.words),
        )
        sides = [side for side in self.sides if floor <= side.start < ceiling and side.term.side != "bilateral"]
        if {side.term.side for side in sides} != {"right", "left"} or len(sides) != 2:
            return ()
        one, other = sides
        begin = floor if one.start < statement.start else statement.end
        ranges = ((begin, one.start), (one.end, other.start))
        severities = [self._worst(start, end) for start, end in ranges]
        changes = [self._change(start, end) for start, end in ranges]
        if not any(all(pair) and pair[0] != pair[1] for pair in (severities, changes)):
            return ()
        shared = self.severity(statement) if not any(severities) else None
        return tuple(
            Part(
                side.term.side,
                tuple(name for name in statement.regions if not name.startswith(f"{across.term.side} ")),
                severity or shared,
                change or statement.change,
            )
            for side, across, severity, change in zip(sides, sides[::-1], severities, changes, strict=True)
        )

    def _worst(self, start: int, end: int) -> Severity | None:
        found = [match.term.severity for match in self.severities if start <= match.start and match.end <= end]
        return max((severity for severity in found if severity), key=_SEVERITIES.index, default=None)

    def _change(self, start: int, end: int) -> Change | None:
        found = (meaning(self.sentence, cue) for cue in self.changes if start <= cue.start and cue.end <= end)
        return next((change for change in found if change and change != "resolved"), None)

    def severity(self, statement: Statement) -> Severity | None:
        """The worst severity before the finding's words in its phrase, or one said of it after them.

        None of what is absent, and of devices, whose size is no severity.
        """
        if statement.verdict == "absent" or statement.kind.chexpert == "Support Devices":
            return None
        words, start = self.sentence.words, statement.start
        floor = max([start - _REACH, *(other.end for other in self.statements if other.end <= start)])
        before = [
            match.term.severity
            for match in self.severities
            if floor <= match.start
            and match.end <= start
            and self.sentence.in_one_clause(match.start, start)
            and _PARTED.isdisjoint(words[match.end : start])
        ]
        if before:
            return max((severity for severity in before if severity), key=_SEVERITIES.index)
        return next((match.term.severity for match in self.severities if self._follows(match, statement)), None)

    def _follows(self, severity: Match, statement: Statement) -> bool:
        """Whether a severity is said of a finding before it: "atelectasis, mild", "the left effusion is large"."""
        words, end = self.sentence.words, statement.end
        if severity.start < end or any(end <= other.start < severity.start for other in self.statements):
            return False
        at = severity.start - 1
        if self._is_past(severity):
            return False
        while at > end and words[at] in _DEGREES:
            at -= 1
        joined = "which" in words[end:at] or self.sentence.in_one_clause(end - 1, severity.start)
        copular = (words[at] in _COPULAS or words[at + 1] == "now") and joined
        return (copular or severity.start <= end + 2) and not self._is_taken(severity)

    def _is_past(self, severity: Match) -> bool:
        """Whether a severity is that of an earlier film: "previously moderate", "was large and is now small"."""
        words, at = self.sentence.words, severity.start
        return words[at - 1] in _FORMERLY or (words[at - 1] in ("was", "were") and "now" in words[at:])

    def _is_taken(self, severity: Match) -> bool:
        """Whether a severity belongs to a finding after it."""
        following = min((other.start for other in self.statements if other.start >= severity.end), default=None)
        if following is None:
            return False
        gap = self.sentence.words[severity.end : following]
        return len(gap) <= _REACH and _VERBS.isdisjoint(gap) and gap[:1] != ("and",)


def _is_of_change(sentence: Sentence, severity: Match, changes: Sequence[Match]) -> bool:
    """Whether a degree is that of a change: "slightly larger", "mild interval increase"."""
    words, at = sentence.words, severity.end
    while at < len(words) and words[at] in _DEGREES:
        at += 1
    cue = next((cue for cue in changes if cue.start <= at < cue.end), None)
    if cue is None or cue.term.change not in ("worse", "improved"):
        return False
    return words[severity.end - 1].endswith("ly") or words[at] in _CHANGE_NOUNS
