"""Battles -> a ranking: strengths, intervals, warnings and matrices."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from radtrace import __version__
from radtrace.arena.battles import WINNERS, Battle, FloatArray, Table, tabulate
from radtrace.arena.bradley_terry import RIDGE, scores
from radtrace.arena.intervals import LEVEL, bootstrap, sandwich_bounds
from radtrace.arena.reach import islands, tiers
from radtrace.errors import InputError

_LARGEST_RIDGE = 1e-3
_LARGEST = 700.0
"""Of a score, so that its strength is a float."""

Bounds = dict[str, tuple[float, float] | None]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What battles say of models.

    models: the best first; those that cannot be compared with the others last, by name.
    strengths: exp(score), geometric mean 1; None for a model that no chain of battles joins to the largest group, and
        for one that is separated so far that no float holds it.
    thetas: the scores. scaled: scores divided by the largest absolute one, in [-1, 1].
    sandwich, bootstrap: 95% intervals of strengths; None where a strength is unbounded.
    rank: 1 + how many models are better for sure, that is, whose lower bound lies above this one's upper bound.
    components: groups joined by battles, the largest first. tiers: see `radtrace.arena.reach.tiers`.
    battles: int (M, M) and win_rates: float (M, M), NaN where two never met, both in the order of `models`.
    separated: resamples in which some model never lost or never won.
    """

    models: tuple[str, ...]
    strengths: dict[str, float | None]
    thetas: dict[str, float | None]
    scaled: dict[str, float | None]
    sandwich: Bounds
    bootstrap: Bounds
    rank: dict[str, int | None]
    components: tuple[tuple[str, ...], ...]
    tiers: tuple[tuple[str, ...], ...]
    battles: FloatArray
    win_rates: FloatArray
    outcomes: dict[str, int]
    separated: int
    warnings: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Models that no chain of battles joins to the largest group."""
        return tuple(sorted(name for part in self.components[1:] for name in part))

    def row(self) -> dict[str, Any]:
        """JSON-ready."""
        rates = [[None if np.isnan(rate) else rate for rate in line] for line in self.win_rates.tolist()]
        return {
            "strengths": self.strengths,
            "theta": self.thetas,
            "scaled": self.scaled,
            "ci": {"level": LEVEL, "sandwich": self.sandwich, "bootstrap": self.bootstrap},
            "rank": self.rank,
            "n": sum(self.outcomes.values()),
            "outcomes": self.outcomes,
            "connected": len(self.components) == 1,
            "components": self.components,
            "unreachable": self.unreachable,
            "separated": len(self.tiers) > 1,
            "tiers": self.tiers,
            "separated_resamples": self.separated,
            "models": self.models,
            "battles": self.battles.astype(int).tolist(),
            "win_rates": rates,
            "warnings": self.warnings,
            **self.settings,
        }


def fit(battles: Sequence[Battle], ridge: float = RIDGE, resamples: int = 1000, seed: int = 0) -> Ranking:
    """Weighted Bradley-Terry with its checks; the same whatever the order of the battles and of each pair.

    Args:    ridge: weight of half the squared scores beside the summed losses, whose weights have mean 1; at most .001.
    Raises:  InputError where the ridge is another.
    """
    if not 0 < ridge <= _LARGEST_RIDGE:
        raise InputError(f"ridge {ridge:g}: above 0 and at most {_LARGEST_RIDGE:g}, or it bends the ranking")
    whole = tabulate(battles)
    components = islands(whole)
    table = tabulate(battles, components[0]) if len(components) > 1 else whole
    levels = tiers(table)
    theta = scores(table.wins, table.total, table.pairs, len(table.models), ridge)
    sandwich, resampled, separated = _bounds(table, theta, ridge, resamples, seed) if len(levels) == 1 else _none(table)
    best = sorted(range(len(table.models)), key=lambda at: (-theta[at], table.models[at]))
    order = (*(table.models[at] for at in best), *sorted(set(whole.models) - set(table.models)))
    ranks = _ranks(resampled if resamples else sandwich)
    counted = Counter(battle.winner for battle in battles)
    named = dict(zip(table.models, theta.tolist(), strict=True))
    largest = max(np.abs(theta).max().item(), np.finfo(float).tiny)
    fought, rates = _matrices(battles, order)
    return Ranking(
        models=order,
        strengths={name: _strength(named[name]) if name in named else None for name in order},
        thetas={name: named.get(name) for name in order},
        scaled={name: named[name] / largest if name in named else None for name in order},
        sandwich={name: sandwich.get(name) for name in order},
        bootstrap={name: resampled.get(name) for name in order},
        rank={name: ranks.get(name) for name in order},
        components=tuple(components),
        tiers=tuple(levels),
        battles=fought,
        win_rates=rates,
        outcomes={winner: counted[winner] for winner in WINNERS},
        separated=separated,
        warnings=tuple(_warnings(battles, components, levels)),
        settings={
            "resamples": resamples,
            "ridge": ridge,
            "seed": seed,
            "signature": f"bradley_terry|tie:half|both_bad:half|weight:ipw|ridge:{ridge:g}|v:radtrace {__version__}",
        },
    )


def _bounds(table: Table, theta: FloatArray, ridge: float, resamples: int, seed: int) -> tuple[Bounds, Bounds, int]:
    sandwich = _named(table, sandwich_bounds(table, theta, ridge))
    if not resamples:
        return sandwich, dict.fromkeys(table.models), 0
    drawn = bootstrap(table, resamples, ridge, seed)
    return sandwich, _named(table, drawn.bounds()), drawn.separated


def _none(table: Table) -> tuple[Bounds, Bounds, int]:
    return dict.fromkeys(table.models), dict.fromkeys(table.models), 0


def _strength(theta: float) -> float | None:
    return math.exp(theta) if theta < _LARGEST else None


def _named(table: Table, bounds: FloatArray) -> Bounds:
    low, high = np.exp(np.minimum(bounds, _LARGEST)).tolist()
    return dict(zip(table.models, zip(low, high, strict=True), strict=True))


def _ranks(bounds: Bounds) -> dict[str, int]:
    known = {name: pair for name, pair in bounds.items() if pair}
    return {name: 1 + sum(low > high for low, _ in known.values()) for name, (_, high) in known.items()}


def _matrices(battles: Sequence[Battle], order: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """How often two met, and the share of points that the row's model won from the column's; unweighted."""
    table = tabulate([Battle(battle.a, battle.b, battle.winner) for battle in battles])
    size = len(order)
    at = np.array([order.index(name) for name in table.models])
    first, second = at[table.pairs[:, 0]], at[table.pairs[:, 1]]
    fought, won = np.zeros((size, size)), np.zeros((size, size))
    fought[first, second] = fought[second, first] = np.bincount(table.pair, minlength=len(table.pairs))
    points = np.bincount(table.pair, table.points, len(table.pairs))
    won[first, second] = points
    won[second, first] = fought[first, second] - points
    return fought, np.divide(won, fought, out=np.full_like(won, np.nan), where=fought > 0)


def _warnings(
    battles: Sequence[Battle], components: Sequence[tuple[str, ...]], levels: Sequence[tuple[str, ...]]
) -> list[str]:
    warnings = []
    if len(components) > 1:
        lost = ", ".join(sorted(name for part in components[1:] for name in part))
        warnings.append(f"no chain of battles joins these models to the others, so they have no strength: {lost}")
    if len(levels) > 1:
        steps = " > ".join(", ".join(level) for level in levels)
        warnings.append(
            f"separated: no model of a group gave a point to a later group ({steps}); only the ridge bounds the "
            "strengths, and there are no intervals"
        )
    unweighted = sum(battle.propensity is None for battle in battles)
    if 0 < unweighted < len(battles):
        warnings.append(f"{unweighted} of {len(battles)} battles have no propensity and weigh as if it were 1")
    return warnings
