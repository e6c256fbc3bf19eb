"""Errors of a report in GREEN's six categories, counted from the findings that our rules read on both sides."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from radtrace.anatomy import DOMAIN_OF, DOMAINS
from radtrace.findings import findings_of
from radtrace.metrics.judged.green import KINDS, Six
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.records import Finding

_Read = Mapping[str, Sequence[Finding]]
"""Label -> what a text says of it."""


def error_counts_rules(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean errors a report, lower is better: their sum, then each of the six categories, see `errors`.

    There is no most of errors. A failed prediction is counted as a report that misses every finding that the reference
    names, those it denies included, and at least one; it has no other error. Rules read both sides: GREEN's judgement
    of what is clinically significant is not made.
    """
    del preset
    rows = [_row(pair) if pair.scored else None for pair in pairs]
    said = {"judge": "radtrace.findings", "failed": "misses all, at least 1", "better": "lower"}
    name = "error_counts_rules"
    scores = [mean_score(name, [None if row is None else float(sum(row)) for row in rows], signature(name, **said))]
    for place, kind in enumerate(KINDS):
        title = f"{name}_{kind}"
        values = [None if row is None else float(row[place]) for row in rows]
        scores.append(mean_score(title, values, signature(title, **said)))
    return scores


def _row(pair: Pair) -> Six:
    return (0, max(1, len(_read(pair.wanted))), 0, 0, 0, 0) if pair.failed else errors(pair.predicted, pair.wanted)


def errors(candidate: str, reference: str) -> Six:
    """Errors of a candidate report, by category (a) to (f).

    False and missing findings are labels that only one side says are there, or may be. Of those that both say are
    there, the location is wrong where they name sides that differ, or places none of which lies in one of the other's;
    the severity where both name some and these differ. Of labels that both speak of, each change against an earlier
    film that only one side states is a comparison invented or omitted.
    """
    mine, others = _read(candidate), _read(reference)
    there, wanted = _there(mine), _there(others)
    both = there.keys() & wanted.keys()
    spoken = mine.keys() & others.keys()
    return (
        len(there.keys() - wanted.keys()),
        len(wanted.keys() - there.keys()),
        sum(_is_elsewhere(there[label], wanted[label]) for label in both),
        sum(_differ(_severities(there[label]), _severities(wanted[label])) for label in both),
        sum(len(_changes(mine[label]) - _changes(others[label])) for label in spoken),
        sum(len(_changes(others[label]) - _changes(mine[label])) for label in spoken),
    )


def _read(text: str) -> _Read:
    read: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings_of(text):
        read[finding.label].append(finding)
    return dict(read)


def _there(read: _Read) -> _Read:
    """What is said to be there, or possible."""
    kept = {label: [finding for finding in said if finding.status != "absent"] for label, said in read.items()}
    return {label: said for label, said in kept.items() if said}


def _is_elsewhere(mine: Iterable[Finding], others: Iterable[Finding]) -> bool:
    if _differ(_sides(mine), _sides(others)):
        return True
    first, second = ({region for finding in said for region in finding.regions} for said in (mine, others))
    return bool(first and second) and _with_parts(first).isdisjoint(_with_parts(second))


def _with_parts(regions: Iterable[str]) -> set[str]:
    """The regions, and those that a whole lung holds."""
    held = {
        part
        for region in regions
        if region in ("right lung", "left lung")
        for part in DOMAINS[DOMAIN_OF[region]]
        if part.startswith(region.split()[0])
    }
    return held.union(regions)


def _sides(said: Iterable[Finding]) -> set[str]:
    sides = {finding.laterality for finding in said if finding.laterality}
    return {"right", "left"} if "bilateral" in sides else {*sides}


def _severities(said: Iterable[Finding]) -> set[str]:
    return {finding.severity for finding in said if finding.severity}


def _changes(said: Iterable[Finding]) -> set[str]:
    return {finding.change for finding in said if finding.change}


def _differ(mine: set[str], others: set[str]) -> bool:
    """Whether both name something, and not the same."""
    return bool(mine and others) and mine != others
