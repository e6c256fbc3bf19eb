"""Which two models meet over which study, and how probable that was."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from radtrace.arena.battles import FloatArray

UNIFORM_SHARE = 0.1
"""Of the paper's sampling: mixed in, so that no pair's probability vanishes and no weight explodes."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two models over one study, before the verdict. propensity: probability with which the pair was drawn."""

    id: str
    a: str
    b: str
    propensity: float


def uniform(models: Sequence[str], ids: Sequence[str], count: int, seed: int) -> list[Meeting]:
    """Meetings drawn without replacement from all pairs over all studies; each pair has the same probability."""
    pairs = list(combinations(sorted(models), 2))
    drawn = np.random.default_rng(seed).permutation(len(pairs) * len(ids))[:count]
    drawn_pairs = ((ids[at % len(ids)], *pairs[at // len(ids)]) for at in drawn.tolist())
    return [Meeting(name, a, b, 1 / len(pairs)) for name, a, b in drawn_pairs]


def pair_probabilities(counts: FloatArray, points: FloatArray, squares: FloatArray) -> FloatArray:
    """P_t(a) of DeepMedix-R1, eq. 7: proportional to sqrt(S_aa / n_a) - sqrt(S_aa / (n_a + 1)).

    That is how much the standard error of a pair's win rate shrinks by one more battle. The paper leaves the
    estimate of S open; here S_aa is the variance of the pair's results, with half a win and half a loss added, so that
    a pair of equal results keeps a variance. A pair that never met gains most: such pairs come first, with equal
    probability. Last, `UNIFORM_SHARE` is mixed in.

    Args:    counts, points, squares: float (P,), battles of each pair, sum of its first model's points and of their
             squares.
    Returns: float (P,), adding up to 1.
    """
    new = counts == 0
    if new.any():
        gain = new.astype(np.float64)
    else:
        size = counts + 1
        mean = (points + 0.5) / size
        variance = (squares + 0.5) / size - mean**2
        gain = np.sqrt(variance / counts) - np.sqrt(variance / (counts + 1))
    mixed: FloatArray = (1 - UNIFORM_SHARE) * gain / gain.sum() + UNIFORM_SHARE / len(counts)
    return mixed


class AdaptiveSampler:
    """Draws by eq. 7, a round at a time: within a round the probabilities stay as the verdicts before it made them."""

    def __init__(self, models: Sequence[str], ids: Sequence[str], seed: int) -> None:
        self._pairs = list(combinations(sorted(models), 2))
        self._at = {pair: index for index, pair in enumerate(self._pairs)}
        self._ids = list(ids)
        self._seed = seed

    def draw(self, count: int, met: Sequence[Meeting], points: Mapping[int, float]) -> Iterator[Meeting]:
        """The next meetings, at most `count`: a pair by its probability, a study that it has not met over yet.

        A pair that has met over every study leaves, and the others' probabilities add up to 1 without it.

        Args:    met: all meetings so far. points: index of a meeting -> its first model's points, where it was judged.
        """
        rng = np.random.default_rng([self._seed, len(met)])
        open_ids = self._open_ids(met)
        chances = self._chances(met, points)
        for _ in range(count):
            free = np.array([bool(ids) for ids in open_ids])
            if not free.any():
                return
            now = np.where(free, chances, 0)
            now /= now.sum()
            at = int(rng.choice(len(self._pairs), p=now))
            ids = open_ids[at]
            yield Meeting(ids.pop(int(rng.integers(len(ids)))), *self._pairs[at], float(now[at]))

    def _open_ids(self, met: Sequence[Meeting]) -> list[list[str]]:
        used: list[set[str]] = [set() for _ in self._pairs]
        for meeting in met:
            used[self._at[meeting.a, meeting.b]].add(meeting.id)
        return [[name for name in self._ids if name not in names] for names in used]

    def _chances(self, met: Sequence[Meeting], points: Mapping[int, float]) -> FloatArray:
        judged = [(self._at[met[index].a, met[index].b], won) for index, won in points.items()]
        pair = np.array([at for at, _ in judged], np.intp)
        won = np.array([value for _, value in judged], np.float64)
        sums = (np.bincount(pair, values, len(self._pairs)) for values in (np.ones_like(won), won, won**2))
        return pair_probabilities(*(each.astype(np.float64) for each in sums))
