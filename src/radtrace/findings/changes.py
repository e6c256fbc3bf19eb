"""What has become of a finding since an earlier film, as the words of its sentence say."""

from collections.abc import Sequence
from itertools import pairwise

from radtrace.findings.clauses import Sentence, is_denied_change
from radtrace.findings.lexicon import Match, word_set
from radtrace.findings.places import Located, Statement
from radtrace.records import Change

_COPULAS = word_set("copulas")
_COMPARING = word_set("comparing")
_PREPOSITIONS = word_set("prepositions")
_VERBS = word_set("verbs")
_DEGREES = word_set("degrees")
_PARTS = word_set("parts")
_LINKS = frozenset((",", "and", "or"))
_REACH = 8
"""Most tokens between a word of change and the finding after it."""


def meaning(sentence: Sentence, cue: Match) -> Change | None:
    """What a word of change says by itself: "no increase" is stable, "no new" says nothing."""
    change = cue.term.change
    if is_denied_change(sentence.words, cue.start):
        return "stable" if change in ("improved", "worse", "changed") else None
    return None if change == "changed" else change


def give_changes(
    sentence: Sentence, cues: Sequence[Match], places: Sequence[Located], statements: Sequence[Statement]
) -> None:
    """Give each word of change to the findings that it is said of.

    "resolved" to what is absent only, the others to what is not; "stable" where nothing else is said ("persistent but
    smaller").
    """
    compared = not _COMPARING.isdisjoint(sentence.words)
    for cue in cues:
        change = meaning(sentence, cue)
        inside = any(s.start <= cue.start < s.end for s in statements)
        if change is None or (inside and not compared and change not in ("resolved", "stable")):
            continue
        for statement in _reached(sentence, cue, cues, places, statements):
            fits = (statement.verdict == "absent") == (change == "resolved")
            if fits and statement.change in (None, "stable") and (compared or not _describes(sentence, cue, statement)):
                statement.change = change


def _describes(sentence: Sentence, cue: Match, statement: Statement) -> bool:
    """Whether "increased" tells how the film looks, not a change: "increased density", "increased kyphosis"."""
    return sentence.words[cue.start] == "increased" and statement.kind.nih14 is None and cue.end <= statement.start


def _reached(
    sentence: Sentence, cue: Match, cues: Sequence[Match], places: Sequence[Located], statements: Sequence[Statement]
) -> Sequence[Statement]:
    """The findings that the cue is a predicate of, else those that it precedes, else the one that it follows."""
    here = [statement for statement in statements if sentence.in_one_clause(statement.start, cue.start)]
    before = [statement for statement in here if statement.begin < cue.start]
    subjects = [located for located in places if sentence.in_one_clause(located.start, cue.start)]
    subjects = [located for located in subjects if located.end <= cue.start]
    if _is_predicate(sentence, cue, [*before, *subjects]):
        place = next((located for located in subjects if located.end == cue.start), None)
        return before if place is None or _is_of(sentence, place, before) else ()
    following = _following(sentence, cue, cues, here)
    if following:
        return following
    if not here and not subjects:
        return [statement for statement in statements if statement.end <= cue.start][-1:]
    return _nearest_before(sentence, cue, places, before)


def _is_predicate(sentence: Sentence, cue: Match, named: Sequence[Statement | Located]) -> bool:
    """Whether the cue is said of what stands before it: "the effusion is unchanged", "heart size stable"."""
    at = cue.start
    if sentence.words[at] in _LINKS:
        return False
    while at and (sentence.words[at - 1] in _DEGREES or sentence.words[at - 1] == "not"):
        at -= 1
    if any(at - 1 <= item.end - 1 <= cue.start for item in named):
        return True
    copulas = at
    while copulas and sentence.words[copulas - 1] in _COPULAS:
        copulas -= 1
    is_copular = copulas < at or sentence.words[cue.start] in _COPULAS
    return is_copular and bool(named) and sentence.words[copulas - 1 : copulas] != ("there",)


def _following(sentence: Sentence, cue: Match, cues: Sequence[Match], here: Sequence[Statement]) -> list[Statement]:
    """The finding after the cue, and what is listed with it where the cue governs a list ("no change in A and B")."""
    after = [statement for statement in here if statement.begin >= cue.end]
    if not after or not _leads_to(sentence, sentence.words[cue.end : after[0].begin], cue.end):
        return []
    reached = after[:1]
    of_list = sentence.words[cue.end - 1] in ("in", "of") or cue.term.change in ("stable", "changed")
    for statement, other in pairwise(after):
        gap = sentence.words[statement.end : other.begin]
        listed = not _LINKS.isdisjoint(gap) and (of_list or "," not in gap)
        anew = any(statement.end <= another.start < other.begin for another in cues)
        if anew or not listed or not _DEGREES.isdisjoint(gap) or not _leads_to(sentence, gap[1:], statement.end):
            break
        reached.append(other)
    return reached


def _leads_to(sentence: Sentence, gap: Sequence[str], start: int) -> bool:
    """Whether no verb, comma or stop lies between a cue and a finding; "again seen is a …" does."""
    stops = any("stop" in match.term.cues and start <= match.start < start + len(gap) for match in sentence.matches)
    return len(gap) <= _REACH and not stops and _VERBS.isdisjoint(gap[1:]) and "," not in gap[1:]


def _nearest_before(
    sentence: Sentence, cue: Match, places: Sequence[Located], before: Sequence[Statement]
) -> Sequence[Statement]:
    """The finding before the cue; none where the cue is said of a place ("mild edema and stable heart size")."""
    if not before:
        return ()
    nearest = max(before, key=lambda statement: statement.end)
    near = [located for located in places if sentence.in_one_clause(located.start, cue.start)]
    others = [located for located in near if not _is_of(sentence, located, [nearest])]
    of_place = any(
        nearest.end <= located.start
        and (
            "," not in sentence.words[located.end : cue.start]
            if located.end <= cue.start
            else located.start <= cue.end + 2
        )
        for located in others
    )
    gap = range(nearest.end, cue.start)
    stopped = any(
        "stop" in match.term.cues and match.start in gap and sentence.words[match.end] not in _PARTS
        for match in sentence.matches
    )
    return () if of_place or stopped else (nearest,)


def _is_of(sentence: Sentence, located: Located, statements: Sequence[Statement]) -> bool:
    """Whether a place is that of one of these findings: attached to it, or joined to it by a preposition."""
    if located.place.general and located.used:
        return True
    for statement in statements:
        gap = sentence.words[statement.end : located.start]
        joined = _LINKS.isdisjoint(gap) and not _PREPOSITIONS.isdisjoint(gap)
        if joined or located is statement.subject or any(located is place for place in statement.places):
            return True
    return False
