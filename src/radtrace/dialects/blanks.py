"""De-identification blanks: they stay in references and are never generated.

This is the one place of that rule. A trace as it was built keeps its blanks, and so does what is measured against.
What a model is trained on is rendered by a dialect with `blanks="mend"` or `"drop"`; a blank in a model's text is a
`Problem`, and the canonical grammar refuses the character that would complete one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from radtrace.records import Finding, Span, Step, Trace
from radtrace.reports import sentences

Blanks = Literal["keep", "mend", "drop"]
"""What becomes of a sentence that holds a blank:

keep  it stays as it is
mend  a blank is filled where only one word can have stood there ("lymph XXXX": nodes), and goes where the rest is still
      a sentence ("No XXXX effusion"); if any other is left, the sentence goes
drop  the sentence goes
"""

BLANK = re.compile(r"x{4,}|_{3,}", re.IGNORECASE)
"""Open-I's "XXXX" and MIMIC-CXR's "___"."""

_FILLS: tuple[tuple[str, str], ...] = (
    (r"lymph (B)", "nodes"),
    (r"sternotomy (B)", "wires"),
    (r"(?:costo|cardio)phrenic (B)(?= blunting)", "angle"),
    (r"bilateral (?:costo|cardio)phrenic (B)|(?:costo|cardio)phrenic (B)(?= are| appear\b)", "angles"),
    (r"(?:costo|cardio)phrenic (B)", "angle"),
    (r"are no (B)(?= of)", "signs"),
    (r"no (B)(?= of)", "evidence"),
    (r"most (B)|(B)(?= represent| secondary to| related to| due to| sequela)", "likely"),
    (r"note is (B)(?= of)", "made"),
    (r"(?:is|are|remains?) in (B)", "place"),
    (r"superior (B B)", "vena cava"),
    (r"\bx-(B)", "ray"),
    (r"bowel (B)(?= pattern)", "gas"),
)
"""Open-I blanked some ordinary words wherever they stood; here are contexts that leave no doubt (B: the blank)."""
_FILL = tuple(
    (re.compile(context.replace("B", f"(?:{BLANK.pattern})"), re.IGNORECASE), word) for context, word in _FILLS
)

# Words after which a blank was an attribute, and such as an attribute does not stand before.
_BEFORE = re.compile(
    r"no|the|an?|is|are|there|without|any|with|of|post|new|this|these|few|some|mild|moderate|minimal|small|multiple|scattered"
)
_NOT_AFTER = re.compile(
    r"are|is|was|were|be|been|has|have|had|does?|may|not?|the|an?|this|these|that|which|of|and|or|nor|but|with(?:out|in)?"
    r"|in|on|at|from|to|for|by|as|than|since|when|where|versus|vs|appear(?:s|ing)?|remains?|represent(?:s|ing)?|seen"
    r"|noted|present|compatible|consistent|suggest(?:s|ive|ing)?"
)
_WORD = re.compile(r"[A-Za-z][a-z-]*\b")
_LAST_WORD = re.compile(r"([A-Za-z-]+) \Z")
_LONGEST_WORD = 30


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters [start, end) of a text and what is written for them."""

    start: int
    end: int
    written: str


_Sentence = list[_Piece]


def without_blanks(trace: Trace, blanks: Blanks) -> Trace:
    """The trace with its blanks treated; a step that has no words left goes, and so do findings whose words went.

    A step keeps its regions, box and picture, and its other findings with their spans moved. A report may become empty.
    """
    if blanks == "keep":
        return trace
    steps = [_step(step, blanks) for step in trace.steps]
    report = trace.report
    if report:
        treated = {"findings": _text(report.findings, blanks), "impression": _text(report.impression, blanks)}
        report = report.model_copy(update=treated)
    answer = trace.answer if trace.answer is None else _text(trace.answer, blanks)
    return trace.model_copy(update={"steps": tuple(step for step in steps if step), "report": report, "answer": answer})


