"""Where a sentence says that things are: places with their sides, and which finding each place belongs to."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise

from radtrace.anatomy import DOMAIN_OF, REGIONS, FindingKind, Place
from radtrace.findings.clauses import Sentence, Verdict
from radtrace.findings.lexicon import Match, word_set
from radtrace.records import Change, Laterality

_ORDER = {name: index for index, name in enumerate(REGIONS)}
_SIDES: dict[Laterality, frozenset[str]] = {
    "right": frozenset(("right",)),
    "left": frozenset(("left",)),
    "bilateral": frozenset(("right", "left")),
}
_PREPOSITIONS = word_set("prepositions")
_SHOWS = word_set("shows")
_PARTED = frozenset((",", "and", "or", ";", "with"))
_LISTING = frozenset(("and", "or", ",", "/", "to", "the", "both", "right", "left", "bilateral"))
_AFTER_NOUN = frozenset((*_PREPOSITIONS, "by", "with", "and", "but", ",", ";"))
_LINKS = frozenset(("and", "or", ",", "/", "to"))
_LUNG_OR_ZONE = frozenset(("{side} lung", "{side} apical zone", "{side} lower lung zone"))
_HEART_AND_LUNGS = "heart and lungs"
"""The key of a place whose parts are normal each in its own way."""
_HIDING = word_set("hiding")
_INFLATION = frozenset(("aeration", "ventilation", "inflation"))
_NEAR = 4
"""Most tokens between a place and the finding after it that it locates."""
_SIDE_REACH = 5
"""Most tokens between a side and what it is the side of."""
_SHARING_REACH = 3
"""Most tokens between two findings that share a place."""


@dataclass(slots=True)
class Located:
    """A place named at tokens [start, end), and the sides that the words give it."""

    start: int
    end: int
    place: Place
    sides: set[str] = field(default_factory=set)
    used: bool = False

    @property
    def regions(self) -> tuple[str, ...]:
        """Its regions; both sides where none is named."""
        return fill(self.place.regions, self.sides)


@dataclass(slots=True)
class Statement:
    """A finding at tokens [start, end); `subject` is the place that a predicate is said of."""

    start: int
    end: int
    kind: FindingKind
    subject: Located | None = None
    verdict: Verdict = "present"
    sides: set[str] = field(default_factory=set)
    places: list[Located] = field(default_factory=list)
    change: Change | None = None

    @property
    def begin(self) -> int:
        """Where it begins, its subject included."""
        return min(self.start, self.subject.start) if self.subject else self.start

    @property
    def all_sides(self) -> set[str]:
        """The sides that the words give it, by itself, its places or its subject."""
        named = [*self.places, *([self.subject] if self.subject else [])]
        return self.sides.union(*(located.sides for located in named))

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of its own places, of its subject, or its usual ones, in the order of `REGIONS`."""
        if self.places:
            named = (fill(located.place.regions, located.sides or self.sides) for located in self.places)
            return ordered(name for names in named for name in names)
        whole = self.subject and self.subject.place.key != _HEART_AND_LUNGS
        return fill(self.subject.place.regions if whole and self.subject else self.kind.regions, self.all_sides)

    @property
    def laterality(self) -> Laterality | None:
        """The side that the words name."""
        sides = self.all_sides
        return "bilateral" if len(sides) == 2 else "right" if "right" in sides else "left" if sides else None


