"""Which models can be compared at all: who is joined by battles, and who ever lost to whom."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from radtrace.arena.battles import FloatArray, IntArray, Table


def islands(table: Table) -> list[tuple[str, ...]]:
    """Models joined by battles, the island of most battles first, then by name."""
    labels = _parts(table.pairs, len(table.models), "weak")
    fought = np.bincount(labels[table.pairs[table.pair, 0]], minlength=labels.max() + 1)
    parts = [tuple(np.array(table.models)[labels == part].tolist()) for part in range(labels.max() + 1)]
    return [parts[at] for at in sorted(range(len(parts)), key=lambda at: (-fought[at], parts[at]))]


def tiers(table: Table) -> list[tuple[str, ...]]:
    """Models that beat each other in a circle; more than one tier: no maximum of the likelihood exists.

    Ford's condition (American Mathematical Monthly 64, 1957): in every division of the models into two groups, each
    group must have won points from the other. No member of a tier ever gave a point to a member of a later one, where
    they met.
    """
    labels = _parts(_arrows(table.wins, table.total, table.pairs), len(table.models), "strong")
    reached = _reached(table)
    count = labels.max() + 1
    representative = [int(np.flatnonzero(labels == part)[0]) for part in range(count)]
    beats = {part: sum(bool(reached[representative[part], at]) for at in representative) for part in range(count)}
    named = {part: tuple(np.array(table.models)[labels == part].tolist()) for part in range(count)}
    return [named[part] for part in sorted(range(count), key=lambda part: (-beats[part], named[part]))]


def separated(wins: FloatArray, total: FloatArray, pairs: IntArray, models: int) -> NDArray[np.bool_]:
    """For each data set (B, P) whether Ford's condition fails."""
    return np.array(
        [
            connected_components(_graph(_arrows(won, fought, pairs), models), directed=True, connection="strong")[0] > 1
            for won, fought in zip(wins, total, strict=True)
        ]
    )


def _arrows(wins: FloatArray, total: FloatArray, pairs: IntArray) -> IntArray:
    """(winner, loser) of each pair and direction in which points were won."""
    slack = 1e-12 * total
    return np.concatenate([pairs[wins > slack], pairs[total - wins > slack][:, ::-1]])


def _graph(arrows: IntArray, models: int) -> csr_array:
    return csr_array((np.ones(len(arrows)), (arrows[:, 0], arrows[:, 1])), shape=(models, models))


def _parts(arrows: IntArray, models: int, connection: str) -> NDArray[np.int32]:
    labels: NDArray[np.int32] = connected_components(_graph(arrows, models), directed=True, connection=connection)[1]
    return labels


def _reached(table: Table) -> NDArray[np.bool_]:
    """(M, M): whether a chain of wins leads from one model to another."""
    reached = np.eye(len(table.models), dtype=bool)
    arrows = _arrows(table.wins, table.total, table.pairs)
    reached[arrows[:, 0], arrows[:, 1]] = True
    for _ in range(len(table.models).bit_length()):
        reached = (reached.astype(np.float32) @ reached.astype(np.float32)) > 0
    return reached
