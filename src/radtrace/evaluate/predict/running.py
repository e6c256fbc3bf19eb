"""One run: the studies that have no line yet are read, and each gets one."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from radtrace.build.case import Case
from radtrace.build.parts import PartWriter, part_path, write_shard
from radtrace.build.reading import read_reports
from radtrace.errors import FailureRateError, InputError
from radtrace.evaluate.predict.built import Built
from radtrace.evaluate.predict.recipe import PredictRecipe
from radtrace.images import encode_png
from radtrace.reader import Reader, Reading, load_reader
from radtrace.records import Rejected, Report, Study, Trace
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically
from radtrace.sources import Source

_PREDICTIONS, _REFERENCES, _REJECTED = "predictions.jsonl", "references.jsonl", "rejected.jsonl"
_SPLIT = "predicted"
"""Of studies whose source puts them in none."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a run made. read: studies; failed: by the stage at which they did; what the source refuses counts."""

    path: Path
    read: int
    failed: dict[str, int]


def predict(recipe: PredictRecipe) -> Predicted:
    """Read a dataset, or go on with a run that was interrupted.

    Raises:  InputError where the source, the model or the output cannot be used; FailureRateError where more studies
             fail than `max_failed` allows.
    """
    with RunFolder(recipe.output, "predict", recipe):
        run = _Run(recipe)
        run.describe()
        run.fail_missing()
        run.check_rate()  # not only as failures come: a run that stopped stays stopped when it is repeated
        if run.left:
            with replace(load_reader(recipe.model, recipe.manner), together=recipe.together) as reader:
                run.read(reader)
        run.assemble()
        return Predicted(recipe.output, sum(run.rows.values()), dict(sorted((run.failed + run.refused).items())))