def _step(step: Step, blanks: Blanks) -> Step | None:
    text = step.rationale
    if not BLANK.search(text):
        return step
    kept = _kept(text, blanks)
    if not kept:
        return None
    findings = (_moved(finding, kept) for finding in step.findings)
    return step.model_copy(
        update={"rationale": _joined(kept), "findings": tuple(finding for finding in findings if finding)}
    )


def _text(text: str, blanks: Blanks) -> str:
    return _joined(_kept(text, blanks)) if BLANK.search(text) else text


def _kept(text: str, blanks: Blanks) -> list[_Sentence]:
    """The sentences that stay, in pieces."""
    kept: list[_Sentence] = []
    for span in sentences(text):
        if not BLANK.search(text, span.start, span.end):
            kept.append([_Piece(span.start, span.end, text[span.start : span.end])])
        elif blanks == "mend" and (mended := _mended(text, span)):
            kept.append(_pieces(text, span, mended))
    return kept


def _pieces(text: str, span: Span, changed: Iterable[_Piece]) -> _Sentence:
    """The sentence with some of its pieces changed; one that loses its first word opens with a capital."""
    pieces, at = [], span.start
    for piece in changed:
        pieces += [_Piece(at, piece.start, text[at : piece.start]), piece]
        at = piece.end
    rest = text[at : span.end]
    if at > span.start and not any(piece.written for piece in pieces):
        rest = rest[:1].upper() + rest[1:]
    return [*pieces, _Piece(at, span.end, rest)]


def _mended(text: str, span: Span) -> list[_Piece] | None:
    """What becomes of each blank of a sentence; None where the sentence does not stand without one of them."""
    changed: dict[int, _Piece] = {}
    for context, word in _FILL:
        for match in context.finditer(text, span.start, span.end):
            group = match.lastindex or 0
            changed.setdefault(match.start(group), _Piece(*match.span(group), word))
    for blank in BLANK.finditer(text, span.start, span.end):
        if any(piece.start <= blank.start() < piece.end for piece in changed.values()):
            continue
        if not _is_attribute(text, span, blank):
            return None
        changed[blank.start()] = _Piece(blank.start(), blank.end() + 1, "")
    return [changed[start] for start in sorted(changed)]


def _is_attribute(text: str, sentence: Span, blank: re.Match[str]) -> bool:
    """Whether a sentence still stands when the blank and the space behind it go."""
    after = _WORD.match(text, blank.end() + 1, sentence.end)
    if text[blank.end() : blank.end() + 1] != " " or not after or BLANK.match(after[0]):
        return False
    if _NOT_AFTER.fullmatch(after[0].lower()):
        return False
    if blank.start() == sentence.start:
        return after.end() + 1 < sentence.end
    if text.startswith(", ", blank.start() - 2):
        return True
    before = _LAST_WORD.search(text[max(sentence.start, blank.start() - _LONGEST_WORD) : blank.start()])
    word = before[1].lower() if before else ""
    vowel = after[0][0] in "aeiouAEIOU"
    return _BEFORE.fullmatch(word) is not None and not (word == "a" and vowel) and not (word == "an" and not vowel)


def _joined(kept: Iterable[_Sentence]) -> str:
    return " ".join("".join(piece.written for piece in pieces) for pieces in kept)


def _moved(finding: Finding, kept: Iterable[_Sentence]) -> Finding | None:
    """The finding with its span in what stays; None where its words went."""
    if finding.span is None:
        return finding
    places: list[int] = []
    before = 0
    for number, pieces in enumerate(kept):
        before += number > 0
        for piece in pieces:
            low, high = max(piece.start, finding.span.start), min(piece.end, finding.span.end)
            if low < high and piece.written:
                whole = len(piece.written) != piece.end - piece.start
                places += (
                    before + (0 if whole else low - piece.start),
                    before + (len(piece.written) if whole else high - piece.start),
                )
            before += len(piece.written)
    return finding.model_copy(update={"span": Span(start=places[0], end=places[-1])}) if places else None
