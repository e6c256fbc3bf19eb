"""The models of a table: score files, and what is to be said of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radtrace.config import Settings, load_recipe
from radtrace.errors import InputError
from radtrace.evaluate.scored import Scored, read_scored


class Run(Settings):
    """One model on one split. scores: its score file. The others are words that a table shows."""

    scores: Path
    model: str
    split: str = ""
    group: str = ""
    params: str = ""
    domain: str = ""
    strategy: str = ""


class Runs(Settings):
    """A TOML file of [[runs]]."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run with its scores read. count: samples that any metric scored; failures: those that the model failed on."""

    about: Run
    scored: Scored
    count: int
    failures: int

    @property
    def title(self) -> str:
        """What the block that it stands in is called."""
        return " - ".join(part for part in (self.about.split, self.about.group) if part)


def read_runs(arguments: Sequence[str]) -> list[ScoredRun]:
    """Runs as the command line names them: a score FILE, MODEL=FILE, MODEL@SPLIT=FILE, or a TOML file of [[runs]]."""
    runs: list[Run] = []
    for argument in arguments:
        runs += load_recipe(Path(argument), Runs).runs if argument.endswith(".toml") else [_run(argument)]
    return [_scored(run, read_scored(run.scores)) for run in runs]


def by_stratum(runs: Sequence[ScoredRun], key: str) -> list[ScoredRun]:
    """Each run once for each of its strata, which takes the place of the split.

    Raises:  InputError where a file has no such stratum.
    """
    found: list[tuple[str, ScoredRun]] = []
    for run in runs:
        levels = dict.fromkeys(level for strata in run.scored.strata for level in strata.get(key, ()))
        if not levels:
            raise InputError(f"{run.scored.path}: no stratum {key!r}")
        for level in levels:
            split = ", ".join(part for part in (run.about.split, f"{key}: {level}") if part)
            about = run.about.model_copy(update={"split": split})
            found.append((split, _scored(about, run.scored.in_stratum(key, level))))
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def _run(argument: str) -> Run:
    name, separator, path = argument.rpartition("=")
    if separator and not name:
        raise InputError(f"{argument!r}: no name before '='; write MODEL=FILE")
    model, _, split = name.partition("@")
    file = Path(path)
    return Run(scores=file, model=model or file.name.removesuffix(".jsonl").removesuffix(".scores"), split=split)


def _scored(about: Run, scored: Scored) -> ScoredRun:
    used = np.any([metric.scored for metric in scored.metrics.values()], axis=0) if scored.metrics else scored.failed
    return ScoredRun(about, scored, int(used.sum()), int(scored.failed.sum()))
