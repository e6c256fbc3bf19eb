"""Predictions and references, as lines, trace datasets or answers, to the pairs that the metrics asked for read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from radtrace.errors import InputError
from radtrace.metrics.pairs import Pair, pair_up, read_lines, stream_pairs
from radtrace.metrics.scoring import OF_ANSWERS, OF_TRACES

if TYPE_CHECKING:
    from radtrace.metrics.grounding import Traced


def is_dataset(path: Path) -> bool:
    """Whether a path is a trace dataset, a folder or its Parquet, rather than JSON Lines."""
    return path.is_dir() or path.suffix == ".parquet"


def read_texts(path: Path, split: str | None, section: str) -> Iterator[tuple[str, str | None]]:
    """(id, text) of JSON Lines, or of a section of a dataset's reports."""
    if not is_dataset(path):
        yield from read_lines(path)
        return
    from radtrace.build.reading import read_reports

    for name, report in read_reports(path, split):
        yield name, None if report is None else getattr(report, section)


@dataclass(frozen=True, slots=True)
class Sides:
    """What is to be paired. split, section: of trace datasets. names: the metrics, which decide what a pair holds."""

    preds: Path
    refs: Path
    split: str | None
    section: str
    names: tuple[str, ...]

    def pairs(self) -> Iterator[Pair]:
        """The pairs, in the order of the references. Raises InputError naming file and id of what cannot be paired."""
        if not OF_ANSWERS.isdisjoint(self.names):
            return self._answers()
        if not OF_TRACES.isdisjoint(self.names):
            return self._traces()
        if is_dataset(self.preds) or is_dataset(self.refs):
            predicted, wanted = (read_texts(path, self.split, self.section) for path in (self.preds, self.refs))
            return iter(pair_up(self.preds, predicted, self.refs, wanted))
        if self.split:
            raise InputError("--split: neither --preds nor --refs is a trace dataset")
        return stream_pairs(self.preds, self.refs)

    def pair(self, predicted: "Traced | None", reference: "Traced") -> Pair:
        """The pair of two traces."""
        from radtrace.metrics.grounding import trace_pair

        pictures, seen = "gen" in self.names, "sem" in self.names
        return trace_pair(predicted, reference, section=self.section, pictures=pictures, seen=seen)

    def _traces(self) -> Iterator[Pair]:
        from radtrace.build.reading import read_together

        for path in (self.preds, self.refs):
            if not is_dataset(path):
                asked = ", ".join(name for name in self.names if name in OF_TRACES)
                raise InputError(f"{path}: {asked}: of traces: both sides must be trace datasets")
        return (
            self.pair(predicted, reference) for predicted, reference in read_together(self.preds, self.refs, self.split)
        )

    def _answers(self) -> Iterator[Pair]:
        from radtrace.metrics.reasoning.of_answers import answer_pairs

        others = [name for name in self.names if name not in OF_ANSWERS]
        if others:
            raise InputError(f"--metrics: {others[0]} is of reports, not of answers: score them apart")
        return iter(answer_pairs(self.preds, self.refs))
