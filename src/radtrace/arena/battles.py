"""Battles: two models, one study, one verdict; read from JSON Lines and counted."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from radtrace.errors import InputError, did_you_mean

Winner = Literal["a", "b", "tie", "both_bad"]
WINNERS: tuple[Winner, ...] = get_args(Winner)
POINTS: dict[Winner, float] = {"a": 1.0, "b": 0.0, "tie": 0.5, "both_bad": 0.5}
"""What the first model of a pair gets; a tie and "both bad" are half a win each."""

_RAREST = 1e-9
"""The smallest propensity: one weight beyond this would drown all others."""

MIRRORED: dict[Winner, Winner] = {"a": "b", "b": "a", "tie": "tie", "both_bad": "both_bad"}
"""The same verdict with the two models swapped."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Battle:
    """One verdict. propensity: probability, in (0, 1], with which this pair of models was drawn. id: of the study.

    rater: who judged, where several did.
    """

    a: str
    b: str
    winner: Winner
    propensity: float | None = None
    id: str | None = None
    rater: str | None = None


def read_battles(path: Path) -> list[Battle]:
    """Battles of a JSON Lines file; keys other than those of `Battle` are passed over.

    Raises:  InputError naming the file and line.
    """
    battles = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    battles.append(_battle(line, f"{path}: line {number}"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not battles:
        raise InputError(f"{path}: holds no battle")
    return battles


def _battle(line: bytes, place: str) -> Battle:
    try:
        entry: Any = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError(f"{place}: not JSON in UTF-8") from None
    if not isinstance(entry, dict):
        raise InputError(f'{place}: not {{"a": …, "b": …, "winner": …}}')
    return battle_of(entry, place)


def battle_of(entry: dict[str, Any], place: str) -> Battle:
    """A checked battle. Raises InputError that begins with `place`."""
    a, b, winner = entry.get("a"), entry.get("b"), entry.get("winner")
    for key, name in (("a", a), ("b", b)):
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{place}: {key!r} does not name a model")
    if a == b:
        raise InputError(f"{place}: {a!r} stands on both sides")
    if winner not in WINNERS:
        raise InputError(f"{place}: winner {winner!r}: {did_you_mean(str(winner), WINNERS)}")
    return Battle(str(a), str(b), winner, _propensity(entry, place), _word(entry, "id"), _word(entry, "rater"))


def _propensity(entry: dict[str, Any], place: str) -> float | None:
    value = entry.get("propensity")
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not _RAREST <= value <= 1
    ):
        raise InputError(f"{place}: propensity {value!r} is no probability above {_RAREST:g}")
    return float(value)


def _word(entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Table:
    """Battles as arrays, in an order that depends neither on their order nor on which model stood first.

    models: sorted names, M of them. pairs: int (P, 2), the first index below the second; only pairs that met.
    pair: int (N,), the pair of each battle. points: float (N,), of the pair's first model. weight: float (N,),
    1 / propensity, scaled to mean 1.
    """

    models: tuple[str, ...]
    pairs: IntArray
    pair: IntArray
    points: FloatArray
    weight: FloatArray

    @property
    def wins(self) -> FloatArray:
        """Weighted points of the first model of each pair, (P,)."""
        return summed(self.pair, self.weight * self.points, len(self.pairs))

    @property
    def total(self) -> FloatArray:
        """Weight of the battles of each pair, (P,)."""
        return summed(self.pair, self.weight, len(self.pairs))


def summed(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Sum of the values of each group, (groups,)."""
    sums: FloatArray = np.bincount(group, values, groups).astype(np.float64, copy=False)
    return sums


def tabulate(battles: Sequence[Battle], models: Iterable[str] | None = None) -> Table:
    """Battles as arrays. A battle without a propensity weighs 1, as if its propensity were 1.

    Args:    models: only battles between these; all of them unless given.
    """
    if models is not None:
        kept = set(models)
        battles = [battle for battle in battles if battle.a in kept and battle.b in kept]
    names = tuple(sorted({name for battle in battles for name in (battle.a, battle.b)} | set(models or ())))
    at = {name: index for index, name in enumerate(names)}
    first = np.array([at[battle.a] for battle in battles], np.intp)
    second = np.array([at[battle.b] for battle in battles], np.intp)
    points = np.array([POINTS[battle.winner] for battle in battles], np.float64)
    weight = 1 / np.array([battle.propensity or 1.0 for battle in battles], np.float64)
    swapped = first > second
    points = np.where(swapped, 1 - points, points)
    code = np.minimum(first, second) * len(names) + np.maximum(first, second)
    order = np.lexsort((weight, points, code))
    codes, pair = np.unique(code[order], return_inverse=True)
    pairs = np.stack(np.divmod(codes, max(len(names), 1)), axis=1).astype(np.intp)
    scaled = weight[order] / weight.mean() if weight.size else weight
    return Table(names, pairs, pair.astype(np.intp), points[order], scaled)
