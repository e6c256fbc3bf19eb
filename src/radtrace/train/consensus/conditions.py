"""What a reader would decide of the studies that are learnt from, and whose reports are of studies decided alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from radtrace.decode.choosing.told import Told
from radtrace.reader.bundle import Policy
from radtrace.reader.mind import decisions
from radtrace.records import Report
from radtrace.train.encoder.scores import Floats
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.targets import LIKELY
from radtrace.train.sft.data.samples import truths_of

_RARE = 0.5
"""Positives that are added to those of a finding, so that none is impossible."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """shown: what is decided of each study where its report is true to the film. drawn: what an encoder of its skill
    would let a reader decide, some draws of each study one after another.
    """

    reports: Sequence[Report]
    shown: Sequence[Told]
    drawn: Sequence[Told]

    def of(self, number: int) -> Told:
        """What a model is told of a study: of one half of them what is shown, of the other what is drawn."""
        return self.shown[number] if number % 2 else self.drawn[number]

    def alike(self, told: Told, most: int, least: int, rng: np.random.Generator) -> tuple[list[Report], int]:
        """Reports of studies of which the same findings were drawn, and of the next ones where these are too few.

        Returns: between `least` and `most` reports, and how many of them are of studies decided alike.
        """
        apart = np.array([len(told.labels ^ other.labels) for other in self.drawn])
        order = np.lexsort((rng.random(len(apart)), apart))
        same = int((apart == 0).sum())
        count = min(most, max(least, same))
        return [self.reports[index % len(self.reports)] for index in order[:count].tolist()], min(same, count)


def conditions_of(reports: Sequence[Report], skill: Skill, policy: Policy, draws: int, seed: int) -> Conditions:
    """Of all studies. draws: of each one."""
    truths = np.stack([truths_of(report, skill.labels) for report in reports])
    rng = np.random.default_rng(seed)
    prevalence = (_RARE + (truths >= LIKELY).sum(0)) / (2 * _RARE + len(truths))
    usual = np.log(prevalence / (1 - prevalence))
    drawn = [
        _told(skill.labels, row, policy)
        for _ in range(draws)
        for row in 1 / (1 + np.exp(-usual - skill.drawn(truths, rng)))
    ]
    return Conditions(reports, [_shown(skill.labels, row, policy) for row in truths], drawn)


def _told(labels: Sequence[str], probabilities: Floats, policy: Policy) -> Told:
    """As a reader decides."""
    known: Mapping[str, float] = dict(zip(labels, probabilities.tolist(), strict=True))
    facts = decisions(known, policy.accepted(known))[0].tolist()
    return Told.of(name for name, fact in zip(labels, facts, strict=True) if fact > 0)


def _shown(labels: Sequence[str], truths: Floats, policy: Policy) -> Told:
    """What a report says of the findings that a reader assesses."""
    there = [name for name, value in zip(labels, truths.tolist(), strict=True) if value >= LIKELY]
    return Told.of(name for name in there if name.partition(", ")[0] in policy.present)