def fill(templates: Iterable[str], sides: Iterable[str]) -> tuple[str, ...]:
    """Region names of templates such as "{side} lung"; both sides where none is given."""
    chosen = set(sides) or {"right", "left"}
    return ordered(template.format(side=side) for template in templates for side in chosen)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, in the order of `REGIONS`."""
    return tuple(sorted(set(names), key=_ORDER.__getitem__))


def locate(words: Sequence[str], modifiers: Sequence[Match]) -> list[Located]:
    """The places that a sentence names; "upper" and the like only in a list that ends in a whole place.

    Those that need a side ("chest") are among them: `give_sides` tells whether they have one.
    """
    named = [(match, match.term.place) for match in modifiers if match.term.place]
    places = [Located(m.start, m.end, place, set(_SIDES[place.side] if place.side else ())) for m, place in named]
    kept: list[Located] = []
    for located in reversed(places):
        whole = kept[-1] if kept and kept[-1].place.key.endswith("zone") else None
        gap = words[located.end : whole.start] if whole else ()
        if not located.place.partial or (_LISTING.issuperset(gap) and not _LINKS.isdisjoint(gap)):
            kept.append(located)
    return kept[::-1]


def give_sides(
    sentence: Sentence, modifiers: Sequence[Match], places: Sequence[Located], statements: Sequence[Statement]
) -> None:
    """Give each side to the place or finding after it, or else to the one before it ("bases bilaterally")."""
    sides = [match for match in modifiers if match.term.side]
    items: list[Located | Statement] = [*places, *statements]
    items.sort(key=lambda item: (item.start, isinstance(item, Statement)))
    for match in sides:
        target = _side_target(sentence, match, items, sides)
        if target and match.term.side and not (isinstance(target, Located) and target.place.side):
            target.sides |= _SIDES[match.term.side]
    for previous, located in pairwise(places):
        if (
            not located.sides
            and not previous.place.general
            and any("{side}" in name for name in located.place.regions)
            and _LINKS.issuperset(sentence.words[previous.end : located.start])
        ):
            located.sides |= previous.sides


def _side_target(
    sentence: Sentence, side: Match, items: Sequence[Located | Statement], sides: Sequence[Match]
) -> Located | Statement | None:
    here = [item for item in items if sentence.in_one_clause(item.start, side.start)]
    standing = next((item for item in here if isinstance(item, Statement) and item.start == side.start), None)
    if standing and standing.end == side.end:
        return standing
    before = [item for item in here if item.start <= side.start]
    if before and (side.end - side.start > 2 or sentence.words[side.start] == "bilaterally"):
        return max(before, key=lambda item: item.end)
    after = next((item for item in here if item.start >= side.end), None)
    if after:
        gap = sentence.words[side.end : after.start]
        listed = any(side.end <= other.start < after.start for other in sides) and "with" not in gap
        joined = listed or (gap[:1] not in (("and",), ("or",)) and "," not in gap)
        if len(gap) <= _SIDE_REACH and joined and _SHOWS.isdisjoint(gap) and not (before and _is_noun(sentence, side)):
            return after
    return max(before, key=lambda item: item.end) if before else None


def _is_noun(sentence: Sentence, side: Match) -> bool:
    """Whether the side stands for itself: "deviated to the right by"."""
    words = sentence.words
    return words[side.start - 1] == "the" and not _AFTER_NOUN.isdisjoint(words[side.end : side.end + 1])


def subject_of(
    sentence: Sentence, predicate: Match, places: Sequence[Located], findings: Sequence[Match]
) -> Located | None:
    """The place that a predicate is said of: the nearest with a key of its own in its clause.

    None where there is none, or where the word belongs to a finding that follows it ("calcified hilar granuloma").
    """
    start, end = predicate.start, predicate.end
    follows = any(0 <= finding.start - end <= 1 for finding in findings)
    if follows and sentence.words[end] not in ("of", ",", "and", "with", "without"):
        return None
    taken = {finding.start for finding in findings}
    near: list[tuple[float, Located]] = []
    for located in places:
        if located.place.key not in predicate.term.states or not sentence.in_one_clause(located.start, start):
            continue
        if located.end <= start:
            between, distance = (located.end, start), start - located.end + 0.5
        elif located.start >= end and _is_attribute(sentence, end, located) and located.end not in taken:
            between, distance = (end, located.start), located.start - end
        else:
            continue
        if not any(between[0] <= finding.start < between[1] for finding in findings):
            near.append((distance, located))
    return min(near, key=lambda item: item[0])[1] if near else None


def _is_attribute(sentence: Sentence, end: int, located: Located) -> bool:
    """Whether no comma parts the predicate that ends at `end` from its place, but one of a list of predicates."""
    others = {at for match in sentence.matches if match.term.states for at in range(match.start, match.end)}
    gap = [sentence.words[at] for at in range(end, located.start) if at not in others]
    return "," not in gap or (len(gap) < located.start - end and {",", "and"}.issuperset(gap))


def subjects_of_normal(
    sentence: Sentence, normal: Match, predicates: Sequence[int], places: Sequence[Located]
) -> list[Located]:
    """The places that "normal" is said of: those since the last predicate, or the ones that follow ("clear lungs")."""
    here = [located for located in places if sentence.in_one_clause(located.start, normal.start)]
    floor = max((end for end in predicates if sentence.in_one_clause(end - 1, normal.start)), default=0)
    before = [located for located in here if floor <= located.start and located.end <= normal.start]
    if before:
        return before
    ceiling = min((m.start for m in sentence.matches if m.start >= normal.end), default=len(sentence.words))
    after = [located for located in here if normal.end <= located.start < ceiling]
    if after:
        return after
    return [located for located in places if 0 <= normal.start - located.end <= _NEAR]


def attach(sentence: Sentence, places: Sequence[Located], statements: Sequence[Statement]) -> None:
    """Give each place, or list of places, to the finding that it locates, and to findings listed with that one."""
    subjects = [statement.subject for statement in statements if statement.subject]
    for located in subjects:
        located.used = True
    free = [located for located in places if not any(located is subject for subject in subjects)]
    inside = {at for statement in statements for at in range(statement.start, statement.end)}
    for group in _groups(sentence, free, inside):
        owner = _owner(sentence, group, statements)
        hidden = owner is not None and bool(owner.places or owner.sides) and _is_hidden(sentence, group[0], owner)
        for located in group:
            if hidden:
                located.used = True
            elif owner and _fits(owner.kind, located):
                owner.places.append(located)
                located.used = True
            elif owner and (located.place.general or located.sides):
                owner.sides |= located.sides
                located.used = True
    _share(sentence, statements)


def _groups(sentence: Sentence, places: Sequence[Located], inside: Set[int]) -> list[list[Located]]:
    """Places that are listed together ("right upper and left lower lobe"), each outside the words of a finding."""
    groups: list[list[Located]] = []
    for located in places:
        last = groups[-1][-1] if groups else None
        listed = last and last.start not in inside and _LISTING.issuperset(sentence.words[last.end : located.start])
        if last and listed and sentence.in_one_clause(last.start, located.start):
            groups[-1].append(located)
        else:
            groups.append([located])
    return groups


def _is_hidden(sentence: Sentence, located: Located, owner: Statement) -> bool:
    """Whether a place is only what the finding covers ("opacity at the base that obscures the diaphragm")."""
    return not _HIDING.isdisjoint(sentence.words[owner.end : located.start])


def _fits(kind: FindingKind, located: Located) -> bool:
    """Whether a place can move this finding; a general one only with a side and for a finding of no usual place.

    A tube only passes the diaphragm.
    """
    if located.place.general:
        return not kind.regions and bool(located.sides)
    if not located.place.regions:
        return "bone" in kind.within
    if located.place.key == "diaphragm" and kind.chexpert == "Support Devices":
        return False
    return any(DOMAIN_OF[name] in kind.within for name in located.regions)


def _owner(sentence: Sentence, group: Sequence[Located], statements: Sequence[Statement]) -> Statement | None:
    """The finding that these places locate: the one around them, before them ("opacity in …") or after them."""
    start, end = group[0].start, group[-1].end
    here = [statement for statement in statements if sentence.in_one_clause(statement.start, start)]
    for statement in here:
        if any(statement.start < located.end and located.start < statement.end for located in group):
            return statement
    before = next((statement for statement in reversed(here) if statement.end <= start), None)
    after = next((statement for statement in here if statement.start >= end), None)
    lead = sentence.words[before.end : start] if before else ()
    if not _INFLATION.isdisjoint(lead):
        before, lead = None, ()
    trail = sentence.words[end : after.start] if after else ()
    if before and not _PREPOSITIONS.isdisjoint(lead) and _PARTED.isdisjoint(lead):
        return before
    if before and trail and _LISTING.issuperset(lead) and _PARTED.isdisjoint(lead):
        return before
    if after and len(trail) <= _NEAR and (_PARTED | _PREPOSITIONS | _SHOWS).isdisjoint(trail):
        return after
    if after and not _SHOWS.isdisjoint(trail) and "," not in trail:
        return after
    trailing = {"and", "with"}.isdisjoint(lead) and not group[0].place.key.startswith("heart")
    if before and (trailing or not _PREPOSITIONS.isdisjoint(lead)):
        return before
    return after if after and (not before or _PARTED.isdisjoint(trail)) else None


def _share(sentence: Sentence, statements: Sequence[Statement]) -> None:
    """A finding without a place takes that of its neighbour in a list ("scarring and granuloma in the left base")."""
    for statement, following in reversed(list(pairwise(statements))):
        near = following.start - statement.end <= _SHARING_REACH
        after = any(located.start >= following.end for located in following.places)
        if near and after and _is_bare(statement) and _may_share(statement, following):
            _take(statement, following)
    located: Statement | None = None
    for earlier, statement in pairwise(statements):
        located = earlier if earlier.places else located
        if not _may_share(earlier, statement):
            located = None
        elif _is_bare(statement):
            _take(statement, earlier if earlier.places or not located else located)
        elif not statement.all_sides and (
            "with" in sentence.words[earlier.end : statement.start] or sentence.words[statement.start] in _HIDING
        ):
            statement.sides = set(earlier.all_sides)


def _is_bare(statement: Statement) -> bool:
    return not statement.places and not statement.sides and not statement.subject


def _may_share(one: Statement, other: Statement) -> bool:
    both = (_is_in_lungs(one) and _is_in_lungs(other)) or one.kind.regions == other.kind.regions == ()
    return both and (one.verdict == "absent") == (other.verdict == "absent")


def _is_in_lungs(statement: Statement) -> bool:
    return "lung" in statement.kind.within or any(DOMAIN_OF[name] == "lung" for name in statement.regions)


def _is_anywhere_in_lung(kind: FindingKind) -> bool:
    """Whether its usual place is one lung or a zone of it, not both, the pleura or the diaphragm."""
    return "lung" in kind.within and all(name in _LUNG_OR_ZONE for name in kind.regions)


def _take(statement: Statement, neighbour: Statement) -> None:
    """Its places where both may be anywhere in the lung, otherwise only its sides."""
    if neighbour.places and (not statement.kind.regions or _is_anywhere_in_lung(statement.kind)):
        statement.places = [located for located in neighbour.places if _fits(statement.kind, located)]
        statement.sides = set(neighbour.sides)
    elif any("{side}" in name for name in statement.kind.regions) or not statement.kind.regions:
        statement.sides = neighbour.all_sides
