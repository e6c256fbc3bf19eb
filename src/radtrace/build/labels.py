"""Steps from the findings that a dataset states of films without a report, in a template's words and no one else's."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator

from radtrace.anatomy import DOMAIN_OF, FINDINGS, READING_ORDER, REGIONS
from radtrace.geometry import Box
from radtrace.records import Domain, Finding, Label, Region, Span, Step


def _check_template(template: str) -> str:
    try:
        sentence = template.format(label="LABEL", regions="REGIONS")
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ValueError(f"{template!r} may hold {{label}} and {{regions}} and no other braces") from error
    if "LABEL" not in sentence:
        raise ValueError(f"{template!r} lacks {{label}}")
    return template


LabelTemplate = Annotated[str, AfterValidator(_check_template)]
"""A sentence with {label} and, if wanted, {regions}."""


def label_steps(
    labels: Sequence[Label], view_id: str, regions: Mapping[str, Region], template: str
) -> tuple[Step, ...]:
    """One step a domain from the present findings that a dataset states of a view, one sentence a finding.

    The step's box is the hull of the boxes that the dataset drew for each finding or, where it drew none, of the
    regions that such a finding usually lies in: both sides, since nobody says which. A drawn box tells the side.

    Args:    regions: located regions by name.
    """
    boxes: dict[str, list[Box]] = {}
    for label in labels:
        if label.status == "present" and label.view_id == view_id:
            boxes.setdefault(label.label, []).extend([label.box] if label.box else [])
    drafts: dict[Domain, list[tuple[str, tuple[str, ...]]]] = {}
    for name in boxes:
        places = _places(name, boxes[name], regions)
        drafts.setdefault(DOMAIN_OF[places[0]] if places else "general", []).append((name, places))
    return tuple(
        _step(domain, drafts[domain], boxes, regions, template) for domain in READING_ORDER if domain in drafts
    )


def _places(label: str, drawn: Sequence[Box], located: Mapping[str, Region]) -> tuple[str, ...]:
    """The usual regions of a finding, all in one domain; of sides, those that a drawn box touches."""
    named = [name.format(side=side) for name in FINDINGS[label].regions for side in ("right", "left")]
    names = [name for name in REGIONS if name in named and DOMAIN_OF[name] == DOMAIN_OF[named[0]]]
    if any("{side}" in name for name in FINDINGS[label].regions):
        touched = [name for name in names if _touched(located.get(name), drawn)]
        names = touched or names
    return tuple(names)


def _touched(region: Region | None, drawn: Sequence[Box]) -> bool:
    return region is not None and region.box is not None and any(region.box.intersection(box) > 0 for box in drawn)


def _boxes(places: Sequence[str], located: Mapping[str, Region]) -> list[Box]:
    return [region.box for name in places if (region := located.get(name)) and region.box]


def _step(
    domain: Domain,
    said: Sequence[tuple[str, tuple[str, ...]]],
    drawn: Mapping[str, Sequence[Box]],
    located: Mapping[str, Region],
    template: str,
) -> Step:
    rationale, findings = "", []
    for label, places in said:
        rationale += " " if rationale else ""
        sentence = template.format(label=label, regions=", ".join(places) or "no stated place")
        start = len(rationale) + sentence.index(label)
        findings.append(
            Finding(label=label, status="present", regions=places, span=Span(start=start, end=start + len(label)))
        )
        rationale += sentence
    named = {name for _, places in said for name in places}
    regions = tuple(located[name] for name in REGIONS if name in named and name in located)
    boxes = [box for label, places in said for box in drawn[label] or _boxes(places, located)]
    return Step(
        domain=domain,
        regions=regions,
        rationale=rationale,
        findings=tuple(findings),
        box=Box.hull(boxes) if boxes else None,
    )
