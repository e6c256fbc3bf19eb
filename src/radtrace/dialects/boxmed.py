"""`boxmed`: BoxMed-RL's concept chain, findings -> disease category -> anatomical region (Sec. 3.2.1), and the box.

    <think>
    Findings: The heart is enlarged. → Disease: Cardiomegaly → Anatomy: cardiac silhouette → Box: [191, 170, 361, 340]
    </think>
    <answer>FINDINGS: … IMPRESSION: …</answer>

The levels of the chain, its 14 diseases and 12 areas, the tags and the frame (a quarter of the film's pixels, Sec. 4.2)
are the paper's. It trains chains, one box in `<answer>` and the report in three stages; that all stand in one text, and
how a chain is punctuated, is ours (its prompt is a figure).
"""

import re
from typing import ClassVar

from radtrace.anatomy import FINDINGS
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
from radtrace.dialects.thinking import BRACKETS, TAGS, check_order, check_rest, elements
from radtrace.findings import CHEXPERT
from radtrace.geometry import Box
from radtrace.records import Finding, Step, Trace, View

_ARROW = " → "
_LEVELS = ("Disease", "Anatomy", "Box")
_RESERVED = (tag_start(*TAGS), r"[-→](?=>?\s{0,9}(?:Disease|Anatomy|Box):)", r"[\n>](?=\s{0,9}Findings:)")
_WORDS = escaper(*_RESERVED)
_ANSWER = escaper(tag_start(*TAGS))
_REPORT = escaper(tag_start(*TAGS), HEADINGS)
_CHAIN = re.compile(r"(?<![^\n>])\s{0,9}Findings: ?")
_LEVEL = re.compile(r"\s{0,9}(?:→|->)\s{0,9}(Disease|Anatomy|Box): ?")
_NO_FINDING = "No Finding"
_UNIONS = {"right lung, left lung": "whole lung", "right upper abdomen, left upper abdomen": "abdomen"}
"""Of its areas those that are several of our regions; the others have our names."""


class BoxMed(Dialect):
    """frame: of the boxes."""

    frame: FrameName = "quarter"
    carries: ClassVar[frozenset[Part]] = frozenset(("boxes",))
    instruction: ClassVar[str] = (
        "For each finding give the chain Findings → Disease → Anatomy and its box [x1, y1, x2, y2] "
        "between <think> and </think>, then the report between <answer> and </answer>."
    )

    def _write(self, trace: Trace, draft: Draft) -> None:
        boxes = boxes_in(self.frame)
        for number, step in enumerate(trace.steps):
            numbers = step.box and boxes.write(step.box, trace.view)
            chain = [
                f"Findings: {_WORDS(step.rationale.strip())}",
                f"Disease: {', '.join(_diseases(step))}",
                f"Anatomy: {_areas(step)}",
                *([f"Box: [{numbers}]"] if numbers else []),
            ]
            draft.text("" if number else "<think>\n", _ARROW.join(chain), "\n")
        if trace.steps:
            draft.text("</think>\n")
        if trace.report or trace.answer is not None:
            escape = _REPORT if trace.answer is None else _ANSWER
            draft.text("<answer>", conclusion_text(trace, escape), "</answer>")

    def _read(self, script: Script, view: View, asked: bool, problems: Problems) -> Parsed:
        found = elements(script, TAGS, problems)
        check_order(found, problems)
        check_rest(script, list(found.values()), problems)
        steps = []
        if think := found.get("think"):
            for heading, start, end in headed(_CHAIN, script.text, think.start, think.end):
                if heading:
                    steps.append(self._step(script.words(start, end), start, view, problems))
                elif script.words(start, end).strip():
                    problems.add("misplaced", start)
        answer = found.get("answer")
        words = script.words(answer.start, answer.end) if answer else None
        report, said = conclude(words, asked, problems, answer.start if answer else len(script.text))
        return Parsed(tuple(steps), report, said, problems.placed(script))

    def _step(self, chain: str, at: int, view: View, problems: Problems) -> Step:
        levels = list(_LEVEL.finditer(chain))
        ends = [*(level.start() for level in levels), len(chain)]
        said: dict[str, str] = {}
        for level, end in zip(levels, ends[1:], strict=True):
            if level[1] in said:
                problems.add("repeated", at + level.start())
            said.setdefault(level[1], chain[level.end() : end].strip())
        words = unescaped(chain[: ends[0]])
        if not words:
            problems.add("words missing", at)
        box = None
        if "Box" in said:
            bracket = BRACKETS.fullmatch(said["Box"])
            read = boxes_in(self.frame).read(bracket[1] if bracket else "", view)
            if isinstance(read, Box):
                box = read
            else:
                problems.add(read, at)
        place = read_place(_our_regions(said.get("Anatomy", "")), at, problems)
        findings = _findings(said.get("Disease", ""), at, problems)
        return made_step(place, view, words, findings=findings, box=box)


def _diseases(step: Step) -> list[str]:
    """The CheXpert categories of what is there or may be, or our own label where they have none; each once."""
    seen = (finding for finding in step.findings if finding.status != "absent" and finding.label in FINDINGS)
    return list(dict.fromkeys(FINDINGS[finding.label].chexpert or finding.label for finding in seen)) or [_NO_FINDING]


def _findings(diseases: str, at: int, problems: Problems) -> tuple[Finding, ...]:
    """The diseases that are findings of ours, present; a category that is none ("Support Devices") is not carried."""
    findings = []
    for name in filter(None, (item.strip() for item in diseases.split(","))):
        if name in FINDINGS:
            findings.append(Finding(label=name, status="present"))
        elif name not in CHEXPERT:
            problems.add("finding unreadable", at)
    return tuple(findings)


def _areas(step: Step) -> str:
    names = place_names(step)
    for regions, area in _UNIONS.items():
        names = names.replace(regions, area)
    return names


def _our_regions(areas: str) -> str:
    regions = {area: regions for regions, area in _UNIONS.items()}
    return ", ".join(regions.get(area.strip().lower(), area) for area in areas.split(","))
