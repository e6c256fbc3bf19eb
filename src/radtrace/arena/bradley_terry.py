"""Weighted Bradley-Terry by Newton's method, many data sets of the same pairs at once.

Source:  Bradley & Terry, Biometrika 39, 1952; DeepMedix-R1, eq. 8, where CE is the loss below for points 0, 1/2, 1.
"""

import numpy as np

from radtrace.arena.battles import FloatArray, IntArray

RIDGE = 1e-6
"""Weight of the squared scores beside the summed losses: finite where nobody lost, and unseen elsewhere."""

_WIDEST_STEP = 1.25
"""Largest change of a difference of scores in a step. The logistic loss is quasi-self-concordant (|f'''| <= f''), so a
Newton step t with e^t - 1 - t < t, that is t < 1.256, always lowers it (Bach, 2010, Prop. 1)."""
_EXACT = 1e-10
_STEPS = 10_000
_BATCH = 4_000_000
"""Numbers of an array (data sets x models x models)."""


def scores(wins: FloatArray, total: FloatArray, pairs: IntArray, models: int, ridge: float = RIDGE) -> FloatArray:
    """Scores theta with P(i beats j) = 1 / (1 + exp(theta_j - theta_i)), their mean 0.

    Args:    wins, total: float (..., P), weighted points of the first model of each pair, and weight of its battles.
             pairs: int (P, 2).
    Returns: float (..., M). Between models that no chain of battles joins the scores cannot be compared.
    """
    shape = wins.shape[:-1]
    wins, total = wins.reshape(-1, wins.shape[-1]), total.reshape(-1, total.shape[-1])
    size = max(1, _BATCH // (models * models + len(pairs)))
    # Resamples differ little from all battles together, where the search begins; for one data set that is 0.
    start = np.zeros(models)
    if len(wins) > 1:
        start = _newton(wins.mean(0, keepdims=True), total.mean(0, keepdims=True), pairs, start, ridge)[0]
    parts = [
        _newton(wins[at : at + size], total[at : at + size], pairs, start, ridge) for at in range(0, len(wins), size)
    ]
    return np.concatenate(parts).reshape(*shape, models)


def _newton(wins: FloatArray, total: FloatArray, pairs: IntArray, start: FloatArray, ridge: float) -> FloatArray:
    """`scores` of a batch (B, P) at once; data sets that have arrived leave the batch."""
    models = len(start)
    sides = incidence(pairs, models)
    theta = np.tile(start, (len(wins), 1))
    going = np.arange(len(wins))
    for _ in range(_STEPS):
        now, won, fought = theta[going], wins[going], total[going]
        chance = probability(now, pairs)
        slope = (fought * chance - won) @ sides + ridge * now
        bend = information(fought * chance * (1 - chance), pairs, models)
        bend += ridge * np.eye(models) + 1 / models  # scores add up to 0, and no step may leave that plane
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        width = np.ptp(step, axis=1)
        step *= np.minimum(1, _WIDEST_STEP / np.maximum(width, _WIDEST_STEP))[:, None]
        theta[going] = now - step
        going = going[width > _EXACT * (1 + np.abs(now).max(1))]
        if not going.size:
            theta -= theta.mean(1, keepdims=True)
            return theta
    raise ArithmeticError(f"Bradley-Terry did not settle in {_STEPS} steps")


def probability(theta: FloatArray, pairs: IntArray) -> FloatArray:
    """P(the first beats the second) for each pair: (..., M) -> (..., P)."""
    gap = theta[..., pairs[:, 0]] - theta[..., pairs[:, 1]]
    chance: FloatArray = 0.5 * (1 + np.tanh(gap / 2))
    return chance


def incidence(pairs: IntArray, models: int) -> FloatArray:
    """(P, M): +1 at a pair's first model, -1 at its second."""
    sides = np.zeros((len(pairs), models))
    rows = np.arange(len(pairs))
    sides[rows, pairs[:, 0]] = 1
    sides[rows, pairs[:, 1]] = -1
    return sides


def information(curvature: FloatArray, pairs: IntArray, models: int) -> FloatArray:
    """Sum over pairs of curvature x x', x a row of `incidence`: (..., P) -> (..., M, M)."""
    matrix = np.zeros((*curvature.shape[:-1], models, models))
    matrix[..., pairs[:, 0], pairs[:, 1]] = -curvature
    matrix[..., pairs[:, 1], pairs[:, 0]] = -curvature
    diagonal = np.arange(models)
    matrix[..., diagonal, diagonal] = -matrix.sum(-1)
    return matrix
