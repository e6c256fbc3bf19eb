"""The rule annotator: the sentences of a report, grouped into one step a domain (MMRad-IVL Sec. 2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from radtrace.anatomy import DOMAIN_OF, READING_ORDER, REGIONS
from radtrace.findings import SentenceAnnotation, annotate
from radtrace.geometry import Box
from radtrace.records import Domain, Finding, Region, Report, Step
from radtrace.reports import without_list_number

"""Of the steps: centre, lungs, bones, below the diaphragm, and last the words that belong to no place."""


_Part = tuple[set[str], list[Finding]]


def steps_of(report: Report, regions: Mapping[str, Region]) -> tuple[Step, ...]:
    """The steps of a report: its findings section, or its impression where it has no findings.

    Every sentence stands verbatim, but for its number in a list, in at least one step. One about several domains stands
    in the step of each, with the findings and regions of that domain; one about no place stands in the boxless
    `general` step.

    Args:    regions: located regions by name; a region that nobody located stays in its step with no box.
    """
    text = report.findings or report.impression
    drafts = {domain: _Draft() for domain in READING_ORDER}
    for sentence in annotate(text):
        start = without_list_number(text, sentence.span.start, sentence.span.end)
        words = text[start : sentence.span.end]
        home, *others = _domains(sentence)
        drafts[home].add(words, _placed(sentence, start, home, placeless=True))
        for domain in others:
            drafts[domain].add(words, _placed(sentence, start, domain, placeless=False))
    return tuple(draft.step(domain, regions) for domain, draft in drafts.items() if draft.sentences)


def _domains(sentence: SentenceAnnotation) -> tuple[Domain, ...]:
    named = {DOMAIN_OF[name] for name in sentence.regions}
    return tuple(domain for domain in READING_ORDER if domain in named) or ("general",)


def _placed(sentence: SentenceAnnotation, start: int, domain: Domain, *, placeless: bool) -> _Part:
    """What a sentence says of a domain, spans counted from `start`; `placeless`: and what it says of no place."""
    findings = [
        finding.model_copy(
            update={
                "regions": tuple(name for name in finding.regions if DOMAIN_OF[name] == domain),
                "span": finding.span and finding.span.shifted(-start),
            }
        )
        for finding in sentence.findings
        if (placeless and not finding.regions) or any(DOMAIN_OF[name] == domain for name in finding.regions)
    ]
    return {name for name in sentence.regions if DOMAIN_OF[name] == domain}, findings


@dataclass(slots=True)
class _Draft:
    """A step while its sentences come in."""

    sentences: list[str] = field(default_factory=list)
    regions: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    length: int = 0

    def add(self, sentence: str, part: _Part) -> None:
        start = self.length + 1 if self.sentences else 0
        self.sentences.append(sentence)
        self.length = start + len(sentence)
        regions, findings = part
        self.regions |= regions
        for finding in findings:
            self.findings.append(finding.model_copy(update={"span": finding.span and finding.span.shifted(start)}))

    def step(self, domain: Domain, located: Mapping[str, Region]) -> Step:
        names = [name for name in REGIONS if name in self.regions]
        view_id = next((region.view_id for region in located.values()), "")
        regions = tuple(
            located.get(name) or Region(name=name, box=None, view_id=view_id, origin="localizer") for name in names
        )
        boxes = [region.box for region in regions if region.box]
        return Step(
            domain=domain,
            regions=regions,
            rationale=" ".join(self.sentences),
            findings=tuple(self.findings),
            box=Box.hull(boxes) if boxes else None,
        )
