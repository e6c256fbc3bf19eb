"""The stage `consensus`: a dataset of traces that say of each study what most reports of studies decided alike say.

Reports of normal films differ in wording more than in content, so that a model of them, read out at its likeliest, says
what no film shows, and a sample of it is like few others. What is to be learnt is therefore settled before: of all that
can be composed of the radiologists' own sentences, what says the decided findings and denies no other decided one, says
nothing twice, and is on average most like the reports of studies of which the same would have been decided.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from radtrace import __version__
from radtrace.build.annotate import steps_of
from radtrace.build.case import Case
from radtrace.build.reading import Found, boxes_of, find_traces, read_reports, usual_boxes
from radtrace.build.shards import SCHEMA, Row, ShardWriter, to_row
from radtrace.errors import InputError
from radtrace.geometry import Box
from radtrace.records import Region, Report, Study, Trace
from radtrace.records import Stage as Provenance
from radtrace.reports import has_words
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically
from radtrace.train import Stage, Trained
from radtrace.train.bars import Bars
from radtrace.train.consensus.conditions import Conditions, conditions_of
from radtrace.train.consensus.search import Search, crowd_of, told_as
from radtrace.train.consensus.sentences import Sentence, Told, pool_of, wholes_of
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.stage import SKILL
from radtrace.train.sft.data.store import digest_of

SOURCE, TEXTS, INPUTS, FIGURES = "consensus", "texts.jsonl", "inputs.sha256", "figures.json"
_TOGETHER = 20


class ConsensusRecipe(Stage):
    """All settings of the stage.

    traces: what `radtrace build` made; train_split of it is told anew, val_split is copied. encoder: directory of the
        encoder whose skill says how often a decision is wrong. bars: when a reader decides that a finding is there.
    most, least: reports that a text is compared with. draws: of what would be decided of a study. again: climbs from
        the best text without some of its sentences, for decisions of which more than the least reports are.
    """

    kind: Literal["consensus"] = "consensus"
    traces: Path
    train_split: str = "train"
    val_split: str = "val"
    encoder: Path
    bars: Bars = Bars()
    most: PositiveInt = 600
    least: PositiveInt = 150
    draws: PositiveInt = 3
    again: int = Field(default=40, ge=0)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _two_splits(self) -> Self:
        if self.train_split == self.val_split:
            raise ValueError("val_split: is the one that is told anew")
        return self

    def train(self) -> Trained:
        """See `Stage.train`; the dataset is the run's folder itself."""
        with RunFolder(self.output, "train consensus", self):
            skill = Skill.load(self.encoder / SKILL)
            val = find_traces(self.traces, split=self.val_split)
            self._same_inputs(val)
            given = list(read_reports(self.traces, self.train_split))
            found = [
                (study, report)
                for study, report in given
                if report and has_words(f"{report.findings} {report.impression}")
            ]
            if not found:
                raise InputError(f"{self.traces}: no report in the split {self.train_split!r}")
            reports = [report for _, report in found]
            policy = self.bars.policy(skill)
            conditions = conditions_of(reports, skill, policy, self.draws, self.seed)
            decided = {study: conditions.of(number) for number, (study, _) in enumerate(found)}
            texts = _Writer(self, conditions, frozenset(policy.present)).texts(Counter(decided.values()))
            self._write({study: texts[each] for study, each in decided.items()}, val)
            figures = {
                "studies": len(found),
                "without_report": len(given) - len(found),
                "decisions": len(texts),
                "decisions_not_said_in_full": sum(bool(each.missing) for each in texts.values()),
                "findings_in_plain_words": _plainly(texts.values()),
            }
            write_atomically(self.output / FIGURES, json.dumps(figures, indent=1) + "\n")
            line = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
            return Trained(self.output, figures, line)

    def _same_inputs(self, val: Found) -> None:
        """Raises InputError where an earlier run of this folder had other traces or another encoder."""
        train = find_traces(self.traces, split=self.train_split)
        digest = digest_of([*(path for path, _ in (*train.places, *val.places)), self.encoder / SKILL])
        path = self.output / INPUTS
        if path.exists() and path.read_text() != digest:
            raise InputError(f"{self.output}: was begun with other traces or another encoder; choose another output")
        write_atomically(path, digest)

    def _write(self, texts: Mapping[str, "Written"], val: Found) -> None:
        data = self.output / "data"
        data.mkdir(exist_ok=True)
        for path, _ in val.places:
            shutil.copy(path, data / path.name)
        path = data / f"{self.train_split}-00000-of-00001.parquet"
        if path.exists():
            return
        rows = find_traces(self.traces, split=self.train_split, ids=list(texts))
        usual = usual_boxes(boxes_of(row.trace) for row in rows.rows())
        writer = ShardWriter(path)
        with progress("traces", rows.count) as advance:
            for group in _groups(_case(row, texts[row.trace.study_id], usual) for row in rows.rows()):
                writer.write(group)
                advance(group.num_rows)
        writer.close()


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
class _Writer:
    """assessed: the findings that a reader tells anything of; no other one is denied."""

    recipe: ConsensusRecipe
    conditions: Conditions
    assessed: frozenset[str]

    def texts(self, wanted: Mapping[Told, int]) -> dict[Told, Written]:
        """What is said of each; those with few findings first, since the others begin with their sentences."""
        pool = self._sayable(pool_of(report.findings for report in self.conditions.reports))
        wholes = self._sayable(wholes_of(report.impression for report in self.conditions.reports))
        search = Search(pool)
        lines = JsonLines(self.recipe.output / TEXTS)
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
        """What an earlier, interrupted run found."""
        by_text = {sentence.text: sentence for sentence in pool}
        for row in lines.read():
            said = tuple(by_text[text] for text in row["findings"])
            yield Written(Told.of(row["told"]), said, row["impression"], row["reports"], row["alike"])

    def _written(
        self, told: Told, search: Search, wholes: Sequence[Sentence], number: int, found: Mapping[Told, Written]
    ) -> Written:
        rng = np.random.default_rng((self.recipe.seed, number))
        reports, alike = self.conditions.alike(told, self.recipe.most, self.recipe.least, rng)
        near = min(found, key=lambda other: len(other.labels ^ told.labels), default=None)
        start = found[near].findings if near else ()
        again = self.recipe.again if alike >= self.recipe.least else 0
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


