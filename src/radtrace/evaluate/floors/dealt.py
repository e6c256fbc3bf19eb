"""The predictions dealt to other studies: what is left of a score where nothing that depends on the film can be."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from radtrace.metrics.pairs import Pair
from radtrace.metrics.scores import Corpus, FloatArray, Score
from radtrace.metrics.statistics.permutation import permutation_test

RESAMPLES = 1000


def deal(pairs: Sequence[Pair], seed: int) -> dict[str, str]:
    """Study -> the study whose prediction it gets, in one circle through all, so that none keeps its own.

    What failed stays where it is, and is not named. Studies with a reference and those without are dealt apart, so that
    the scored ones get the very predictions that they had between them; one that is alone keeps its own.
    """
    rng = random.Random(seed)  # noqa: S311
    taken: dict[str, str] = {}
    for scored in (True, False):
        studies = [pair.id for pair in pairs if pair.scored is scored and not pair.failed]
        rng.shuffle(studies)
        taken |= dict(zip(studies, [*studies[1:], *studies[:1]], strict=True))
    return taken


def dealt_pairs(pairs: Sequence[Pair], taken: Mapping[str, str]) -> list[Pair]:
    """The pairs with each other's predictions."""
    predictions = {pair.id: pair.prediction for pair in pairs}
    return [Pair(pair.id, predictions[taken.get(pair.id, pair.id)], pair.reference) for pair in pairs]


@dataclass(slots=True)
class Statistics:
    """Sufficient statistics of every pair, by score, where it has such; for `radtrace.metrics.score`'s `each`."""

    parts: dict[str, list[FloatArray]] = field(default_factory=dict)
    corpora: dict[str, Corpus] = field(default_factory=dict)

    def add(self, _: Sequence[Pair], scores: Sequence[Score]) -> None:
        """Keep those of one chunk."""
        for one in scores:
            if one.statistics is not None and one.corpus is not None:
                self.parts.setdefault(one.name, []).append(one.statistics)
                self.corpora[one.name] = one.corpus

    def p_values(self, other: "Statistics", names: Sequence[str], seed: int) -> dict[str, float]:
        """Two-sided p of the paired permutation test of each of these scores that both have; see `permutation_test`."""
        found = {}
        for name in names:
            if name in self.parts and name in other.parts:
                mine, theirs = np.concatenate(self.parts[name]), np.concatenate(other.parts[name])
                test = permutation_test(mine, theirs, self.corpora[name], resamples=RESAMPLES, seed=seed)
                found[name] = test.p
        return found
