"""What two models and their reference made of the same samples: traces of a dataset, or texts beside its films."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radtrace.build.reading import find_traces
from radtrace.build.shards import Row, read_rows, study_ids
from radtrace.errors import InputError
from radtrace.evaluate.scored import Scored
from radtrace.metrics.pairs import read_lines
from radtrace.records import Report, Trace


@dataclass(frozen=True, slots=True)
class Side:
    """One column of the sample viewer. rows, texts: by sample id; a side has the ones or the others."""

    name: str
    path: Path
    rows: dict[str, Row]
    texts: dict[str, str]

    def trace(self, sample: str, film: Row) -> tuple[Trace, tuple[bytes | None, ...]] | None:
        """The trace with its pictures; a text becomes the report of a trace without steps. None: it has neither."""
        if sample in self.rows:
            row = self.rows[sample]
            return row.trace, row.step_pngs
        if sample in self.texts:
            report = Report(findings=self.texts[sample])
            return Trace(study_id=sample, view=film.trace.view, steps=(), report=report), ()
        return None


def read_side(name: str, path: Path, samples: Collection[str]) -> Side:
    """Read what a side has of the samples: from a trace dataset, or from JSON Lines {"id", "text"}.

    Raises:  InputError naming a path that is neither, or has none of the samples.
    """
    rows: dict[str, Row] = {}
    texts: dict[str, str] = {}
    if path.is_file() and path.suffix == ".jsonl":
        texts = {sample: text for sample, text in read_lines(path) if sample in samples and text is not None}
    else:
        for shard, places in find_traces(path).places:
            studies = study_ids(shard)
            wanted = [place for place in places if studies[place] in samples]
            rows |= {row.trace.study_id: row for row in read_rows(shard, wanted)}
    if not rows and not texts:
        raise InputError(f"{path}: has none of the samples that were scored")
    return Side(name, path, rows, texts)


def film_of(sample: str, sides: Sequence[Side]) -> Row | None:
    """The first row of any side, which has the film."""
    return next((side.rows[sample] for side in sides if sample in side.rows), None)


def farthest(first: Scored, second: Scored, metric: str, limit: int) -> list[int]:
    """Places of the samples that differ most in a metric, the largest difference first; unscored ones last."""
    gaps = np.abs(second.metrics[metric].values - first.metrics[metric].values)
    return [int(place) for place in np.argsort(-np.nan_to_num(gaps, nan=-1.0), kind="stable")[:limit]]


def with_films(samples: Sequence[str], sides: Sequence[Side]) -> Iterator[tuple[str, Row]]:
    """The samples whose film is there.

    Raises:  InputError where no side has any film.
    """
    found = [(sample, film) for sample in samples if (film := film_of(sample, sides))]
    if not found:
        raise InputError(f"{sides[0].path}: no film; give a trace dataset with --traces as well")
    yield from found