@dataclass
class _Run:
    """rows: of each study that has a line, whether it is a trace. failed: lines without one, by stage."""

    recipe: PredictRecipe
    rows: dict[str, bool] = field(init=False)
    failed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rows = {}
        self._models: set[str] = set()
        for row in self._lines.read():
            self._note(row)

    @cached_property
    def source(self) -> Source:
        """Where films come from."""
        recipe = self.recipe
        return recipe.source or Built(root=recipe.dataset or Path(), split=recipe.split)

    @cached_property
    def wanted(self) -> dict[str, Report | None] | None:
        """Study -> report, where a dataset says which of the source's studies are read; None where all are."""
        recipe = self.recipe
        if not (recipe.dataset and recipe.source):
            return None
        return dict(islice(read_reports(recipe.dataset, recipe.split), recipe.limit))

    @cached_property
    def everything(self) -> list[Study | Rejected]:
        """What the source gives, as far as it is asked for, and what it lacks."""
        given = list(self.source.studies())
        if self.wanted is None:
            return given
        given = [one for one in given if _id(one) in self.wanted]
        lacking = self.wanted.keys() - set(map(_id, given))
        return [*given, *(_lacking(name) for name in self.wanted if name in lacking)]

    @cached_property
    def studies(self) -> list[Study]:
        """What is to be read. Raises InputError where it is nothing, or a study is there twice."""
        studies = [one for one in self.everything if isinstance(one, Study)][: self.recipe.limit]
        doubled = [name for name, count in Counter(one.id for one in studies).items() if count > 1]
        if doubled or not studies:
            raise InputError(
                f"{self.source.root}: " + (f"doubled id {doubled[0]!r}" if doubled else "no study to read")
            )
        return studies

    @cached_property
    def missing(self) -> dict[str, Rejected]:
        """The dataset's studies that the source refuses or lacks."""
        read = {study.id for study in self.studies}
        refused = {one.study_id: one for one in self.everything if isinstance(one, Rejected)}
        return {name: one for name, one in refused.items() if name in (self.wanted or ()) and name not in read}

    @property
    def left(self) -> list[Study]:
        """What has no line yet."""
        return [study for study in self.studies if study.id not in self.rows]

    @property
    def total(self) -> int:
        """Studies that get a line."""
        return len(self.studies) + len(self.missing)

    @property
    def refused(self) -> Counter[str]:
        """By stage, what the source refuses and has no line: no dataset names it, and it may be no study at all."""
        return Counter(one.stage for one in self.everything if isinstance(one, Rejected) and _id(one) not in self.rows)

    @property
    def _lines(self) -> JsonLines:
        return JsonLines(self.recipe.output / _PREDICTIONS)

    def describe(self) -> None:
        """Write what is beside the predictions."""
        refused = [one for one in self.everything if isinstance(one, Rejected)]
        write_atomically(self.recipe.output / _REJECTED, "".join(f"{one.model_dump_json()}\n" for one in refused))
        references = self.recipe.output / _REFERENCES
        references.unlink(missing_ok=True)
        wanted = self.wanted or {}
        reports = {one.id: one.report for one in self.studies} | {name: wanted[name] for name in self.missing}
        JsonLines(references).append(
            *({"id": name, "text": report.findings if report else None} for name, report in reports.items())
        )
        for name in ("parts", "pictures"):
            (self.recipe.output / name).mkdir(exist_ok=True)

    def fail_missing(self) -> None:
        """Give each study that the source refuses or lacks its line."""
        rows = [_failure(one) for name, one in self.missing.items() if name not in self.rows]
        self._lines.append(*rows)
        for row in rows:
            self._note(row)

    def read(self, reader: Reader) -> None:
        """Read what is left; each study's files and then its line are on the disk before the next one's."""
        model = reader.mind.name
        if others := self._models - {model}:
            raise InputError(
                f"{self.recipe.output}: was begun with the model {min(others)!r}, and this is {model!r}; "
                "choose another output or delete the folder"
            )
        numbers = {study.id: number for number, study in enumerate(self.studies)}
        by_id = {study.id: study for study in self.studies}
        with progress("studies", self.total, len(self.rows)) as advance:
            for outcome in reader.read_all(self.left, self.source):
                if isinstance(outcome, Reading):
                    row = self._kept(outcome, by_id[outcome.trace.study_id], numbers[outcome.trace.study_id])
                else:
                    row = _failure(outcome)
                row["model"] = model
                self._lines.append(row)
                self._note(row)
                advance(1)
                self.check_rate()

    def assemble(self) -> None:
        """The traces as a dataset, a file a split; made once, from the parts."""
        parts, data = self.recipe.output / "parts", self.recipe.output / "data"
        places: dict[str, list[tuple[Path, Sequence[int]]]] = defaultdict(list)
        for number, study in enumerate(self.studies):
            if self.rows.get(study.id):
                places[study.split or self.recipe.split or _SPLIT].append((part_path(parts, number), [0]))
        data.mkdir(exist_ok=True)
        for split, rows in places.items():
            path = data / f"{split}-00000-of-00001.parquet"
            if not path.exists():
                write_shard(path, rows)
        shutil.rmtree(parts)

    def _kept(self, reading: Reading, study: Study, number: int) -> dict[str, Any]:
        """Write the pictures and the part of a study; its line."""
        pngs = tuple(None if picture is None else encode_png(picture) for picture in reading.pictures)
        trace = _illustrated(reading.trace, number)
        for step, png in zip(trace.steps, pngs, strict=True):
            if step.image and png:
                (self.recipe.output / step.image.uri).write_bytes(png)
        with PartWriter(part_path(self.recipe.output / "parts", number)) as part:
            part.write(Case(study, trace, encode_png(reading.prepared.given.pixels), pngs))
        text = trace.report.findings if trace.report else trace.answer
        return {"id": study.id, "text": text, "trace": trace.model_dump(mode="json")}

    def _note(self, row: Mapping[str, Any]) -> None:
        self.rows[str(row["id"])] = "trace" in row
        if "trace" not in row:
            self.failed[str(row.get("stage"))] += 1
        if "model" in row:
            self._models.add(str(row["model"]))

    def check_rate(self) -> None:
        """Raise FailureRateError where more studies have failed than may."""
        failed = sum(self.failed.values())
        if failed > self.recipe.max_failed * self.total:
            raise FailureRateError(
                f"{self.recipe.output}: {failed} of {self.total} studies failed, more than max_failed = "
                f"{self.recipe.max_failed}; see {_PREDICTIONS}"
            )


def _id(one: Study | Rejected) -> str:
    return one.id if isinstance(one, Study) else one.study_id


def _lacking(name: str) -> Rejected:
    return Rejected(study_id=name, stage="source", reason="the dataset has this study, the source does not")


def _failure(rejected: Rejected) -> dict[str, Any]:
    """The line of a study that has no trace."""
    return {"id": rejected.study_id, "text": None, "stage": rejected.stage, "reason": rejected.reason}


def _illustrated(trace: Trace, number: int) -> Trace:
    """The trace with its images called by the files that they are written to."""
    steps = tuple(
        step.model_copy(update={"image": step.image.model_copy(update={"uri": f"pictures/{number:06d}-{place}.png"})})
        if step.image
        else step
        for place, step in enumerate(trace.steps, start=1)
    )
    return trace.model_copy(update={"steps": steps})
