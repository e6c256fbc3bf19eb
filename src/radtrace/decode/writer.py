"""One trace in the canonical dialect, written under its grammar: always whole, whatever the model's weights say."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from radtrace.decode.easel import Draw, Easel
from radtrace.decode.events import BoxWritten, CutOff, Event, Listen, PictureWritten, StepStarted, Wrote
from radtrace.decode.guide import Decided, Guide, statuses_of
from radtrace.decode.passes import Answer, Ask, Kept, Writer
from radtrace.decode.pen import Passes, Pen
from radtrace.decode.pieces import Alphabet
from radtrace.decode.plan import Budget
from radtrace.decode.words import Spelling
from radtrace.dialects import Grammar, State, Where
from radtrace.dialects.decisions import BETWEEN
from radtrace.reports import sentences

Part = Literal["findings", "words", "report", "answer"]
_PARTS: dict[Where, Part] = {
    Where.FINDINGS: "findings",
    Where.WORDS: "words",
    Where.REPORT_HEADING: "report",
    Where.REPORT: "report",
    Where.ANSWER: "answer",
}
_STEP, _BOX, _NO_BOX = '<step region="', ("\n<box>", "<box>"), ("</step>\n",)
_NAMED = '"'
"""Ends the names of a header."""
_SAID = (Where.WORDS, Where.REPORT, Where.ANSWER)
_CHOSEN = (*_SAID, Where.HEADER, Where.FINDINGS, Where.BOX)
"""Where the model chooses, token by token, even what can only go on in one way, since the tokens are its own."""
_ENDS = {
    Where.FINDINGS: ("</findings>",),
    Where.WORDS: (*_BOX, *_NO_BOX),
    Where.REPORT: ("</report>",),
    Where.ANSWER: ("</answer>",),
}
_MARKS = (
    _STEP,
    "<report>FINDINGS: ",
    "<report>IMPRESSION: ",
    "FINDINGS: ",
    "IMPRESSION: ",
    "<answer>",
    "<box>",
    "</step>",
)
_RIPE = 0.8
"""Share of a part's budget from which on it is closed where a sentence ends, so that none is left half."""


@dataclass(slots=True)
class Draft:
    """A trace while it is written, and what it is when it is done.

    text: without the pictures' tokens, as `radtrace.dialects.segments_of` reads it. words: of each step. cut: the parts
    that were closed at their budget. mended: sentences that were taken out or put in to agree with what was decided.
    """

    text: str = ""
    pictures: list[PictureWritten] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    steps: int = 0
    mended: int = 0


def echo(words: Iterable[str]) -> str:
    """The words of steps as a report's findings, each sentence once."""
    return " ".join(dict.fromkeys(text[span.start : span.end] for text in words for span in sentences(text)))


def _nobody(event: Event) -> None:
    """Listens to nothing."""


