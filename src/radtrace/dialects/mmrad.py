"""`mmrad`: the prose of MMRad-IVL-22K as it was released, without tags; the image stands before its box.

    First, I need to analyze the mediastinal region. I will highlight the cardiac silhouette. <image> The bounding box
    of this area is [126, 112, 237, 223]. The heart is normal in size.
    Next, I need to analyze the lung region. …
    Summarizing the previous analysis, I will generate the following report: FINDINGS: … IMPRESSION: …

The sentences with "analyze", "highlight", "bounding box" and "Summarizing" are the release's; what joins them is ours.
The frame of its boxes is undocumented and fits a 336 square.
"""

import re
from typing import ClassVar

from radtrace.dialects.base import Dialect, Part
from radtrace.dialects.boxes import FrameName, boxes_in
from radtrace.dialects.markup import (
    HEADINGS,
    Place,
    conclude,
    conclusion_text,
    escaper,
    headed,
    made_step,
    read_place,
    region_names,
    unescaped,
)
from radtrace.dialects.parsed import Parsed, Problems
from radtrace.dialects.segments import Draft, Script
from radtrace.records import LocalizedImage, Report, Step, Trace, View

_RESERVED = (
    r"I(?= need to analyze the )",
    r"I(?= will highlight the )",
    r"T(?=he bounding box of this area is)",
    r"S(?=ummarizing the previous analysis)",
    r"<(?=image>)",
)
_WORDS = escaper(*_RESERVED)
_REPORT = escaper(*_RESERVED, HEADINGS)
_STEP = re.compile(
    r"(?:\b(?:First|Second|Third|Next|Then|Finally|Lastly),? )?\bI need to analyze the ([^.\n]{0,200}?)(?: region)?\."
    r"(?:\s{0,9}I will highlight (?:the )?([^.\n]{0,800})\.)?"
)
_BOX = re.compile(r"\s{0,9}\bThe bounding box of this area is\s{0,9}\[([^\[\]\n]{0,100})\]\.?")
_REPORT_LINE = re.compile(
    r"\bSummarizing the previous analysis,? (?:I will generate the following report|the (answer) is):?"
)
_MARK = re.compile(r"<image>(?:</image>)?")


class MMRad(Dialect):
    """frame: of the boxes."""

    frame: FrameName = "squash-336"
    carries: ClassVar[frozenset[Part]] = frozenset(("boxes", "pictures"))
    instruction: ClassVar[str] = (
        "Describe the chest X-ray region by region: name the region, show it, give its bounding box "
        "[x1, y1, x2, y2] and say what is seen there. Then write the report."
    )

    def _write(self, trace: Trace, draft: Draft) -> None:
        boxes = boxes_in(self.frame)
        for number, step in enumerate(trace.steps):
            draft.text("Next, " if number else "First, ", f"I need to analyze the {step.domain} region. ")
            if names := region_names(step):
                draft.text(f"I will highlight the {', '.join(names)}. ")
            if step.image:
                draft.picture(number, step.image)
                draft.text(" ")
            numbers = step.box and boxes.write(step.box, trace.view)
            if numbers:
                draft.text(f"The bounding box of this area is [{numbers}]. ")
            draft.text(_WORDS(step.rationale.strip()), "\n")
        if trace.answer is not None:
            draft.text("Summarizing the previous analysis, the answer is: ", _WORDS(trace.answer.strip()))
        elif trace.report:
            draft.text("Summarizing the previous analysis, I will generate the following report: ")
            draft.text(conclusion_text(trace, _REPORT))

    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed:
        text = script.text
        summary = _REPORT_LINE.search(text)
        end = summary.start() if summary else len(text)
        steps = []
        for heading, start, stop in headed(_STEP, text, 0, end):
            if heading:
                steps.append(self._step(heading, script, (start, stop), view, problems))
            elif text[start:stop].strip():
                problems.add("misplaced", start)
        report, answer = self._conclusion(summary, script, asked, problems)
        return Parsed(tuple(steps), report, answer, problems.placed(script))

    def _conclusion(
        self, summary: re.Match[str] | None, script: Script, asked: bool, problems: Problems
    ) -> tuple[Report | None, str | None]:
        if not summary:
            return conclude(None, asked, problems, len(script.text))
        for at, _ in script.pictures_in(summary.end(), len(script.text)):
            problems.add("misplaced", at)
        words = script.words(summary.end(), len(script.text))
        return conclude(words, bool(summary[1]) or asked, problems, summary.end())

    def _step(
        self, heading: re.Match[str], script: Script, body: tuple[int, int], view: View, problems: Problems
    ) -> Step:
        place = self._place(heading, problems)
        image = self._image(script, body, problems)
        words = script.words(*body)
        box = None
        found = list(_BOX.finditer(words))
        if found:
            read = boxes_in(self.frame).read(found[0][1], view)
            if isinstance(read, str):
                problems.add(read, body[0])
            else:
                box = read
        if len(found) > 1:
            problems.add("repeated", body[0])
        if _MARK.search(words):
            problems.add("picture missing", body[0])
        said = unescaped(_MARK.sub("", _BOX.sub("", words)))
        if not said:
            problems.add("words missing", body[0])
        return made_step(place, view, said, box=box, image=image)

    def _place(self, heading: re.Match[str], problems: Problems) -> Place:
        listed = ", ".join(filter(None, (heading[1], heading[2])))
        return read_place(re.sub(r"\band\b", ",", listed), heading.start(), problems)

    def _image(self, script: Script, body: tuple[int, int], problems: Problems) -> LocalizedImage | None:
        pictures = list(script.pictures_in(*body))
        for at, _ in pictures[1:]:
            problems.add("repeated", at)
        return pictures[0][1] if pictures else None
