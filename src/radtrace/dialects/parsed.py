"""What a parser makes of a model's text: the parts of a trace, and what was malformed."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from radtrace.dialects.mending.blanks import BLANK
from radtrace.dialects.segments import Script
from radtrace.records import Report, Stage, Step, Trace, View

Kind = Literal[
    "unclosed",
    "unopened",
    "misplaced",
    "repeated",
    "box unreadable",
    "box outside",
    "box inverted",
    "place missing",
    "place unknown",
    "finding unreadable",
    "words missing",
    "picture missing",
    "conclusion missing",
    "blank",
    "and more",
]
"""What can be wrong with a text:

unclosed            a tag, a brace or the text itself ends too early; what is there is read
unopened            a closing tag that nothing opened
misplaced           a tag, words or a picture where the dialect has no room for them; such words are left out
repeated            a second one where one belongs (box, picture, decision, report …); the first counts
box unreadable      not four numbers; the step has no box
box outside         past the frame's edges; the step has no box
box inverted        without any area; the step has no box
place missing       a step that names no place; it becomes a `general` one
place unknown       a name that is neither one of the 35 regions nor a domain; it is left out
finding unreadable  an item of a decision that names no known finding and status; it is left out
words missing       a step that says nothing
picture missing     a picture's tags without a picture
conclusion missing  neither a report nor an answer
blank               a de-identification blank, which no model may write
and more            past `MOST_PROBLEMS`
"""
KINDS: tuple[Kind, ...] = get_args(Kind)

MOST_PROBLEMS = 100
"""Of one text that are told apart."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something malformed. segment, offset: where, the offset counted in characters of that segment."""

    kind: Kind
    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parts of a trace that a text carries, and what was malformed in it, in the text's order."""

    steps: tuple[Step, ...]
    report: Report | None
    answer: str | None
    problems: tuple[Problem, ...]

    def trace(self, study_id: str, view: View, provenance: tuple[Stage, ...] = ()) -> Trace:
        """The parts as a trace of a study."""
        return Trace(
            study_id=study_id,
            view=view,
            steps=self.steps,
            report=self.report,
            answer=self.answer,
            provenance=provenance,
        )


class Problems:
    """Problems of one script while it is read."""

    def __init__(self) -> None:
        self._found: list[tuple[int, Kind]] = []
        self._more: int | None = None

    def add(self, kind: Kind, at: int) -> None:
        """Note a problem at a place of the script's text."""
        if len(self._found) < MOST_PROBLEMS:
            self._found.append((at, kind))
        elif self._more is None:
            self._more = at

    def add_blanks(self, script: Script) -> None:
        """Note every de-identification blank."""
        for match in BLANK.finditer(script.text):
            self.add("blank", match.start())

    def placed(self, script: Script) -> tuple[Problem, ...]:
        """The problems by segment."""
        found = sorted(self._found, key=lambda problem: problem[0])
        if self._more is not None:
            found.append((self._more, "and more"))
        return tuple(_placed(found, script))


def _placed(found: Iterable[tuple[int, Kind]], script: Script) -> Iterable[Problem]:
    starts = script.starts()
    for at, kind in found:
        segment = max(0, bisect_right(starts, at) - 1)
        yield Problem(kind, segment, at - (starts[segment] if starts else 0))
