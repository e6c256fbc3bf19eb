"""A sentence -> what it says, of which places; a text -> its sentences."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import inf

from radtrace.anatomy import DOMAIN_OF, FINDINGS
from radtrace.findings.changes import give_changes
from radtrace.findings.clauses import Sentence, Verdict, parse, verdicts
from radtrace.findings.ellipses import sides_apart, with_left_out
from radtrace.findings.lexicon import CHANGES, DENIALS, MODIFIERS, STATEMENTS, Words, spelled, word_set, words_of
from radtrace.findings.parts import Modifiers
from radtrace.findings.places import (
    Located,
    Statement,
    attach,
    give_sides,
    locate,
    ordered,
    subject_of,
    subjects_of_normal,
)
from radtrace.records import Domain, Finding, Span, Status
from radtrace.reports import section_ranges, sentence_bounds

_SPEAKING = ("findings", "impression")
_CACHED_SENTENCES = 1 << 14
_LONGEST = 2000
"""Characters of the longest sentence that is read as one."""
_STATUS: dict[Verdict, Status] = {
    "present": "present",
    "absent": "absent",
    "uncertain": "uncertain",
    "likely": "uncertain",
}
_PARTS = word_set("parts")
_DENIALS = frozenset(("no", "negative", "none", "nil"))


@dataclass(frozen=True, slots=True)
class SentenceAnnotation:
    """What one sentence says.

    span: of the sentence, in the text that was read.
    findings: with spans in the same text, in its order.
    likely: for each finding whether it is the reader's best guess: present, or uncertain only in the way of "probable"
        or of two alternatives.
    regions: all the places that the sentence is about, normal ones included, in the order of `REGIONS`.
    domain: the one that it says most about; "general" where it names no place.
    """

    span: Span
    findings: tuple[Finding, ...]
    likely: tuple[bool, ...]
    regions: tuple[str, ...]
    domain: Domain


_SILENT = SentenceAnnotation(Span(start=0, end=1), (), (), (), "general")


def annotate(text: str) -> tuple[SentenceAnnotation, ...]:
    """What each sentence of a text says, by rules.

    The sentences under the headings of history, technique and comparison say nothing of the film: all of them where the
    findings or the impression have a heading too, otherwise the first.
    """
    annotations = []
    for first, last, silent in _passages(text):
        pieces = list(_pieces(text[first:last]))
        for index, (from_start, from_end) in enumerate(pieces):
            start, end = first + from_start, first + from_end
            answer = text[slice(*(first + at for at in pieces[index + 1]))] if index + 1 < len(pieces) else ""
            read = _SILENT if index < silent else _read(text[start:end], _answer_to(text[start:end], answer))
            moved = tuple(f.model_copy(update={"span": f.span.shifted(start)}) if f.span else f for f in read.findings)
            span = Span(start=start, end=end)
            annotations.append(SentenceAnnotation(span, moved, read.likely, read.regions, read.domain))
    return tuple(annotations)


def _passages(text: str) -> Iterator[tuple[int, int, float]]:
    """(start, end, how many sentences say nothing of the film) of the sections of a text, headings included."""
    ranges = section_ranges(text)
    headed = any(section in _SPEAKING for section, _, _ in ranges[1:])
    first = 0
    for section, start, last in ranges:
        headless = start == 0
        yield first, last, 0 if headless or section in _SPEAKING else inf if headed else 1
        first = last


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The sentences of a text; one too long to be one is read in parts, so that the time grows with the length only."""
    for start, end in sentence_bounds(text):
        while end - start > _LONGEST:
            cut = text.rfind(" ", start + 1, start + _LONGEST)
            cut = cut if cut > start else start + _LONGEST
            yield start, cut
            start = cut + (text[cut] == " ")
        yield start, end


def findings_of(text: str) -> tuple[Finding, ...]:
    """The findings of a text in its order, with their spans in it; () where it says none."""
    return tuple(finding for annotation in annotate(text) for finding in annotation.findings)


def _answer_to(sentence: str, following: str) -> str:
    """The sentence after a question where it is nothing but a denial ("Cardiomegaly? No."), otherwise ""."""
    denies = sentence.endswith("?") and following.rstrip(".!").lower() in _DENIALS
    return following if denies else ""


