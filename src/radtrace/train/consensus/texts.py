"""What is said of each decision: the search's texts, kept as they are found, with an impression each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radtrace.decode.choosing.told import Sentence, Told
from radtrace.errors import InputError
from radtrace.records import Report
from radtrace.runs import JsonLines, progress
from radtrace.train.consensus.conditions import Conditions
from radtrace.train.consensus.search import Search, crowd_of, told_as
from radtrace.train.consensus.sentences import pool_of, wholes_of

TEXTS = "texts.jsonl"


@dataclass(frozen=True, slots=True)
class Written:
    """What is said where this was decided. reports: that it was compared with; alike: of them, decided alike."""

    told: Told
    findings: tuple[Sentence, ...]
    impression: str
    reports: int
    alike: int

    @property
    def missing(self) -> frozenset[str]:
        """The columns that were decided and that no sentence says."""
        return self.told.columns.difference(*(each.present for each in self.findings))

    def to_json(self) -> dict[str, Any]:
        """A line of `TEXTS`."""
        sentences = [sentence.text for sentence in self.findings]
        said = {"findings": sentences, "impression": self.impression, "reports": self.reports, "alike": self.alike}
        return {"told": sorted(self.told.columns), **said, "missing": sorted(self.missing)}


@dataclass(slots=True)
class Writer:
    """folder: of the run. assessed: the findings that a reader tells anything of; no other one is denied.

    most, least, again, seed: as in `radtrace.train.consensus.stage.ConsensusRecipe`.
    """

    folder: Path
    conditions: Conditions
    assessed: frozenset[str]
    most: int
    least: int
    again: int
    seed: int

    def texts(self, wanted: Mapping[Told, int]) -> dict[Told, Written]:
        """What is said of each; those with few findings first, since the others begin with their sentences."""
        pool = self._sayable(pool_of(report.findings for report in self.conditions.reports))
        wholes = self._sayable(wholes_of(report.impression for report in self.conditions.reports))
        search = Search(pool)
        lines = JsonLines(self.folder / TEXTS)
        found = {each.told: each for each in self._known(lines, pool)}
        order = sorted(wanted, key=lambda told: (len(told.labels), -wanted[told], sorted(told.columns)))
        with progress("decisions", len(order), sum(told in found for told in order)) as advance:
            for number, told in enumerate(order):
                if told not in found:
                    found[told] = self._written(told, search, wholes, number, found)
                    lines.append(found[told].to_json())
                    advance()
        return {told: found[told] for told in order}

    def _sayable(self, sentences: Iterable[Sentence]) -> list[Sentence]:
        return [sentence for sentence in sentences if sentence.absent <= self.assessed]

    def _known(self, lines: JsonLines, pool: Sequence[Sentence]) -> Iterator[Written]:
        """What an earlier, interrupted run found. Raises InputError where it had other rules."""
        by_text = {sentence.text: sentence for sentence in pool}
        for row in lines.read():
            strays = [text for text in row["findings"] if text not in by_text]
            if strays:
                raise InputError(f"{lines.path}: holds sentences that are not to be said now; choose another output")
            said = tuple(by_text[text] for text in row["findings"])
            yield Written(Told.of(row["told"]), said, row["impression"], row["reports"], row["alike"])

    def _written(
        self, told: Told, search: Search, wholes: Sequence[Sentence], number: int, found: Mapping[Told, Written]
    ) -> Written:
        rng = np.random.default_rng((self.seed, number))
        reports, alike = self.conditions.alike(told, self.most, self.least, rng)
        near = min(found, key=lambda other: len(other.labels ^ told.labels), default=None)
        start = found[near].findings if near else ()
        again = self.again if alike >= self.least else 0
        text = search.best(told, [each.findings for each in reports], start, again, int(rng.integers(1 << 31)))
        return Written(told, text, _impression(told, text, wholes, reports), len(reports), alike)


def _impression(told: Told, text: Sequence[Sentence], wholes: Sequence[Sentence], reports: Sequence[Report]) -> str:
    """Of the impressions that name most of what the findings say the one most like the others."""
    crowd = crowd_of([report.impression for report in reports])
    named = tuple(sentence for sentence in text if sentence.present)
    fit = [each for each in wholes if each.suits(told) and bool(each.found) == bool(named)]
    if fit:
        return max(fit, key=lambda each: (len(each.present), crowd.likeness(each.text))).text
    return told_as(named)
