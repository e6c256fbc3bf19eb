"""`chestx`: ChestX-Reasoner's form, `<think>…</think><answer>…</answer>`, without boxes and pictures (Sec. 5.2, 6.2).

    <think>First, assess the cardiac silhouette. The heart is normal in size.
    Finally, assess the right lung, left lung. The lungs are clear.</think>
    <answer>FINDINGS: … IMPRESSION: …</answer>

"First, assess …, Finally, check for …" is how its example begins its steps. A trace without steps is its direct answer.
"""

import re
from typing import ClassVar

from radtrace.dialects.base import Dialect, Part
from radtrace.dialects.markup import (
    HEADINGS,
    Place,
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
from radtrace.dialects.thinking import TAGS, check_order, check_rest, elements
from radtrace.records import Step, Trace, View

_GENERAL = "rest of the film"
"""Where a step looks whose words belong to no place."""
_VERB = "(?:assess|evaluate|examine|check)"
_WORDS = escaper(
    tag_start(*TAGS), *(rf"{word[0]}(?={word[1:]}, {_VERB} )" for word in ("First", "Next", "Then", "Finally"))
)
_ANSWER = escaper(tag_start(*TAGS))
_REPORT = escaper(tag_start(*TAGS), HEADINGS)
_STEP = re.compile(rf"\b(?:First|Next|Then|Finally), {_VERB} (?:the )?([^.\n]{{0,800}})\.")


class ChestX(Dialect):
    """Prose that names the place of each step, and the conclusion."""

    carries: ClassVar[frozenset[Part]] = frozenset()
    instruction: ClassVar[str] = (
        "Please think step by step, and enclose the answer within <answer></answer> "
        "and the reasoning processes within <think></think>."
    )

    def _write(self, trace: Trace, draft: Draft) -> None:
        last = len(trace.steps) - 1
        for number, step in enumerate(trace.steps):
            opener = "First" if not number else "Finally" if number == last else "Next"
            draft.text("\n" if number else "<think>", f"{opener}, assess the {_named(step)}. ")
            draft.text(_WORDS(step.rationale.strip()))
        if trace.steps:
            draft.text("</think>\n")
        if trace.report or trace.answer is not None:
            escape = _REPORT if trace.answer is None else _ANSWER
            draft.text("<answer>", conclusion_text(trace, escape), "</answer>")

    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed:
        found = elements(script, TAGS, problems)
        check_order(found, problems)
        check_rest(script, list(found.values()), problems)
        steps: list[Step] = []
        if think := found.get("think"):
            for heading, start, end in headed(_STEP, script.text, think.start, think.end):
                words = unescaped(script.words(start, end))
                if heading or words:
                    steps.append(made_step(_place(heading, start, problems), view, words))
                if not words and heading:
                    problems.add("words missing", start)
        answer = found.get("answer")
        body = script.words(answer.start, answer.end) if answer else None
        report, said = conclude(body, asked, problems, answer.start if answer else len(script.text))
        return Parsed(tuple(steps), report, said, problems.placed(script))


def _named(step: Step) -> str:
    return place_names(step).replace("general", _GENERAL)


def _place(heading: re.Match[str] | None, at: int, problems: Problems) -> Place:
    names = heading[1].lower().replace(_GENERAL, "general") if heading else ""
    return read_place(names, heading.start() if heading else at, problems)
