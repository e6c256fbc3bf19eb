"""One trace in the canonical dialect, written under its grammar: always whole, whatever the model's weights say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

from radtrace.decode.events import BoxWritten, CutOff, Event, Listen, PictureWritten, StepStarted, Wrote
from radtrace.decode.passes import Writer
from radtrace.decode.pen import Passes, Pen
from radtrace.decode.pieces import Pieces
from radtrace.decode.plan import Budget
from radtrace.dialects import Grammar, State, Where

_PARTS: dict[Where, Literal["findings", "words", "report", "answer"]] = {
    Where.FINDINGS: "findings",
    Where.WORDS: "words",
    Where.REPORT: "report",
    Where.ANSWER: "answer",
}
_ENDS = {
    Where.FINDINGS: ("</findings>",),
    Where.WORDS: ("\n<box>", "<box>", "</step>"),
    Where.REPORT: ("</report>",),
    Where.ANSWER: ("</answer>",),
}


@dataclass(frozen=True, slots=True)
class Easel:
    """Where a step's picture goes. rows, columns: of its codes. draft: image tokens of the real crop, or none.

    forced: whether the draft is written as it is, as an observation.
    """

    rows: int
    columns: int
    draft: Sequence[int] = ()
    forced: bool = False


class Draw(Protocol):
    """Box text of a step -> the easel of its picture."""

    def __call__(self, box: str, place: str) -> Easel:
        """The easel, once the box is written."""


@dataclass(slots=True)
class Draft:
    """A trace while it is written, and what it is when it is done.

    text: without the pictures' tokens, as `radtrace.dialects.segments_of` reads it; pictures: ids of image tokens.
    """

    text: str = ""
    pictures: list[list[int]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    steps: int = 0


@dataclass(slots=True)
class TraceWriter:
    """Writes one trace.

    encode: text -> token ids. images: ids of the image tokens, by code. begin: of a step's picture.
    """

    pen: Pen
    pieces: Pieces
    encode: Callable[[str], list[int]]
    images: Tensor
    grammar: Grammar
    budget: Budget
    draw: Draw | None = None
    listen: Listen = lambda event: None
    draft: Draft = field(default_factory=Draft)
    _state: State = field(init=False)
    _used: int = 0
    _mark: int = 0
    _place: str = ""
    _box: str = ""
    _codes: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        if self.grammar.pictures != (self.draw is not None):
            raise ValueError("a grammar with pictures needs someone to draw them, and one without needs none")
        self._state = self.grammar.start()
        self._codes = {int(token): code for code, token in enumerate(self.images)}

    def write(self) -> Writer[Draft]:
        """The whole trace."""
        answer = yield  # type: ignore[misc]  # the prompt's logits
        assert answer is not None  # noqa: S101
        self.pen.row = answer.logits[-1]
        while not self._state.ended:
            yield from self._next()
        return self.draft

    def _next(self) -> Passes:
        """One decision: text that nothing else may follow, the end of a part that is full, a picture, or a token."""
        state = self._state
        if state.where is Where.IMAGE and not state.partial:
            yield from self._picture()
        forced = self._forced()
        if forced:
            self.pen.force(self.encode(forced))
            self._wrote(forced)
            return
        token = yield from self.pen.choose(self.pieces.allowed(state))
        self._used += 1
        self._wrote(self.pieces.texts[token])

    def _forced(self) -> str:
        state = self._state
        if state.where is Where.BETWEEN and self.draft.steps >= self.budget.steps and not state.partial:
            self._cut("steps")
            return "<report>"
        if state.where is Where.BETWEEN and not state.partial and not self.draft.steps:
            return '<step region="'
        part = _PARTS.get(state.where)
        if part and self._used >= self._most(part):
            for end in _ENDS[state.where]:
                rest = end[len(state.partial) :] if state.partial and end.startswith(state.partial) else end
                if state.advance(rest) is not None:
                    self._cut(part)
                    return rest
        text = state.forced()
        after = state.advance(text)
        return text if after is not None and (not after.partial or after.where is Where.BOX) else ""

    def _most(self, part: str) -> int:
        return {"findings": self.budget.decision, "words": self.budget.words}.get(part, self.budget.report)

    def _cut(self, part: Literal["steps", "findings", "words", "report", "answer"]) -> None:
        self.draft.cut.append(part)
        self._tell(CutOff(part))

    def _wrote(self, text: str) -> None:
        """Add text, and tell what it completes."""
        before = self._state
        after = before.advance(text)
        if after is None:
            raise ValueError(f"{before.where.value}: the grammar does not take what it allowed")
        self.draft.text += text
        self._state = after
        part = _PARTS.get(before.where)
        if part:
            self._tell(Wrote(part, text))
        if after.where is before.where:
            return
        self._used = 0
        if before.where is Where.HEADER:
            self._place = self.draft.text[self._mark :].partition('"')[0]
            self._tell(StepStarted(self.draft.steps, self._place))
        elif before.where is Where.BOX:
            self._box = self.draft.text[self._mark :].partition("<")[0]
            self._tell(BoxWritten(self.draft.steps, self._box))
        elif after.where is Where.AFTER_STEP:
            self.draft.steps += 1
        self._mark = len(self.draft.text)

    def _picture(self) -> Passes:
        assert self.draw is not None  # noqa: S101  # seen in __post_init__
        easel = self.draw(self._box, self._place)
        count = easel.rows * easel.columns
        if easel.forced:
            self.pen.force(easel.draft)
            tokens = list(easel.draft)
        else:
            tokens = yield from self.pen.picture(count, self.images, easel.draft)
        self.draft.pictures.append(tokens)
        self._tell(
            PictureWritten(self.draft.steps, tuple(self._codes[token] for token in tokens), easel.rows, easel.columns)
        )

    def _tell(self, event: Event) -> None:
        self.listen(event)
