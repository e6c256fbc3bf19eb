"""`radtrace`: this project's own dialect, in which nothing that a step holds has to be guessed from prose.

    <step region="cardiac silhouette"><findings>cardiomegaly present mild</findings>The heart is mildly enlarged.
    <box>312,384,741,806</box><image>…</image></step>
    <report>FINDINGS: … IMPRESSION: …</report>

Boxes are on a grid of 0-999 over the view. A question's answer stands in <answer>. `grammar` is its state machine.
"""

import re
from dataclasses import dataclass, field
from typing import ClassVar

from radtrace.dialects.base import Dialect, Part
from radtrace.dialects.boxes import BoxText
from radtrace.dialects.decisions import decision_text, read_decision
from radtrace.dialects.markup import (
    HEADINGS,
    Place,
    escaper,
    made_step,
    place_names,
    read_place,
    read_report,
    report_text,
    tag_start,
    unescaped,
)
from radtrace.dialects.parsed import Kind, Parsed, Problems
from radtrace.dialects.segments import Draft, Script
from radtrace.geometry import FRAMES, Box
from radtrace.records import Finding, LocalizedImage, Report, Step, Trace, View

NAMES = ("step", "findings", "box", "image", "report", "answer")
GRID = BoxText(FRAMES["0-999"])

_WORDS = escaper(tag_start(*NAMES))
_REPORT = escaper(tag_start(*NAMES), HEADINGS)
_TAG = re.compile(rf"<(/?)({'|'.join(NAMES)})\b([^<>]*)>", re.IGNORECASE | re.ASCII)
_HALF_TAG = re.compile(rf"<(?:/?(?:{'|'.join(NAMES)})\b[^<>]*|/?[a-z]{{0,8}})\Z", re.IGNORECASE | re.ASCII)
_REGION = re.compile(r'\s*region\s*=\s*"?([^"]*)"?\s*')
_LONGEST_HEADER = 2000
"""Characters; all 35 regions take half of it."""


class Canonical(Dialect):
    """findings: each step decides on its findings before its words (`decisions`)."""

    findings: bool = False
    carries: ClassVar[frozenset[Part]] = frozenset(("boxes", "pictures"))
    instruction: ClassVar[str] = (
        'Describe the chest X-ray step by step, each step as <step region="names of regions"><findings>each finding '
        "and present, absent or uncertain, or none</findings>what is seen there <box>x1,y1,x2,y2</box> and its picture"
        "</step>, boxes on a grid of 0-999; then write <report>FINDINGS: ... IMPRESSION: ...</report>."
    )

    def _write(self, trace: Trace, draft: Draft) -> None:
        for number, step in enumerate(trace.steps):
            draft.text(f'<step region="{place_names(step)}">')
            if self.findings:
                draft.text("<findings>", decision_text(step.findings), "</findings>")
            draft.text(_WORDS(step.rationale.strip()))
            if step.box:
                draft.text("\n<box>", GRID.write(step.box, trace.view, ",") or "", "</box>")
            if step.image:
                draft.picture(number, step.image)
            draft.text("</step>\n")
        if trace.report:
            draft.text("<report>", report_text(trace.report, _REPORT), "</report>")
        if trace.answer is not None:
            draft.text("<answer>", _WORDS(trace.answer.strip()), "</answer>")

    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed:
        del asked  # the tags tell
        return _Reader(script, view, problems).read()


@dataclass(slots=True)
class _StepDraft:
    place: Place
    at: int
    words: list[str] = field(default_factory=list)
    findings: tuple[Finding, ...] | None = None
    box: Box | Kind | None = None
    image: LocalizedImage | None = None


