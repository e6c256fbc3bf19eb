"""De-identification blanks: they stay in references and are never generated.

This is the one place of that rule. A trace as it was built keeps its blanks, and so does what is measured against.
What a model is trained on is rendered by a dialect with `blanks="mend"` or `"drop"`; a blank in a model's text is a
`Problem`, and the canonical grammar refuses the character that would complete one.
"""

import re
from typing import Literal

from radtrace.dialects.mending.rewriting import Piece, rewritten
from radtrace.records import Span, Trace

Blanks = Literal["keep", "mend", "drop"]
"""What becomes of a sentence that holds a blank:

keep  it stays as it is
mend  a blank is filled where only one word can have stood there ("lymph XXXX": nodes), or words of one meaning
      ("aortic XXXX": arch), and goes where the rest is still a sentence ("No XXXX effusion"); if any other is left, the
      sentence goes
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
    (r"pulmonary (B)(?= and mediastinum| are| appear\b)", "vessels"),
    (r"aortic (B)(?! are| appear\b)", "arch"),
    (r"(?:the|visualized) (B B|B)(?= (?:are|appear) (?:grossly )?intact| and soft tissues)", "bones"),
    (r"^(B B|B)(?= (?:are |appear )?(?:grossly )?intact| and soft tissues)", "Bones"),
)
"""Open-I blanked some ordinary words wherever they stood; here are contexts that leave no doubt (B: the blank)."""
FILLED = frozenset(word for _, words in _FILLS for word in words.lower().split())
"""Words that stand where blanks were: a text may have them that no report has."""
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


def without_blanks(trace: Trace, blanks: Blanks) -> Trace:
    """The trace with its blanks treated, see `rewritten`."""
    if blanks == "keep":
        return trace
    return rewritten(trace, _holds_blank, _mended) if blanks == "mend" else rewritten(trace, _holds_blank)


def _holds_blank(text: str) -> bool:
    return BLANK.search(text) is not None


def _mended(text: str, span: Span) -> list[Piece] | None:
    """What becomes of each blank of a sentence; None where the sentence does not stand without one of them."""
    changed: dict[int, Piece] = {}
    for context, word in _FILL:
        for match in context.finditer(text, span.start, span.end):
            group = match.lastindex or 0
            changed.setdefault(match.start(group), Piece(*match.span(group), word))
    for blank in BLANK.finditer(text, span.start, span.end):
        if any(piece.start <= blank.start() < piece.end for piece in changed.values()):
            continue
        if not _is_attribute(text, span, blank):
            return None
        changed[blank.start()] = Piece(blank.start(), blank.end() + 1, "")
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
