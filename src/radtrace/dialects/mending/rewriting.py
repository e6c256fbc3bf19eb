"""Rewriting of a trace's words, sentence by sentence, with what its findings point at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from radtrace.records import Finding, Span, Step, Trace
from radtrace.reports import sentences

Unwanted = Callable[[str], bool]
"""Whether a sentence is to go; of a text with several sentences, whether any of them is."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters [start, end) of a text and what is written for them."""

    start: int
    end: int
    written: str


Mend = Callable[[str, Span], list[Piece] | None]
"""Of a text and an unwanted sentence of it: what is to change in it, in its order, or None where it has to go."""
_Sentence = list[Piece]


def rewritten(trace: Trace, unwanted: Unwanted, mend: Mend = lambda text, span: None) -> Trace:
    """The trace without its unwanted sentences, in steps and conclusion alike, but for those that can be mended.

    A step that has no words left goes, and so do findings whose words went. A step keeps its regions, box and picture,
    and its other findings with their spans moved. A report may become empty.
    """
    steps = [_step(step, unwanted, mend) for step in trace.steps]
    report = trace.report
    if report:
        treated = {name: _text(getattr(report, name), unwanted, mend) for name in ("findings", "impression")}
        report = report.model_copy(update=treated)
    answer = trace.answer if trace.answer is None else _text(trace.answer, unwanted, mend)
    return trace.model_copy(update={"steps": tuple(step for step in steps if step), "report": report, "answer": answer})


def mended(text: str, span: Span, changed: Iterable[Piece]) -> str:
    """The sentence with some of its pieces changed; one that loses its first word opens with a capital."""
    return _joined([_pieces(text, span, changed)])


def _step(step: Step, unwanted: Unwanted, mend: Mend) -> Step | None:
    text = step.rationale
    if not unwanted(text):
        return step
    kept = _kept(text, unwanted, mend)
    if not kept:
        return None
    findings = (_moved(finding, kept) for finding in step.findings)
    return step.model_copy(
        update={"rationale": _joined(kept), "findings": tuple(finding for finding in findings if finding)}
    )


def _text(text: str, unwanted: Unwanted, mend: Mend) -> str:
    return _joined(_kept(text, unwanted, mend)) if unwanted(text) else text


def _kept(text: str, unwanted: Unwanted, mend: Mend) -> list[_Sentence]:
    """The sentences that stay, in pieces."""
    kept: list[_Sentence] = []
    for span in sentences(text):
        if not unwanted(text[span.start : span.end]):
            kept.append([Piece(span.start, span.end, text[span.start : span.end])])
        elif changed := mend(text, span):
            kept.append(_pieces(text, span, changed))
    return kept


def _pieces(text: str, span: Span, changed: Iterable[Piece]) -> _Sentence:
    """The sentence with some of its pieces changed; one that loses its first word opens with a capital."""
    pieces, at = [], span.start
    for piece in changed:
        pieces += [Piece(at, piece.start, text[at : piece.start]), piece]
        at = piece.end
    whole = [piece for piece in (*pieces, Piece(at, span.end, text[at : span.end])) if piece.start < piece.end]
    opening = next((number for number, piece in enumerate(whole) if piece.written), 0)
    if opening:
        first = whole[opening]
        whole[opening] = Piece(first.start, first.end, first.written[:1].upper() + first.written[1:])
    return whole


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
