"""The stage `consensus`: a dataset of traces that say of each study what most reports of studies decided alike say.

Reports of normal films differ in wording more than in content, so that a model of them, read out at its likeliest, says
what no film shows, and a sample of it is like few others. What is to be learnt is therefore settled before: of all that
can be composed of the radiologists' own sentences, what says the decided findings and denies no other decided one, says
nothing twice, and is on average most like the reports of studies of which the same would have been decided.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from radtrace.build.reading import Found, boxes_of, find_traces, read_reports, usual_boxes
from radtrace.build.shards import ShardWriter
from radtrace.decode.choosing.told import Told
from radtrace.errors import InputError
from radtrace.reports import has_words
from radtrace.runs import RunFolder, progress, write_atomically
from radtrace.train import Stage, Trained
from radtrace.train.bars import Bars
from radtrace.train.consensus.conditions import Conditions, conditions_of
from radtrace.train.consensus.rows import case_of, tables_of
from radtrace.train.consensus.texts import Writer, Written
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.stage import SKILL
from radtrace.train.sft.data.store import digest_of

INPUTS, FIGURES = "inputs.sha256", "figures.json"


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
            texts = self._texts(conditions, frozenset(policy.present), Counter(decided.values()))
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

    def _texts(
        self, conditions: Conditions, assessed: frozenset[str], wanted: Mapping[Told, int]
    ) -> dict[Told, Written]:
        writer = Writer(self.output, conditions, assessed, self.most, self.least, self.again, self.seed)
        return writer.texts(wanted)

    def _same_inputs(self, val: Found) -> None:
        """Raises InputError where an earlier run of this folder had other traces or another encoder."""
        train = find_traces(self.traces, split=self.train_split)
        digest = digest_of([*(path for path, _ in (*train.places, *val.places)), self.encoder / SKILL])
        path = self.output / INPUTS
        if path.exists() and path.read_text() != digest:
            raise InputError(f"{self.output}: was begun with other traces or another encoder; choose another output")
        write_atomically(path, digest)

    def _write(self, texts: Mapping[str, Written], val: Found) -> None:
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
            for group in tables_of(case_of(row, texts[row.trace.study_id], usual) for row in rows.rows()):
                writer.write(group)
                advance(group.num_rows)
        writer.close()


def _plainly(texts: Iterable[Written]) -> float:
    """The share of the sentences that find something which no radiologist wrote."""
    saying = [sentence for each in texts for sentence in each.findings if sentence.present]
    return round(sum(not sentence.count for sentence in saying) / max(1, len(saying)), 3)
