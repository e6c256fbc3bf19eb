"""A figure with its interval, and beside it what the floors reach, with paired tests."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from radtrace.metrics.clinical.gold import GoldLabels
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, summed_score
from radtrace.metrics.scoring import score
from radtrace.metrics.statistics.bootstrap import Interval, corpus_interval
from radtrace.metrics.statistics.permutation import permutation_test

RESAMPLES = 2000
SEED = 0
ALPHA = 0.05
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Floor:
    """What a floor reaches. p: two-sided, of the paired permutation test against the reader."""

    value: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the reader. n: studies that it sees. lower: lower is better.

    floors: in the order given. dealt: the reader's own reports dealt to other studies; no floor.
    """

    name: str
    value: float | None
    interval: Interval | None
    n: int
    lower: bool
    signature: str
    floors: Mapping[str, Floor] = field(default_factory=dict)
    dealt: Floor | None = None

    @property
    def hardest(self) -> str | None:
        """The floor that reaches most; None where none has a value."""
        known = {name: floor.value for name, floor in self.floors.items() if floor.value is not None}
        sign = -1 if self.lower else 1
        return max(known, key=lambda name: sign * known[name]) if known else None

    @property
    def above_all(self) -> bool | None:
        """Whether the reader is better than each floor with p < .05; None where no floor has a value.

        All of them at once: an intersection-union test, whose error needs no correction.
        """
        sign = -1 if self.lower else 1
        tests = [
            self.value is not None and floor.p is not None and sign * (self.value - floor.value) > 0 and floor.p < ALPHA
            for floor in self.floors.values()
            if floor.value is not None
        ]
        return all(tests) if tests else None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        bounds = self.interval and [self.interval.low, self.interval.high]
        said: dict[str, Any] = {"value": self.value, "ci": bounds, "n": self.n, "signature": self.signature}
        if self.floors:
            said["floors"] = {name: asdict(floor) for name, floor in self.floors.items()}
            said |= {"hardest_floor": self.hardest, "above_all_floors": self.above_all}
        return said | ({"dealt": asdict(self.dealt)} if self.dealt else {})


def scores_of(
    pairs: Sequence[Pair], metrics: Sequence[str], preset: Preset, gold: GoldLabels | None = None
) -> dict[str, Score]:
    """Every score of some pairs by name, with the statistics of each pair."""
    kept: dict[str, Score] = {}

    def keep(_: Sequence[Pair], scores: Sequence[Score]) -> None:
        kept.update({one.name: one for one in scores})

    score([pairs], metrics, preset, keep, [gold] if gold else [])
    return kept


def scores_of_each(
    sets: Mapping[str, Sequence[Pair]], metrics: Sequence[str], preset: Preset
) -> dict[str, dict[str, Score]]:
    """Every score of several sets of pairs, scored together: METEOR's program takes longer to start than to score."""
    whole = scores_of([pair for pairs in sets.values() for pair in pairs], metrics, preset)
    found: dict[str, dict[str, Score]] = {}
    start = 0
    for name, pairs in sets.items():
        part = slice(start, start + len(pairs))
        found[name] = {each: _part(one, part) for each, one in whole.items()}
        start += len(pairs)
    return found


def _part(one: Score, part: slice) -> Score:
    if one.statistics is None or one.corpus is None:
        raise ValueError(f"{one.name} has no sums")
    return summed_score(one.name, one.per_sample[part], one.signature, one.statistics[part], one.corpus)


def figure(own: Score, floors: Mapping[str, Score], dealt: Score | None = None) -> Figure:
    """The reader's score with a bootstrap interval over the studies that it sees, and each floor's on the same."""
    if own.statistics is None or own.corpus is None:
        raise ValueError(f"{own.name} has no sums")
    seen: BoolArray = _scored(own, own.statistics)
    rows = own.statistics[seen]
    interval = corpus_interval(rows, own.corpus, resamples=RESAMPLES, seed=SEED)
    beside = {name: Floor(each.value, _p(own, each, seen)) for name, each in floors.items()}
    return Figure(
        name=own.name,
        value=own.value,
        interval=interval,
        n=int(seen.sum()),
        lower="better:lower" in own.signature,
        signature=own.signature,
        floors=beside,
        dealt=Floor(dealt.value, _p(own, dealt, seen)) if dealt else None,
    )


def _p(own: Score, other: Score, seen: BoolArray) -> float | None:
    if own.statistics is None or other.statistics is None or own.corpus is None or None in (own.value, other.value):
        return None
    both = seen | _scored(other, other.statistics)
    rows = own.statistics[both], other.statistics[both]
    return permutation_test(*rows, own.corpus, resamples=RESAMPLES, seed=SEED).p


def _scored(one: Score, statistics: FloatArray) -> BoolArray:
    """The studies that a score sees: one without a value of its own may still have sums."""
    seen: BoolArray = np.array([value is not None for value in one.per_sample], bool)
    return np.asarray(seen | statistics.any(axis=1), bool)