@dataclass(slots=True)
class TraceWriter:
    """Writes one trace.

    draw: who knows where a step's picture goes; None where the grammar has no pictures. guide: what the model must not
    guess. spelling: which words it may write. script: the whole text, where it was settled before: only the pictures
    are the model's then, so that a trace is the same in whichever way these come about.
    """

    pen: Pen
    alphabet: Alphabet
    grammar: Grammar
    budget: Budget
    draw: Draw | None = None
    listen: Listen = _nobody
    guide: Guide | None = None
    spelling: Spelling | None = None
    script: str | None = None
    draft: Draft = field(default_factory=Draft)
    decided: Decided = field(default_factory=dict)
    _state: State = field(init=False)
    _used: int = 0
    _mark: int = 0
    _told: int = 0
    _place: str = ""
    _box: str = ""
    _codes: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        if self.grammar.pictures != (self.draw is not None):
            raise ValueError("a grammar with pictures needs someone to draw them, and one without needs none")
        if self.script is not None:
            self.script = self.script.replace("<image></image>", "")
        if self.guide and not self.grammar.findings:
            raise ValueError("a guide bounds the decisions of steps, which this grammar does not have")
        self._state = self.grammar.start()
        self._codes = {int(token): code for code, token in enumerate(self.alphabet.images.ids)}

    def write(self) -> Writer[Draft]:
        """The whole trace."""
        answer = yield  # type: ignore[misc]  # the prompt's logits
        assert answer is not None  # noqa: S101
        self.pen.row = answer.logits[-1]
        while not self._state.ended:
            yield from self._next()
        return self.draft

    def _next(self) -> Passes:
        """One decision: a picture, text that nothing else may follow, the end of a part that is full, or a token."""
        if self._state.where is Where.AFTER_BOX and self.draw and not self._state.partial:
            yield from self._picture(self.draw)
            return
        forced = self._forced() if self.script is None else self._next_lines(self.script)
        if not forced:
            token = yield from self.pen.pick(self._allowed(self._state, self.draft.text))
            forced = self._instead(self.alphabet.pieces.texts[token])
            if not forced:
                self.pen.force([token])
                self._used += 1
                self._wrote(self.alphabet.pieces.texts[token])
                return
        self.pen.force(self.alphabet.encode(forced))
        self._wrote(forced)

    def _next_lines(self, script: str) -> str:
        """The script from here to the next picture.

        Raises:  ValueError where it ends before the trace does.
        """
        done = self.draft.text.replace("<image></image>", "")
        end = script.find("</box>", len(done)) if self.draw else -1
        lines = script[len(done) : end + len("</box>") if end >= 0 else None]
        if not lines:
            raise ValueError("the script is no whole trace")
        return lines

    def _forced(self) -> str:
        """Text that is not the model's to choose."""
        state = self._state
        if not state.partial:
            told = self._told_by_guide(state.where)
            if told:
                return told
            if state.where is Where.BETWEEN and not self.draft.steps:
                return _STEP
            if state.where is Where.BETWEEN and self._no_more_steps:
                self._cut("steps")
        if state.where is Where.HEADER and self._used >= self.budget.place and state.advance(_NAMED) is not None:
            self._cut("place")
            return _NAMED
        if state.where in _ENDS and self._is_full(state.where):
            for end in self._ends(state.where):
                rest = end[len(state.partial) :] if state.partial and end.startswith(state.partial) else end
                if state.advance(rest) is not None:
                    self._cut(_PARTS[state.where])
                    return rest
        return "" if state.where in _CHOSEN else _settled(state)

    def _told_by_guide(self, where: Where) -> str:
        """What the guide says at the beginning of a part."""
        if self.guide is None:
            return ""
        if where is Where.FINDINGS:
            return BETWEEN.join(self.guide.due(self._place, self.decided))
        if where is Where.BOX and not self._state.box:
            return f"{self.guide.box(self._place)}</box>"
        if where is Where.BETWEEN and not self._no_more_steps:
            pending = self.guide.pending(self.decided)
            if self.draft.steps + len(pending) >= self.budget.steps:
                return self._own_step(pending)
        return ""

    def _instead(self, text: str) -> str:
        """Where the model would write no more steps: the step that must still come, or the report that echoes them."""
        after = self._state.advance(text)
        if self.guide is None or after is None or self._state.where is not Where.BETWEEN:
            return ""
        opens = after.where is Where.HEADER or (after.where is Where.BETWEEN and _STEP.startswith(after.partial))
        if opens:
            return ""
        due = "" if self._no_more_steps else self._own_step(self.guide.pending(self.decided))
        return due[len(self._state.partial) :] if due else self._echo(self.guide)

    def _echo(self, guide: Guide) -> str:
        """The report's findings: what the steps said; nothing where that is no report's text."""
        told = f"<report>FINDINGS: {echo(self.draft.words)} IMPRESSION: "[len(self._state.partial) :]
        return told if guide.echoes and self._state.advance(told) is not None else ""

    def _own_step(self, pending: Sequence[str]) -> str:
        return f'{_STEP}{pending[0]}"><findings>' if pending else ""

    @property
    def _no_more_steps(self) -> bool:
        return self.draft.steps >= self.budget.steps

    def _ends(self, where: Where) -> Sequence[str]:
        """The marks that may close a part: with a guide, a step has a box exactly where its place has one."""
        if self.guide is None or where is not Where.WORDS:
            return _ENDS[where]
        return _BOX if self.guide.box(self._place) else _NO_BOX

    def _is_full(self, where: Where) -> bool:
        part = _PARTS[where]
        most = {"findings": self.budget.decision, "words": self.budget.words}.get(part, self.budget.report)
        ripe = part != "findings" and self.draft.text.endswith(".") and self._used >= _RIPE * most
        return ripe or self._used >= most

    def _cut(self, part: Literal["steps", "place"] | Part) -> None:
        self.draft.cut.append(part)
        self.listen(CutOff(part))

    def _allowed(self, state: State, text: str) -> Tensor:
        """The tokens that may stand after this text, of which this is the state."""
        pieces, where = self.alphabet.pieces, state.where
        if where is Where.FINDINGS and self.guide:
            return pieces.limited(state, self.guide.takes(state.partial, self.decided))
        if where is Where.BOX and self.draw:
            return pieces.limited(state, lambda piece: _stops_at_picture(state.advance(piece)), "box")
        begun = self.spelling.key(text) if self.spelling and where in _SAID else None
        barred = self._barred(where)
        if begun is None and not barred:
            return pieces.allowed(state)

        def takes(piece: str) -> bool:
            if begun is not None and self.spelling and not self.spelling.takes(begun, piece):
                return False
            after = state.advance(piece)
            return after is not None and not any(_begins(state, piece, after, mark) for mark in barred)

        return pieces.limited(state, takes, (self.spelling, begun, barred))

    def _barred(self, where: Where) -> tuple[str, ...]:
        """The marks that the grammar would take here and that must not come."""
        if where is Where.WORDS and self.guide:
            return ("</step>",) if self.guide.box(self._place) else ("<box>",)
        if where is Where.BETWEEN:
            others = ("<answer>", "<report>IMPRESSION: ") if self.guide else ()
            return (_STEP, *others) if self._no_more_steps else others
        return ("IMPRESSION: ",) if where is Where.REPORT_HEADING and self.guide else ()

    def _wrote(self, text: str) -> None:
        """Add text, and tell what it completes."""
        for character in text:
            before = self._state.where
            after = self._state.advance(character)
            if after is None:
                raise ValueError(f"{before.value}: the grammar does not take what it allowed")
            self.draft.text += character
            self._state = after
            if after.where is not before:
                self._left(before)
        if self._state.where in _SAID:
            self._say(self._state.where, len(self.draft.text) - len(self._state.partial))

    def _left(self, part: Where) -> None:
        """What a part says, now that it is whole."""
        text = self.draft.text[self._mark :]
        if part in _PARTS:
            self._say(part, len(self.draft.text) if part is Where.REPORT_HEADING else self.draft.text.rindex("<"))
        if part is Where.HEADER:
            self._place = text.partition('"')[0]
            self.listen(StepStarted(self.draft.steps, self._place))
        elif part is Where.WORDS:
            self.draft.words.append(text[: text.rindex("<")].strip())
        elif part is Where.FINDINGS:
            self.decided |= statuses_of(text.partition("<")[0].split(BETWEEN))
        elif part is Where.BOX:
            self._box = text.partition("<")[0]
            self.listen(BoxWritten(self.draft.steps, self._box))
        elif part is Where.AFTER_STEP:
            self.draft.steps += 1
        self._used = 0
        self._mark = self._told = len(self.draft.text)

    def _say(self, part: Where, end: int) -> None:
        """Tell the words up to here that were not told; what may be the beginning of a mark is kept back."""
        words = self.draft.text[self._told : end]
        words = words if part is Where.REPORT_HEADING else words.rstrip()
        if words:
            self._told += len(words)
            self.listen(Wrote(_PARTS[part], words))

    def _picture(self, draw: Draw) -> Passes:
        easel, images = draw(self._box, self._place), self.alphabet.images
        count = easel.rows * easel.columns
        if easel.forced and len(easel.draft) != count:
            raise ValueError(f"{len(easel.draft)} image tokens for a picture of {count}")
        self.pen.force(images.opening(easel.rows, easel.columns))
        self._wrote("<image>")
        tokens: list[int] = []
        width = easel.columns if images.row_end else count  # in one go where nothing stands between rows
        for start in range(0, count, width):
            tokens += yield from self._codes_of(easel, slice(start, start + width))
            self.pen.force(images.row_end)
        self.pen.force(images.closing())
        drawn = PictureWritten(self.draft.steps, tuple(self._codes[token] for token in tokens), easel)
        self.draft.pictures.append(drawn)
        self.listen(drawn)
        self._wrote("</image>")

    def _codes_of(self, easel: Easel, part: slice) -> Generator[Ask | Kept, Answer | None, list[int]]:
        """Some of a picture's codes: as they are given, or chosen."""
        draft, cells = easel.draft[part], easel.cells[part]
        if easel.forced:
            self.pen.observe(draft, cells)
            return list(draft)
        return (yield from self.pen.picture(part.stop - part.start, self.alphabet.images.ids, draft, cells))


def _stops_at_picture(after: State | None) -> bool:
    """Whether a piece ends with the box at the latest: `><` would begin the picture's mark as text."""
    return after is not None and (after.where is Where.BOX or (after.where is Where.AFTER_BOX and not after.partial))


def _settled(state: State) -> str:
    """The text that must come next, up to a picture, or to where no mark is half written."""
    forced = state.forced().partition("<image>")[0]
    ends = range(len(forced), 0, -1)
    return next((forced[:end] for end in ends if (after := state.advance(forced[:end])) and not after.partial), "")


def _begins(state: State, piece: str, after: State, mark: str) -> bool:
    """Whether, after a piece, this mark is begun or written and none that it shares its beginning with."""
    if after.where is state.where:
        written = after.partial
    else:
        written = state.partial + piece
        written = written[written.find(mark[0]) :]
    return bool(written) and (written.startswith(mark) or (mark.startswith(written) and _is_telling(mark, written)))


def _is_telling(mark: str, written: str) -> bool:
    """Whether a mark's beginning belongs to no other mark of the dialect."""
    return not any(other != mark and other.startswith(written) for other in _MARKS)
