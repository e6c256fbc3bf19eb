"""Sentences that compare with an earlier film, told of one film alone: what was found stays, the comparison goes."""

import re
from collections.abc import Iterator

from radtrace.dialects.mending.rewriting import Piece, mended, rewritten
from radtrace.findings import findings_of
from radtrace.metrics.clinical.priors import compares
from radtrace.records import Span, Trace

_EARLIER = (
    r"(?: (?:(?:when |as )?compared (?:to|with)|in comparison (?:to|with)|from|since|to) (?:the )?"
    r"(?:prior|previous|earlier|preceding|last)(?: (?:chest )?(?:exam(?:ination)?s?|stud(?:y|ies)|radiographs?|films?"
    r"|x-?rays?|imaging|ct|one))?)"
)
_SAME = (
    rf"(?:(?:relatively |grossly |essentially |overall )?(?:stable|unchanged)(?: in appearance| in size)?{_EARLIER}?)"
)
_OLD = r"granulomat\w+|histoplasmosis|infecti\w+|inflammat\w+|(?:\w+ )?fractures?|trauma\w*|injur\w+|insult"
_PAST = r"(?:\w+ ){0,2}(?:surger\w+|sternotomy|cabg|bypass|lobectomy|mastectomy|thoracotomy|resection|cholecystectomy)"
_ATTRIBUTE = r"(?:grossly |relatively )?(?:stable|unchanged|persistent|new),?"
_NO_NOUN = (
    r"(?!(?:from|since|in|to|and|or|with|without|compared|when|as|at|for|over|on|but|by|than|appear\w+)\b"
    r"|(?!(?:normal|mild|moderate|enlarged|borderline|prominent)\b)(?:[a-z-]+ ){0,3}"
    r"(?:silhouettes?|contours?|size|position|positioning|mediastinum|examination|chest)\b)"
)
"""After "stable": what is no noun with something found, or names what is only said to be as it was."""

_NO_VERB = "".join(
    f"(?<!{verb})" for verb in ("is", "are", "was", "were", "appear", "appears", "remain", "remains", "ly", "likewise")
)
_RULES = tuple(
    (re.compile(context, re.IGNORECASE), written)
    for context, written in (
        (rf"(?:,(?: and| but)?| and| but)(?: (?:which|that))?(?: (?:is|are|appears?))? {_SAME}(?=[.,;])", ""),
        (rf" (?:which|that) (?:is|are|appears?) {_SAME}(?=[.,;])", ""),
        (rf" (?:is|are|appears?) {_SAME} and(?= (?:indicate|likely|may|represent|suggest|reflect|could))", ""),
        (rf"{_NO_VERB} {_SAME}(?=\.)", ""),
        (r", (?:stable|unchanged) (?:[a-z-]+ ){1,4}(?:silhouettes?|contours?)(?=\.)", ""),
        (r"\b(?:stable|unchanged) and (?=within|unremarkable|normal|clear|mildly|enlarged)", ""),
        (rf"\ba {_ATTRIBUTE} {_NO_NOUN}(?=[aeiou])", "an "),
        (rf"\ban {_ATTRIBUTE} {_NO_NOUN}(?=[^aeiou])", "a "),
        (rf"\b{_ATTRIBUTE} {_NO_NOUN}(?=[a-z])", ""),
        (r"^again (?:noted|seen|demonstrated|identified) (?:is|are) (?:the |an? )?", ""),
        (r" again\b", ""),
        (r"^(?:redemonstration|persistence) of (?:the |an? )?", ""),
        (r"\b(?:redemonstration|persistence) of ", ""),
        (rf"\ba (?:prior|previous) (?={_OLD})", "an old "),
        (rf"\b(?:prior|previous) (?={_OLD})", "old "),
        (rf"\b(?:prior|previous) (?={_PAST})", "past "),
        (
            r"\bremains (?=in |within|normal|clear|elevated|enlarged|mildly|hyper\w+|low|intact|unremarkable|tortuous)",
            "is ",
        ),
        (
            r"\bremain (?=in |within|normal|clear|elevated|enlarged|mildly|hyper\w+|low|intact|unremarkable|tortuous)",
            "are ",
        ),
    )
)
_NORMAL = re.compile(r"\b(?:normal|unremarkable|clear|intact|within)\b", re.IGNORECASE)


def alone(trace: Trace) -> Trace:
    """The trace as if no earlier film had been there; a sentence of which nothing is left to say goes."""
    return rewritten(trace, compares, _told_alone)


def _told_alone(text: str, sentence: Span) -> list[Piece] | None:
    changed: list[Piece] = []
    for piece in _changes(text, sentence):
        if all(piece.end <= other.start or other.end <= piece.start for other in changed):
            changed.append(piece)
    changed.sort(key=lambda piece: piece.start)
    left = mended(text, sentence, changed)
    says = _NORMAL.search(left) or findings_of(left)
    return changed if says and not compares(left) else None


def _changes(text: str, sentence: Span) -> Iterator[Piece]:
    """What the rules would change, the more telling ones first."""
    words = text[sentence.start : sentence.end]
    for context, written in _RULES:
        for match in context.finditer(words):
            opens = written.capitalize() if match.start() == 0 else written
            yield Piece(sentence.start + match.start(), sentence.start + match.end(), opens)