def _case(row: Row, written: Written, usual: Mapping[str, Box]) -> Case:
    """A study's trace with other words. usual: boxes of the regions that the trace itself does not place."""
    old = row.trace
    known = {region.name: region for step in old.steps for region in step.regions}
    mostly = {name: Region(name=name, box=box, view_id=old.view.id, origin="localizer") for name, box in usual.items()}
    report = Report(findings=told_as(written.findings), impression=written.impression)
    detail = (
        f"words most like {written.reports} reports, {written.alike} of studies decided alike; regions that the own "
        "report does not name are where they mostly are"
    )
    provenance = (*old.provenance, Provenance(name="consensus", version=__version__, detail=detail))
    trace = Trace(
        study_id=old.study_id,
        view=old.view,
        steps=steps_of(report, mostly | known),
        report=report,
        provenance=provenance,
    )
    study = Study(id=old.study_id, source=SOURCE, views=(old.view,), report=report, labels=row.labels)
    return Case(study, trace, row.film_png, (None,) * len(trace.steps))


def _groups(cases: Iterable[Case]) -> Iterator[Any]:
    import pyarrow as pa

    group: list[Case] = []
    for case in cases:
        group.append(case)
        if len(group) == _TOGETHER:
            yield pa.Table.from_pylist([to_row(each) for each in group], SCHEMA)
            group = []
    if group:
        yield pa.Table.from_pylist([to_row(each) for each in group], SCHEMA)


def _plainly(texts: Iterable[Written]) -> float:
    """The share of the sentences that find something which no radiologist wrote."""
    saying = [sentence for each in texts for sentence in each.findings if sentence.present]
    return round(sum(not sentence.count for sentence in saying) / max(1, len(saying)), 3)


def told_in(report: Report) -> str:
    """Both sections of a report."""
    return f"{report.findings} {report.impression}"
