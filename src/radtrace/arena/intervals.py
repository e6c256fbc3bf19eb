"""How sure the scores are: the sandwich covariance, and the bootstrap over battles."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from radtrace.arena.battles import FloatArray, Table, summed
from radtrace.arena.bradley_terry import incidence, information, probability, scores
from radtrace.arena.reach import separated

LEVEL = 0.95


def sandwich(table: Table, theta: FloatArray, ridge: float) -> FloatArray:
    """Covariance of the scores, (M, M): H^-1 G H^-1, right where weights differ or the model is wrong.

    H: weighted information; G: sum over battles of the squared, weighted scores (Huber, 1967; White, 1982). Scores
    add up to 0, so both are inverted in that plane. Battles count as independent.
    """
    models = len(table.models)
    chance = probability(theta, table.pairs)
    bread = information(table.total * chance * (1 - chance), table.pairs, models)
    residual = (table.points - chance[table.pair]) * table.weight
    squared = summed(table.pair, residual**2, len(table.pairs))
    sides = incidence(table.pairs, models)
    inverse = np.linalg.inv(bread + ridge * np.eye(models) + 1 / models)
    covariance: FloatArray = inverse @ (sides.T * squared) @ sides @ inverse
    return covariance


def sandwich_bounds(table: Table, theta: FloatArray, ridge: float) -> FloatArray:
    """Lower and upper bound of each score by the normal distribution, (2, M)."""
    error = np.sqrt(np.diagonal(sandwich(table, theta, ridge)))
    bounds: FloatArray = theta + np.array([[-1], [1]]) * ndtri(0.5 + LEVEL / 2) * error
    return bounds


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Scores of resampled battles. theta: float (B, M). separated: resamples in which some model never lost or won."""

    theta: FloatArray
    separated: int

    def bounds(self) -> FloatArray:
        """Percentiles of each score, (2, M)."""
        return np.quantile(self.theta, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)


def bootstrap(table: Table, resamples: int, ridge: float, seed: int) -> Bootstrap:
    """Refit on battles drawn with replacement, as many as there are.

    The likelihood sees battles only through the sums of weight and of points of each pair. Battles of one pair,
    result and weight are interchangeable, so how often each such kind is drawn is multinomial, exactly as if battles
    were drawn one by one; where nearly every battle has its own weight, they are.
    """
    rng = np.random.default_rng(seed)
    wins, total = _draw_kinds(table, resamples, rng) or _draw_battles(table, resamples, rng)
    models = len(table.models)
    theta = scores(wins, total, table.pairs, models, ridge)
    return Bootstrap(theta, int(separated(wins, total, table.pairs, models).sum()))


def _draw_kinds(table: Table, resamples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray] | None:
    """Points and weight of each pair, both (B, P); None where kinds are too many to gain anything."""
    size = len(table.pair)
    rows = np.stack([table.pair, table.points, table.weight], axis=1)
    begins = np.flatnonzero(np.concatenate([[True], (rows[1:] != rows[:-1]).any(1)]))  # a table is sorted
    if len(begins) > max(64, size // 8):
        return None
    counts = np.diff(np.append(begins, size))
    drawn = rng.multinomial(size, counts / size, resamples) * table.weight[begins]
    pairs = np.equal.outer(table.pair[begins], np.arange(len(table.pairs))).astype(np.float64)
    return (drawn * table.points[begins]) @ pairs, drawn @ pairs


def _draw_battles(table: Table, resamples: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    size, pairs = len(table.pair), len(table.pairs)
    wins, total = np.empty((resamples, pairs)), np.empty((resamples, pairs))
    points = table.weight * table.points
    for row in range(resamples):
        drawn = rng.integers(size, size=size)
        pair = table.pair[drawn]
        wins[row] = summed(pair, points[drawn], pairs)
        total[row] = summed(pair, table.weight[drawn], pairs)
    return wins, total
