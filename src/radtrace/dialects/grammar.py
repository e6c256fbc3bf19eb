r"""The canonical dialect as a state machine: what may come next of a text that is being written.

It is stricter than the parser, which reads anything: what it accepts to its end parses without a problem, but for a
heading that stands twice in a report. Every step has words, a named place and at most one box with an area, the report
opens with a heading, and no de-identification blank is ever completed. A picture is `<image></image>`; who has its
pixels writes them in between.

    state = Grammar().start()
    state = state.advance('<step region="spine">Normal.\n<box>4')      # None where the text breaks the grammar
    state.where, state.coordinate, state.next_characters()              # BOX, 0, frozenset of digits and the comma

States are small and hash, so that what a state allows can be worked out once and kept: all words share a few states.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from radtrace.anatomy import DOMAIN_OF, DOMAINS
from radtrace.config import Settings
from radtrace.dialects.decisions import BETWEEN, NONE, begins_item, is_item

_TOP = 999
_DIGITS = 3
_PLACES: tuple[str, ...] = (*DOMAINS, "general", *DOMAIN_OF)
_RUN = {"x": 4, "_": 3}
"""Of these characters so many in a row are a blank."""
_MARKED = '<step findings box image report answer>/"=,;0123456789\n'


class Where(StrEnum):
    """Part of the text that is being written."""

    BETWEEN = "between steps"
    AFTER_STEP = "after step"
    HEADER = "step header"
    FINDINGS = "finding decision"
    WORDS = "words"
    BOX = "box"
    AFTER_BOX = "after box"
    IMAGE = "image"
    AFTER_IMAGE = "after image"
    REPORT_HEADING = "report heading"
    REPORT = "report"
    ANSWER = "answer"
    END = "end"


_TAGS: dict[Where, dict[str, Where]] = {
    Where.IMAGE: {"</image>": Where.AFTER_IMAGE},
    Where.AFTER_IMAGE: {"</step>": Where.AFTER_STEP},
    Where.AFTER_STEP: {"\n": Where.BETWEEN},
    Where.REPORT_HEADING: {"FINDINGS: ": Where.REPORT, "IMPRESSION: ": Where.REPORT},
    Where.END: {},
}
"""Where only marks may stand: the mark -> where it leads."""

_CLOSING: dict[Where, dict[str, Where]] = {
    Where.WORDS: {"<box>": Where.BOX, "</step>": Where.AFTER_STEP},
    Where.REPORT: {"</report>": Where.END},
    Where.ANSWER: {"</answer>": Where.END},
}
"""Where words stand: the marks that end them."""

_FORBIDDEN = tuple(
    f"<{slash}{name}" for slash in ("", "/") for name in ("step", "findings", "box", "image", "report", "answer")
)
"""Beginnings of tags, which words may hold escaped only."""


class Grammar(Settings):
    """findings: steps decide before their words. pictures: a box is followed by its picture, else none stands there."""

    findings: bool = False
    pictures: bool = True

    def start(self) -> "State":
        """Before the first step."""
        return State(self)


@dataclass(frozen=True, slots=True)
class State:
    """Where a text stands.

    partial: what is written of a mark, a header, a decision or a coordinate that is not whole yet.
    said: words since the last mark. run: the last characters of words, where a blank may be coming.
    box: the coordinates that are whole.
    """

    grammar: Grammar
    where: Where = Where.BETWEEN
    partial: str = ""
    said: bool = False
    run: str = ""
    box: tuple[int, ...] = ()

    @property
    def coordinate(self) -> int | None:
        """Which coordinate is being written, 0-3; None elsewhere than in a box."""
        return len(self.box) if self.where is Where.BOX else None

    @property
    def ended(self) -> bool:
        """Whether the text is whole."""
        return self.where is Where.END

    def advance(self, text: str) -> "State | None":
        """The state after more text; None where the grammar has no such text."""
        state: State | None = self
        for character in text:
            state = state and state._after(character)
            if state is None:
                return None
        return state

    def next_characters(self) -> frozenset[str] | None:
        """The characters that may come next; None where words stand, which take almost any."""
        return None if self.where in _CLOSING else _next_characters(self)

    def forced(self) -> str:
        """The text that must come next, since nothing else may; an engine need not ask its model for it."""
        text, state = "", self
        while (allowed := state.next_characters()) is not None and len(allowed) == 1:
            (character,) = allowed
            following = state._after(character)
            if following is None:
                break
            text, state = text + character, following
        return text

    def _after(self, character: str) -> "State | None":
        if self.where in _CLOSING:
            return self._after_words(character)
        if self.where is Where.BOX:
            return self._after_digit(character)
        if self.where in (Where.HEADER, Where.FINDINGS):
            return self._after_item(character)
        return self._after_mark(character, self._marks())

    def _marks(self) -> dict[str, Where]:
        if self.where is Where.BETWEEN:
            return {'<step region="': Where.HEADER, "<report>": Where.REPORT_HEADING, "<answer>": Where.ANSWER}
        if self.where is Where.AFTER_BOX:
            return {"<image>": Where.IMAGE} if self.grammar.pictures else {"</step>": Where.AFTER_STEP}
        return _TAGS[self.where]

    def _after_mark(self, character: str, marks: dict[str, Where]) -> "State | None":
        partial = self.partial + character
        if partial in marks:
            return State(self.grammar, marks[partial])
        return replace(self, partial=partial) if any(mark.startswith(partial) for mark in marks) else None

    def _after_words(self, character: str) -> "State | None":
        marks = _CLOSING[self.where]
        partial = self.partial + character
        if self.partial or character == "<":
            if self.said and (partial in marks or any(mark.startswith(partial) for mark in marks)):
                return self._after_mark(character, marks)
            if partial.lower().startswith(_FORBIDDEN):
                return None
            if any(tag.startswith(partial.lower()) for tag in _FORBIDDEN):
                return replace(self, partial=partial, run="")
        return self._with_words(partial)

    def _with_words(self, written: str) -> "State | None":
        """After a character that belongs to no mark, with what was held back as the beginning of one."""
        if written[-1] == "<" and len(written) > 1:
            return replace(self, partial="<", said=True, run="")
        last = written[-1].lower()
        run = (self.run + last if self.run[:1] == last else last) if last in _RUN else ""
        if run and len(run) >= _RUN[last]:
            return None
        return State(self.grammar, self.where, said=self.said or not written.isspace(), run=run)

    def _after_item(self, character: str) -> "State | None":
        """In a header or a decision: whole names, each from its vocabulary, then the mark that ends the list."""
        header = self.where is Where.HEADER
        text = self.partial + character
        listed, separator, tail = text.partition('"' if header else "<")
        if separator:
            whole = _is_places(listed) if header else _is_decision(listed)
            end = '">' + ("<findings>" if self.grammar.findings else "") if header else "</findings>"
            if not whole or not end.startswith(separator + tail):
                return None
            if separator + tail == end:
                return State(self.grammar, Where.FINDINGS if header and self.grammar.findings else Where.WORDS)
            return State(self.grammar, self.where, text)
        begins = _begins_places(text) if header else _begins_decision(text)
        return State(self.grammar, self.where, text) if begins else None

    def _after_digit(self, character: str) -> "State | None":
        """In a box: whole numbers of the grid, each corner past the first one on both axes."""
        number = len(self.box)
        if self.partial[:1] == "<" or (character == "<" and number == 3 and self._is_coordinate()):
            end = self.partial[self.partial.find("<") :] if "<" in self.partial else ""
            end += character
            if end == "</box>":
                return State(self.grammar, Where.AFTER_BOX)
            return replace(self, partial=end) if "</box>".startswith(end) else None
        if character == ",":
            if number == 3 or not self._is_coordinate():
                return None
            return replace(self, partial="", box=(*self.box, int(self.partial)))
        partial = self.partial + character
        if not (character.isascii() and character.isdigit()) or (len(partial) > 1 and partial[0] == "0"):
            return None
        return replace(self, partial=partial) if self._can_become(partial) else None

    def _least(self) -> int:
        """The smallest number that this coordinate may be."""
        return self.box[len(self.box) - 2] + 1 if len(self.box) >= 2 else 0

    def _is_coordinate(self) -> bool:
        most = _TOP if len(self.box) >= 2 else _TOP - 1
        return self.partial.isdigit() and self._least() <= int(self.partial) <= most

    def _can_become(self, digits: str) -> bool:
        """Whether these digits, or some that go on from them, are a coordinate that this may be."""
        largest = digits if digits == "0" else digits.ljust(_DIGITS, "9")
        return len(digits) <= _DIGITS and int(largest) >= self._least() and int(digits) <= _TOP - (len(self.box) < 2)


def state_of(text: str, grammar: Grammar | None = None) -> State | None:
    """The state of a text from its beginning; None where it breaks the grammar."""
    return (grammar or Grammar()).start().advance(text)


@lru_cache(4096)
def _next_characters(state: State) -> frozenset[str]:
    characters = frozenset(_MARKED + "abcdefghijklmnopqrstuvwxyzFINDGSMPRESO:- ")
    return frozenset(character for character in characters if state._after(character) is not None)


def _is_places(text: str) -> bool:
    names = text.split(", ")
    return len(set(names)) == len(names) and all(name in _PLACES for name in names) and _domain_first(names)


def _begins_places(text: str) -> bool:
    *names, last = text.split(", ")
    if names and not _is_places(", ".join(names)):
        return False
    if last.endswith(","):
        return len(names) + 1 < len(DOMAIN_OF) and _is_places(", ".join((*names, last[:-1])))
    places = DOMAIN_OF if names else _PLACES
    return any(place.startswith(last) and place not in names for place in places)


def _domain_first(names: list[str]) -> bool:
    return all(name in DOMAIN_OF for name in names[1:])


def _is_decision(text: str) -> bool:
    """A model that repeats itself is stopped: no item stands twice."""
    items = text.split(BETWEEN)
    return text == NONE or (len(set(items)) == len(items) and all(map(is_item, items)))


def _begins_decision(text: str) -> bool:
    *items, last = text.split(BETWEEN)
    if last.endswith(";"):
        return _is_decision(BETWEEN.join((*items, last[:-1]))) and last[:-1] != NONE
    if not items and NONE.startswith(last):
        return True
    return begins_item(last) and (last not in items or begins_item(f"{last} "))
