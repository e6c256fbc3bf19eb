"""What dialects have in common when they write and read text: escapes, conclusions, places, steps."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from radtrace.anatomy import DOMAIN_OF, DOMAINS
from radtrace.dialects.parsed import Problems
from radtrace.geometry import Box
from radtrace.records import Domain, Finding, LocalizedImage, Region, Report, Step, Trace, View
from radtrace.reports import sections

_ENTITY = re.compile(r"&#([1-9]\d{1,3});")
_LOOKS_ESCAPED = r"&(?=#[1-9]\d{1,3};)"


def escaper(*reserved: str) -> Callable[[str], str]:
    """A function that hides, in words, what a dialect reads as its own marks: `&#60;` for the `<` of a tag.

    Args:    reserved: patterns of one character each, with what must stand around it: `<(?=/?step)`.
    """
    pattern = re.compile("|".join((_LOOKS_ESCAPED, *reserved)), re.IGNORECASE | re.ASCII)
    return lambda words: pattern.sub(lambda match: f"&#{ord(match[0])};", words)


def unescaped(words: str) -> str:
    """Words as they were before an `escaper`, without white space at their ends."""
    return _ENTITY.sub(lambda match: chr(int(match[1])), words).strip()


def tag_start(*names: str) -> str:
    """The pattern of the `<` of a tag, for an `escaper`."""
    return rf"<(?=/?(?:{'|'.join(names)}))"


HEADINGS = r"F(?=INDINGS:)|I(?=MPRESSION:)"
"""What an `escaper` hides in a report's sections."""
_HEADING = re.compile(r"(?<!\w)(FINDINGS|IMPRESSION):")
_Section = Literal["findings", "impression"]
_SECTIONS: dict[str, _Section] = {"FINDINGS": "findings", "IMPRESSION": "impression"}


def report_text(report: Report, escape: Callable[[str], str]) -> str:
    """`FINDINGS: … IMPRESSION: …`, a section that is empty left out; the other sections are inputs, not written."""
    bodies = {heading: getattr(report, name).strip() for heading, name in _SECTIONS.items()}
    return " ".join(f"{heading}: {escape(body)}" for heading, body in bodies.items() if body)


def read_report(text: str, at: int, problems: Problems) -> Report:
    """The sections of a report as `report_text` writes them; other headings are read by `reports.sections`."""
    first = _HEADING.search(text)
    if not first or text[: first.start()].strip():
        found = sections(unescaped(text))
        return Report(findings=found.findings, impression=found.impression)
    bodies: dict[str, str] = {}
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, (*headings[1:], None), strict=True):
        name = _SECTIONS[heading[1]]
        body = unescaped(text[heading.end() : following.start() if following else len(text)])
        if name in bodies:
            problems.add("repeated", at + heading.start())
        else:
            bodies[name] = body
    return Report(**bodies)


def conclusion_text(trace: Trace, escape: Callable[[str], str]) -> str:
    """The answer where there is one, or else the report with its headings; a trace with both loses its report."""
    if trace.answer is not None:
        return escape(trace.answer.strip())
    return report_text(trace.report, escape) if trace.report else ""


def conclude(words: str | None, asked: bool, problems: Problems, at: int) -> tuple[Report | None, str | None]:
    """The report, or the answer where a question was asked, that a conclusion's words are; None: there are none."""
    if words is None:
        problems.add("conclusion missing", at)
        return None, None
    if not words.strip():
        problems.add("conclusion missing", at)
    if asked:
        return None, unescaped(words)
    return read_report(words, at, problems), None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step looks. domain: None where nothing known is named."""

    domain: Domain | None
    regions: tuple[str, ...]


_DOMAINS: frozenset[str] = frozenset((*DOMAINS, "general"))
_SPACES = re.compile(r"\s+")


def region_names(step: Step) -> list[str]:
    """The step's regions, as far as they are of the 35."""
    return [region.name for region in step.regions if region.name in DOMAIN_OF]


def place_names(step: Step) -> str:
    """The step's regions, its domain before them where they do not tell it: "lung", "right lung, left lung"."""
    names = region_names(step)
    telling = bool(names) and DOMAIN_OF[names[0]] == step.domain
    return ", ".join(names if telling else (step.domain, *names))


def read_place(text: str, at: int, problems: Problems) -> Place:
    """The place that names in a list mean; a name of no region and no domain is a problem, and so is none at all."""
    domain: Domain | None = None
    names: dict[str, None] = {}
    for item in text.split(","):
        name = _SPACES.sub(" ", item.strip()).lower()
        if name in DOMAIN_OF:
            names[name] = None
        elif name in _DOMAINS and domain is None:
            domain = next(known for known in (*DOMAINS, "general") if known == name)
        elif name:
            problems.add("place unknown", at)
    if domain is None and names:
        domain = DOMAIN_OF[next(iter(names))]
    if domain is None:
        problems.add("place missing", at)
    return Place(domain, tuple(names))


def made_step(
    place: Place,
    view: View,
    words: str,
    *,
    findings: tuple[Finding, ...] = (),
    box: Box | None = None,
    image: LocalizedImage | None = None,
) -> Step:
    """A step that a model wrote: its regions have names, and no boxes of their own."""
    return Step(
        domain=place.domain or "general",
        regions=tuple(Region(name=name, box=None, view_id=view.id, origin="model") for name in place.regions),
        rationale=words,
        findings=findings,
        box=box,
        image=image,
    )


def headed(
    pattern: re.Pattern[str], text: str, start: int, end: int
) -> Iterator[tuple[re.Match[str] | None, int, int]]:
    """The stretches of [start, end) that headings open: (heading, start, end of the body); None before the first."""
    heading: re.Match[str] | None = None
    body = start
    for match in pattern.finditer(text, start, end):
        if heading or match.start() > body:
            yield heading, body, match.start()
        heading, body = match, match.end()
    if heading or end > body:
        yield heading, body, end
