"""What a trace may not guess: where its boxes are, and which findings it may, must and must not state."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import get_args

from radtrace.anatomy import DOMAIN_OF, FINDINGS
from radtrace.decode.easel import box_text
from radtrace.dialects.decisions import BETWEEN, LABELS, NONE
from radtrace.findings.places import fill
from radtrace.geometry import Box
from radtrace.records import Change, Laterality, Severity, Status

Decided = dict[str, Status]
"""Label as a decision writes it -> its status, of all that a trace has decided."""

_ANY: frozenset[Status] = frozenset(get_args(Status))
_OPTIONAL: tuple[tuple[str, ...], ...] = tuple(get_args(kind) for kind in (Severity, Laterality, Change))
_NO_PLACE = "general"


@dataclass(frozen=True, slots=True)
class Guide:
    """Bounds of one study's traces.

    regions: name of `radtrace.anatomy.REGIONS` -> its box on the film that is drawn from; a step's box is the hull of
        the regions that it names, and a step that names none of these has no box.
    statuses: label of `FINDINGS` -> what may be decided of it, nothing at all where that is empty; any where it lacks.
    present: labels that some step must decide to be present, each in a step of its own: the next one in a domain of
        theirs, or else one more before the report.
    echoes: whether the report's findings are the words of the steps, in their order.
    changes: whether an earlier film is known, so that a change may be decided.
    """

    regions: Mapping[str, Box]
    statuses: Mapping[str, frozenset[Status]] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    changes: bool = False
    echoes: bool = False
    _may: dict[str, frozenset[Status]] = field(init=False)

    def __post_init__(self) -> None:
        barred = [label for label in self.present if "present" not in self.statuses.get(label, _ANY)]
        if barred:
            raise ValueError(f"{barred[0]} must be and may not be present")
        may = {written: self.statuses.get(label, _ANY) for written, label in LABELS.items()}
        object.__setattr__(self, "_may", may | {label.lower(): frozenset(("present",)) for label in self.present})

    def box(self, place: str) -> str | None:
        """The box of a step, as the dialect writes it."""
        boxes = [self.regions[name] for name in place.split(", ") if name in self.regions]
        return box_text(Box.hull(boxes)) if boxes else None

    def due(self, place: str, decided: Decided) -> tuple[str, ...]:
        """The item with which a step at this place must begin its decision, one at most: so its words are of it."""
        here = domain_of(place)
        return tuple(_item(label) for label in self._owed(decided) if here in map(domain_of, _places(label)))[:1]

    def pending(self, decided: Decided) -> tuple[str, ...]:
        """The places of the steps that must still come, one for each finding."""
        return tuple(", ".join(_places(label)) for label in self._owed(decided))

    def _owed(self, decided: Decided) -> Iterable[str]:
        return (label for label in self.present if label.lower() not in decided)

    def takes(self, written: str, decided: Decided) -> Callable[[str], bool]:
        """Whether a decision of which this is written may go on so, with what was decided before it.

        No finding gets two statuses in one trace, and none stands twice in one decision.
        """
        *items, last = written.split(BETWEEN)
        before = statuses_of(items)

        def goes_on(text: str) -> bool:
            decision = (last + text).partition("<")[0]
            *whole, begun = (f"{decision} " if decision.endswith(BETWEEN[0]) else decision).split(BETWEEN)
            said = before
            for item in whole:
                if not self._begins(item, decided, said, first=False):
                    return False
                said = said | statuses_of([item])
            return self._begins(begun, decided, said, first=not items and not whole)

        return goes_on

    def _begins(self, item: str, decided: Decided, said: Decided, *, first: bool) -> bool:
        """Whether an item may begin so. decided: in other steps; said: before it in this one."""
        if first and NONE.startswith(item):
            return True
        for label, rest in _readings(item):
            may = frozenset[Status]() if label in said else self._may[label]
            if label in decided:
                may &= {decided[label]}
            if may if rest is None else _begins_words(rest, may, self.changes):
                return True
        return False


def settled(assessed: Iterable[str], present: Iterable[str]) -> dict[str, frozenset[Status]]:
    """A guide's `statuses` with all settled: present, absent where a finding was assessed, else not decided at all."""
    statuses = {label: frozenset[Status]() for label in FINDINGS}
    statuses |= {label: frozenset[Status](("absent",)) for label in assessed if label in FINDINGS}
    return statuses | {label: frozenset[Status](("present",)) for label in present}


def statuses_of(items: Iterable[str]) -> Decided:
    """What whole items of a decision decide."""
    readings = ((label, rest) for item in items for label, rest in _readings(item) if rest)
    found: Decided = {}
    for label, rest in readings:
        for status in _ANY:
            if rest.split(" ")[0] == status:
                found[label] = status
    return found


def _item(label: str) -> str:
    return f"{label.lower()} present"


def _places(label: str) -> tuple[str, ...]:
    """The regions of a finding, of both sides where the side is open."""
    return fill(FINDINGS[label].regions, ()) or (_NO_PLACE,)


def domain_of(place: str) -> str:
    """The domain of the place that is named first."""
    first = place.partition(", ")[0]
    return DOMAIN_OF.get(first, first)


@lru_cache(1 << 14)
def _readings(item: str) -> tuple[tuple[str, str | None], ...]:
    """The labels that the beginning of an item may be of, with what stands after the label; None where it goes on."""
    within = [(label, None) for label in LABELS if label.startswith(item)]
    past = [(label, item.removeprefix(f"{label} ")) for label in LABELS if item.startswith(f"{label} ")]
    return (*within, *past)


@lru_cache(1 << 14)
def _begins_words(text: str, statuses: frozenset[Status], changes: bool) -> bool:
    """Whether a status of these and what may follow it can begin so."""
    kinds = (tuple(statuses), *(_OPTIONAL if changes else _OPTIONAL[:-1]))
    return _begins_attributes(text, kinds, 0)


def _begins_attributes(text: str, kinds: tuple[tuple[str, ...], ...], kind: int) -> bool:
    for number in range(kind, len(kinds) if kind else 1):
        for word in kinds[number]:
            if word.startswith(text):
                return True
            if text.startswith(f"{word} ") and _begins_attributes(text.removeprefix(f"{word} "), kinds, number + 1):
                return True
    return False
