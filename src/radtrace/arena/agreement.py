"""How far raters agree: Cohen's kappa of each two, Krippendorff's alpha of all."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from radtrace.arena.battles import MIRRORED, Battle, Winner
from radtrace.errors import InputError

Unit = tuple[str, str, str]
"""Study and two models, their names in order."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """Two raters.

    units: that both judged. agreement: share of them with one verdict. kappa: None where chance alone would make them
        agree on all.
    """

    units: int
    agreement: float | None
    kappa: float | None


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> Kappa:
    """(p_o - p_e) / (1 - p_e) of two equally long lists of verdicts. Source: Cohen, 1960."""
    size = len(first)
    if not size:
        return Kappa(0, None, None)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / size
    one, other = Counter(first), Counter(second)
    expected = sum(one[name] * other[name] for name in one) / size**2
    return Kappa(size, observed, (observed - expected) / (1 - expected) if expected < 1 else None)


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """1 - D_o / D_e for nominal verdicts; raters may miss units, and a unit of one verdict says nothing.

    Returns: None where fewer than two verdicts can be compared, or all are the same.
    Source:  Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, C.
    """
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0
    for verdicts in units:
        if len(verdicts) < 2:
            continue
        counts = Counter(verdicts)
        totals.update(counts)
        agreeing += sum(count * (count - 1) for count in counts.values()) / (len(verdicts) - 1)
    size = totals.total()
    chance = sum(count * (count - 1) for count in totals.values())
    if size < 2 or chance == size * (size - 1):
        return None
    return 1 - (size - 1) * (size - agreeing) / (size * (size - 1) - chance)


def verdicts_of(battles: Iterable[Battle], where: str) -> dict[Unit, Winner]:
    """One rater's verdicts by study and models, whichever model stood first.

    Raises:  InputError naming the study where a battle has no id, or where a rater judged it twice.
    """
    verdicts: dict[Unit, Winner] = {}
    for battle in battles:
        if battle.id is None:
            raise InputError(f"{where}: {battle.a} against {battle.b}: a battle needs an id to be compared")
        first, second = sorted((battle.a, battle.b))
        unit = (battle.id, first, second)
        if unit in verdicts:
            raise InputError(f"{where}: id {battle.id!r}: {first} against {second} stands there twice")
        verdicts[unit] = battle.winner if battle.a == first else MIRRORED[battle.winner]
    return verdicts


def by_rater(battles: Iterable[Battle], where: str) -> dict[str, list[Battle]]:
    """The battles of a file by who judged; those without a rater are the file's own."""
    raters: dict[str, list[Battle]] = {}
    for battle in battles:
        raters.setdefault(battle.rater or where, []).append(battle)
    return raters


def agreement(raters: Mapping[str, Mapping[Unit, Winner]]) -> dict[str, Any]:
    """Of each two raters and of all; JSON-ready.

    "without_ties" counts only battles in which both raters prefer a model.
    """
    rows = []
    for one, other in combinations(raters, 2):
        shared = sorted(raters[one].keys() & raters[other].keys())
        both = [(raters[one][unit], raters[other][unit]) for unit in shared]
        sided = [pair for pair in both if set(pair) <= {"a", "b"}]
        whole, parts = (cohen_kappa([a for a, _ in pairs], [b for _, b in pairs]) for pairs in (both, sided))
        rows.append(
            {
                "raters": [one, other],
                "n": whole.units,
                "agreement": whole.agreement,
                "kappa": whole.kappa,
                "without_ties": {"n": parts.units, "agreement": parts.agreement, "kappa": parts.kappa},
            }
        )
    units = sorted({unit for verdicts in raters.values() for unit in verdicts})
    judged = [[verdicts[unit] for verdicts in raters.values() if unit in verdicts] for unit in units]
    return {
        "raters": {name: len(verdicts) for name, verdicts in raters.items()},
        "units": len(units),
        "compared": sum(len(verdicts) > 1 for verdicts in judged),
        "alpha": krippendorff_alpha(judged),
        "pairs": rows,
    }
