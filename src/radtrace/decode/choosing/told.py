"""What is decided of a study, and whether a sentence says just that."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from radtrace.anatomy import DOMAIN_OF, FINDINGS, READING_ORDER
from radtrace.decode.choosing.choice import OPAQUE, says_clear
from radtrace.findings import annotate
from radtrace.findings.places import fill
from radtrace.models.encoder import ABNORMAL, DEVICES
from radtrace.records import Finding

_BELIED = {
    "Hyperinflation": {"Low Lung Volumes"},
    "Emphysema": {"Low Lung Volumes"},
    "COPD": {"Low Lung Volumes"},
    "Pleural Effusion": {"Blunted Costophrenic Angle"},
    "Edema": {"Vascular Congestion"},
    "Pneumonia": {"Consolidation", "Infiltration"},
    "Infiltration": {"Consolidation", "Pneumonia"},
    "Consolidation": {"Infiltration", "Pneumonia"},
}
"""Finding -> what nobody denies beside it: no hyperinflated lung is normally inflated, no effusion has sharp angles."""
_ACUTE = frozenset({"Lung Opacity", "Consolidation", "Pneumonia", "Edema", "Pneumothorax", "Pleural Effusion"})
"""CheXpert's classes with one of which nobody writes that nothing is acute."""
_NOTHING_ACUTE = re.compile(
    r"\b(?:no|without|negative for)\b[^.]*\b(?:acute|active)\b(?! (?:bon|osseous|skelet|fracture))", re.IGNORECASE
)
_AIRED = re.compile(r"\b(?:aerated|expanded|inflated)\b", re.IGNORECASE)
_MADE_UP = frozenset({ABNORMAL, DEVICES})
_SIDES = ("right", "left")


@dataclass(frozen=True, slots=True)
class Told:
    """What is decided of a study. columns: of an encoder, the sides of findings among them; labels: of `FINDINGS`."""

    columns: frozenset[str]

    @property
    def labels(self) -> frozenset[str]:
        """The findings, without their sides."""
        return frozenset(name.partition(", ")[0] for name in self.columns)

    @property
    def is_opaque(self) -> bool:
        """Whether some of it makes a lung opaque."""
        return bool(self.labels & OPAQUE)

    @property
    def is_acute(self) -> bool:
        """Whether some of it may be acute."""
        return any(FINDINGS[label].chexpert in _ACUTE for label in self.labels)

    @property
    def undeniable(self) -> frozenset[str]:
        """The findings that no sentence may deny."""
        opaque = {"Lung Opacity"} if self.is_opaque else set[str]()
        return self.labels.union(opaque, *(_BELIED.get(label, ()) for label in self.labels))

    @property
    def has_bones(self) -> bool:
        """Whether some of it is a bone's: then the others are not told normal in one breath with it."""
        places = {name for label in self.labels for name in fill(FINDINGS[label].regions, ())}
        return any(DOMAIN_OF.get(name) == "bone" for name in places)

    @classmethod
    def of(cls, columns: Iterable[str]) -> Self:
        """Without the columns that only sum up others."""
        return cls(frozenset(columns) - _MADE_UP)


@dataclass(frozen=True, slots=True)
class Sentence:
    """text: verbatim. present: columns that it says are there; absent: findings that it denies.

    degrees: (finding, severity) that it states. domain: of its first place. count: reports that say it.
    """

    text: str
    present: frozenset[str]
    absent: frozenset[str]
    degrees: frozenset[tuple[str, str]]
    domain: str
    count: int = 1

    @property
    def found(self) -> frozenset[str]:
        """The findings that it says are there."""
        return Told(self.present).labels

    @property
    def about(self) -> frozenset[str]:
        """The findings that it speaks of, or else where it belongs."""
        return self.found | self.absent or frozenset((self.domain,))

    @property
    def is_of_lungs(self) -> bool:
        """Whether it tells of lungs in which nothing is found."""
        return not self.present and (says_clear(self.text) or bool(_AIRED.search(self.text)))

    @property
    def rank(self) -> tuple[int, bool]:
        """Its place in a trace: the domains in their order, what is found in one before what is not."""
        return [*map(str, READING_ORDER)].index(self.domain), not self.present

    def suits(self, told: Told) -> bool:
        """Whether it says nothing but what was decided."""
        if not self.present <= told.columns or self.absent & told.undeniable:
            return False
        belied = (
            told.is_opaque and (says_clear(self.text) or self.is_of_lungs),
            told.is_acute and _NOTHING_ACUTE.search(self.text),
            told.has_bones and self.domain == "bone" and not self.present,
        )
        return not any(belied)


@lru_cache(1 << 12)
def read_sentence(text: str) -> Sentence | None:
    """What a text says; None where it leaves something open, or says and denies it."""
    annotations = annotate(text)
    findings = [finding for annotation in annotations for finding in annotation.findings]
    if any(finding.status == "uncertain" for finding in findings):
        return None
    named = {DOMAIN_OF[name] for annotation in annotations for name in annotation.regions}
    home = next((domain for domain in READING_ORDER if domain in named), "general")
    there = [finding for finding in findings if finding.status == "present"]
    present = frozenset(column for finding in there for column in _columns(finding))
    absent = frozenset(finding.label for finding in findings if finding.status == "absent")
    degrees = frozenset((each.label, each.severity) for each in there if each.severity)
    return None if absent & Told(present).labels else Sentence(text, present, absent, degrees, home)


def _columns(finding: Finding) -> Iterable[str]:
    yield finding.label
    yield from (f"{finding.label}, {side}" for side in _SIDES if finding.laterality in (side, "bilateral"))
