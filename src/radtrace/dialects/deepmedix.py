r"""`deepmedix`: DeepMedix-R1's form, `<think>` with coordinates and then `\boxed{…}` (Methods, Eq. 4-6).

    <think>
    1. cardiac silhouette [191, 170, 361, 340]: The heart is normal in size.
    2. general: A feeding tube is seen.
    </think>
    \boxed{FINDINGS: … IMPRESSION: …}

Paper and reward code fix the tags, `[x_min, y_min, x_max, y_max]` in pixels and 512 as the largest of them; how a step
is worded is ours. Of reasoning in other words every line is a step, with the first box in it.
"""

import re
from typing import ClassVar

from radtrace.dialects.base import Dialect, Part
from radtrace.dialects.boxes import FrameName, boxes_in
from radtrace.dialects.markup import (
    HEADINGS,
    conclude,
    conclusion_text,
    escaper,
    headed,
    made_step,
    place_names,
    read_place,
    tag_start,
    unescaped,
)
from radtrace.dialects.parsed import Parsed, Problems
from radtrace.dialects.segments import Draft, Script
from radtrace.dialects.thinking import BRACKETS, Element, check_rest, elements
from radtrace.geometry import Box
from radtrace.records import Step, Trace, View

_THINK = ("think",)
_OPENS = r"[\n>](?=\s{0,9}\d{1,3}\. )"
_WORDS = escaper(tag_start(*_THINK), _OPENS, r"\\(?=boxed)")
_ANSWER = escaper(tag_start(*_THINK), r"[{}]", r"\\(?=boxed)")
_REPORT = escaper(tag_start(*_THINK), r"[{}]", r"\\(?=boxed)", HEADINGS)
_STEP = re.compile(r"(?<![^\n>])\s{0,9}\d{1,3}\. ([^\[\]:\n]{0,800}?)\s{0,9}(?:\[([^\[\]\n]{0,100})\])?: ?")
_BOXED = re.compile(r"\\boxed\s{0,9}\{")
_BRACE = re.compile(r"[{}]")


class DeepMedix(Dialect):
    """frame: of the boxes, 512 pixels a side unless the films were shown at another size."""

    frame: FrameName = "squash-512"
    carries: ClassVar[frozenset[Part]] = frozenset(("boxes",))
    instruction: ClassVar[str] = (
        "Reason step by step between <think> and </think>, giving the coordinates [x_min, y_min, x_max, y_max] of the "
        r"regions that you look at, and put the final result in \boxed{}."
    )

    def _write(self, trace: Trace, draft: Draft) -> None:
        boxes = boxes_in(self.frame)
        for number, step in enumerate(trace.steps):
            numbers = step.box and boxes.write(step.box, trace.view)
            place = place_names(step) + (f" [{numbers}]" if numbers else "")
            draft.text("" if number else "<think>\n", f"{number + 1}. {place}: ", _WORDS(step.rationale.strip()), "\n")
        if trace.steps:
            draft.text("</think>\n")
        if trace.report or trace.answer is not None:
            escape = _REPORT if trace.answer is None else _ANSWER
            draft.text("\\boxed{", conclusion_text(trace, escape), "}")

    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed:
        think = elements(script, _THINK, problems).get("think")
        boxed = _boxed(script, think.end if think else 0, problems)
        check_rest(script, [element for element in (think, boxed) if element], problems)
        steps = self._steps(script, think, view, problems) if think else ()
        words = script.words(boxed.start, boxed.end) if boxed else None
        report, answer = conclude(words, asked, problems, boxed.start if boxed else len(script.text))
        return Parsed(tuple(steps), report, answer, problems.placed(script))

    def _steps(self, script: Script, think: Element, view: View, problems: Problems) -> list[Step]:
        steps = []
        for heading, start, end in headed(_STEP, script.text, think.start, think.end):
            if heading:
                place = read_place(heading[1], heading.start(), problems)
                words = unescaped(script.words(start, end))
                box = self._box(heading[2], heading.start(), view, problems)
                steps.append(made_step(place, view, words, box=box))
                if not words:
                    problems.add("words missing", start)
                continue
            for line in re.finditer(r"[^\n]+", script.text[start:end]):
                if said := line[0].strip():
                    at = start + line.start()
                    bracket = BRACKETS.search(said)
                    box = self._box(bracket and bracket[1], at, view, problems)
                    steps.append(made_step(read_place("", at, problems), view, unescaped(said), box=box))
        return steps

    def _box(self, numbers: str | None, at: int, view: View, problems: Problems) -> Box | None:
        if numbers is None:
            return None
        box = boxes_in(self.frame).read(numbers, view)
        if isinstance(box, Box):
            return box
        problems.add(box, at)
        return None


def _boxed(script: Script, after: int, problems: Problems) -> Element | None:
    r"""The first `\boxed{…}` behind the thinking, its braces balanced; the text's end closes one that stays open."""
    first = _BOXED.search(script.text, after)
    if not first:
        return None
    depth, end, outer = 1, len(script.text), len(script.text)
    for brace in _BRACE.finditer(script.text, first.end()):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            end, outer = brace.start(), brace.end()
            break
    if depth:
        problems.add("unclosed", first.start())
    if again := _BOXED.search(script.text, first.end()):
        problems.add("repeated", again.start())
    return Element(first.end(), end, (first.start(), outer))