class _Reader:
    """One pass over the tags. inside: the element that is open within a step, or the conclusion; "" in none."""

    def __init__(self, script: Script, view: View, problems: Problems) -> None:
        self._script, self._view, self._problems = script, view, problems
        self._steps: list[Step] = []
        self._step: _StepDraft | None = None
        self._inside = ""
        self._opened = 0
        self._text: list[str] = []
        self._report: Report | None = None
        self._answer: str | None = None

    def read(self) -> Parsed:
        """The parts of the trace, and what was malformed."""
        text = self._script.text
        half = _HALF_TAG.search(text, max(0, text.rfind("<")))
        end = half.start() if half else len(text)
        at = 0
        for tag in _TAG.finditer(text, 0, end):
            self._between_tags(at, tag.start())
            name = tag[2].lower()
            if tag[1]:
                self._close(name, tag.start())
            else:
                self._open(name, tag)
            at = tag.end()
        self._between_tags(at, end)
        if half:
            self._problems.add("unclosed", end)
        self._leave(len(text))
        self._end_step(len(text), closed=False)
        if self._report is None and self._answer is None:
            self._problems.add("conclusion missing", len(text))
        return Parsed(tuple(self._steps), self._report, self._answer, self._problems.placed(self._script))

    def _between_tags(self, start: int, end: int) -> None:
        """What stands between two tags goes to the element that is open there."""
        for at, image in self._script.pictures_in(start, end):
            self._words(start, at)
            self._picture(at, image)
            start = at + 1
        self._words(start, end)

    def _words(self, start: int, end: int) -> None:
        words = self._script.text[start:end]
        if self._inside and self._inside != "image":
            self._text.append(words)
            return
        if not words.strip():
            return
        step = self._step if not self._inside else None
        if not step or step.box or step.image:
            self._problems.add("misplaced", start + len(words) - len(words.lstrip()))
        if step:
            step.words.append(words)

    def _picture(self, at: int, image: LocalizedImage) -> None:
        if not self._step or self._inside not in ("", "image"):
            self._problems.add("misplaced", at)
        elif self._step.image:
            self._problems.add("repeated", at)
        else:
            self._step.image = image

    def _open(self, name: str, tag: re.Match[str]) -> None:
        at = tag.start()
        self._leave(at)
        if name in ("step", "report", "answer"):
            self._end_step(at, closed=False)
        elif not self._step:
            self._problems.add("misplaced", at)
            return
        if name == "step":
            self._step = _StepDraft(self._place(tag), at)
            return
        self._inside, self._opened, self._text = name, tag.end(), []

    def _place(self, tag: re.Match[str]) -> Place:
        region = _REGION.fullmatch(tag[3]) if len(tag[3]) <= _LONGEST_HEADER else None
        return read_place(region[1] if region else "", tag.start(), self._problems)

    def _close(self, name: str, at: int) -> None:
        if name == self._inside:
            self._leave(at, closed=True)
        elif name == "step" and self._step:
            self._leave(at)
            self._end_step(at, closed=True)
        else:
            self._problems.add("unopened", at)

    def _leave(self, at: int, *, closed: bool = False) -> None:
        """End the open element, if there is one, and keep what it says."""
        name, self._inside, text = self._inside, "", "".join(self._text)
        if name and not closed:
            self._problems.add("unclosed", self._opened)
        if name == "report":
            self._conclude(self._report, text, at)
            self._report = self._report or read_report(text, self._opened, self._problems)
        elif name == "answer":
            self._conclude(self._answer, text, at)
            self._answer = unescaped(text) if self._answer is None else self._answer
        elif name and self._step:
            self._leave_part(name, self._step, text, closed)

    def _conclude(self, known: object, text: str, at: int) -> None:
        if known is not None:
            self._problems.add("repeated", at)
        elif not text.strip():
            self._problems.add("conclusion missing", at)

    def _leave_part(self, name: str, step: _StepDraft, text: str, closed: bool) -> None:
        if name == "image":
            if not step.image:
                self._problems.add("picture missing", self._opened)
        elif (step.box if name == "box" else step.findings) is not None:
            self._problems.add("repeated", self._opened)
        elif name == "findings":
            step.findings = read_decision(text, self._opened, self._problems)
        elif closed:
            step.box = GRID.read(text, self._view)
            if isinstance(step.box, str):
                self._problems.add(step.box, self._opened)

    def _end_step(self, at: int, *, closed: bool) -> None:
        step, self._step = self._step, None
        if not step:
            return
        if not closed:
            self._problems.add("unclosed", step.at)
        words = unescaped("".join(step.words))
        if not words:
            self._problems.add("words missing", at)
        box = step.box if isinstance(step.box, Box) else None
        findings = step.findings or ()
        self._steps.append(made_step(step.place, self._view, words, findings=findings, box=box, image=step.image))