@lru_cache(_CACHED_SENTENCES)
def _read(text: str, answer: str = "") -> SentenceAnnotation:
    """What one sentence says, with spans in the sentence; `answer` follows a question."""
    words = words_of(f"{text} {answer}")
    folded = sides_apart(tuple(map(spelled, words.folded)))
    sentence = parse(folded, with_left_out(folded, STATEMENTS.scan(folded)))
    modifiers = MODIFIERS.scan(folded)
    places = locate(folded, modifiers)
    statements = _statements(sentence, places)
    give_sides(sentence, modifiers, places, statements)
    for statement, verdict in zip(statements, verdicts(sentence, statements), strict=True):
        statement.verdict = verdict
    said_here = [statement for statement in statements if statement.verdict != "elsewhere"]
    if statements and not said_here:
        return _SILENT
    statements = said_here
    places = [located for located in places if located.sides or not located.place.sided]
    attach(sentence, places, statements)
    changes = CHANGES.scan(folded)
    give_changes(sentence, changes, places, statements)
    said: dict[Finding, bool] = {}
    for finding, likely in _findings(statements, words, Modifiers.of(sentence, modifiers, changes, statements)):
        said.setdefault(finding, likely)
    silent = (located for located in places if not located.used and not (located.place.general and said))
    named = [*(finding.regions for finding in said), *(located.regions for located in silent)]
    regions = ordered(name for names in named for name in names)
    return SentenceAnnotation(
        span=Span(start=0, end=len(text)),
        findings=tuple(said),
        likely=tuple(said.values()),
        regions=regions,
        domain=_domain(tuple(said), places, regions),
    )


def _statements(sentence: Sentence, places: Sequence[Located]) -> list[Statement]:
    """What a sentence speaks of: findings by name, predicates of a place, and what a normal place denies."""
    named = [match for match in sentence.matches if match.term.finding]
    statements: list[Statement] = []
    predicates: list[int] = []
    for match in sentence.matches:
        term = match.term
        if term.finding:
            statements.append(Statement(match.start, match.end, term.finding))
        elif term.states:
            subject = subject_of(sentence, match, places, named)
            if subject:
                statements.extend(
                    Statement(match.start, match.end, FINDINGS[state.label], subject, state.verdict)
                    for state in term.states[subject.place.key]
                )
                predicates.append(max(match.end, subject.end))
        elif not term.cues.isdisjoint(DENIALS):
            subjects = subjects_of_normal(sentence, match, predicates, places)
            for cue, subject in product(term.cues & DENIALS.keys(), subjects):
                kinds = DENIALS[cue].get(subject.place.key, ())
                statements.extend(Statement(match.start, match.end, kind, subject, "absent") for kind in kinds)
            predicates.append(max(match.end, *(subject.end for subject in subjects), 0))
    return statements


def _findings(statements: Sequence[Statement], words: Words, modifiers: Modifiers) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether it is the best guess."""
    for statement in _told_apart(statements, modifiers):
        start, end = statement.begin, statement.end
        if statement.subject:
            end = max(end, statement.subject.end)
        for part in modifiers.parts_of(statement):
            finding = Finding(
                label=statement.kind.label,
                status=_STATUS[statement.verdict],
                severity=part.severity,
                laterality=part.laterality,
                change=part.change,
                regions=part.regions,
                span=Span(start=words.starts[start], end=words.ends[end - 1]),
            )
            yield finding, statement.verdict in ("present", "likely")


def _told_apart(statements: Sequence[Statement], modifiers: Modifiers) -> list[Statement]:
    """The statements without those that repeat an earlier one ("deformity of the clavicle from a fracture").

    The part of a device gives its places to the device ("a pacemaker with leads in the right atrium").
    """
    apart: list[Statement] = []
    for statement in statements:
        same = [one for one in apart if one.kind is statement.kind and one.verdict == statement.verdict]
        device = next((one for one in same if _is_part(statement, one, modifiers.sentence)), None)
        if device:
            device.places.extend(statement.places)
            continue
        repeated = next((one for one in same if _adds_nothing(statement, one)), None)
        if repeated is None:
            apart.append(statement)
            continue
        statement.change = repeated.change = statement.change or repeated.change
        if modifiers.severity(statement):
            if not modifiers.severity(repeated) and _adds_nothing(repeated, statement):
                apart.remove(repeated)
            apart.append(statement)
    return apart


def _adds_nothing(statement: Statement, earlier: Statement) -> bool:
    """Whether a mention names no place or side beyond those of another one."""
    if statement.places:
        return statement.sides <= earlier.sides and all(any(p is q for q in earlier.places) for p in statement.places)
    return not statement.all_sides


def _is_part(statement: Statement, device: Statement, sentence: Sentence) -> bool:
    """Whether this is a part of the device, not another one of its kind."""
    if device.kind.chexpert != "Support Devices" or not sentence.in_one_clause(device.start, statement.start):
        return False
    told = sentence.words[statement.start] in _PARTS or "with" in sentence.words[device.end : statement.start]
    return told and statement.sides <= device.sides


def _domain(findings: Sequence[Finding], places: Sequence[Located], regions: Sequence[str]) -> Domain:
    """The domain of most findings, or of most regions where there are none; the one named first of equals."""
    counts: Counter[Domain] = Counter()
    for finding in findings:
        if finding.regions:
            counts[Counter(DOMAIN_OF[name] for name in finding.regions).most_common(1)[0][0]] += 1
    if not counts:
        counts.update(DOMAIN_OF[name] for located in places for name in located.regions if name in regions)
    return counts.most_common(1)[0][0] if counts else "general"
