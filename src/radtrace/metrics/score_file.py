"""Writing the per-sample score file: a header, and a line a sample with its values and sufficient statistics."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np

from radtrace.errors import InputError
from radtrace.metrics.corpora import to_spec
from radtrace.metrics.pairs import Pair
from radtrace.metrics.scores import Score
from radtrace.metrics.scoring import Scored
from radtrace.runs import publish

Strata = Mapping[str, Mapping[str, Any]]
"""id -> key -> a value, or a list of values, of that sample."""


class ScoreFile:
    """A score file that appears under its name when `finish` is called, whole or not at all.

    The lines are kept beside it until then, since the header says how many there are and what they sum up to.
    """

    def __init__(self, path: Path, strata: Strata | None = None) -> None:
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")
        self._path = path
        self._strata = strata or {}
        self._body = path.with_name(f".{path.name}.body")
        self._whole = path.with_name(f".{path.name}.part")
        self._file = self._body.open("w", encoding="utf-8")
        self._corpora: dict[str, dict[str, Any]] = {}
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        for path in (self._body, self._whole):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def add(self, pairs: Sequence[Pair], scores: Sequence[Score]) -> None:
        """One line a pair of a chunk; every chunk has the same scores."""
        rows: dict[str, list[list[float]]] = {}
        for score in scores:
            spec = to_spec(score.corpus)
            if spec and score.statistics is not None:
                self._corpora[score.name] = spec
                rows[score.name] = score.statistics.tolist()
        for place, pair in enumerate(pairs):
            line = {
                "id": pair.id,
                "failed": pair.scored and pair.failed,
                "strata": self._strata.get(pair.id, {}),
                "scores": {score.name: score.per_sample[place] for score in scores},
                "statistics": {name: [_short(number) for number in each[place]] for name, each in rows.items()},
            }
            self._file.write(_json(line))
        self._count += len(pairs)

    def finish(self, result: Scored) -> None:
        """Write the header and the lines, and give the file its name."""
        self._file.close()
        header = {
            "radtrace": "scores",
            "n": self._count,
            "failed": result.failed,
            "signatures": result.signatures,
            "corpora": self._corpora,
            "values": result.scores,
        }
        with self._whole.open("wb") as whole, self._body.open("rb") as body:
            whole.write(_json(header).encode())
            shutil.copyfileobj(body, whole)
            whole.flush()
            os.fsync(whole.fileno())
        publish(self._whole, self._path)


def _short(number: float) -> float:
    """Counts as whole numbers, which are half as long."""
    return int(number) if number.is_integer() else number


def _json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, separators=(",", ":"), allow_nan=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    """Numbers and lists of numpy as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot stand in a score file")
