"""`radtrace build`: studies to a dataset of interleaved traces (MMRad-IVL Sec. 2.1, with rules in place of its models).

The studies are written to `parts/` and worked in chunks by worker processes. Each chunk's traces are a file under
`parts/` and then a line of the ledger; when all chunks are there the split is drawn and the rows are copied into
`data/`. A killed build goes on with the chunks that the ledger lacks. No more than a few chunks are in memory.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from radtrace.build.card import MANIFEST, check_files, statistics_of, write_description
from radtrace.build.crew import prepare, worked
from radtrace.build.ledger import Ledger
from radtrace.build.messages import Task
from radtrace.build.parts import part_path, write_shard
from radtrace.build.recipe import BuildRecipe
from radtrace.build.split import Member, assign
from radtrace.build.spool import Spool
from radtrace.errors import FailureRateError, InputError
from radtrace.records import Rejected
from radtrace.runs import RunFolder, progress, read_object, write_atomically

__all__ = ["BuildRecipe", "BuildResult", "build"]

_CHUNK_STUDIES = 8
"""They are lost together by a kill."""
_REJECTED = "rejected.jsonl"
_INPUTS = "inputs.json"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made. splits: traces a split; rejected: studies a stage; leaks: see `radtrace.build.leakage`."""

    path: Path
    splits: dict[str, int]
    rejected: dict[str, int]
    leaks: dict[str, int]

    @property
    def traces(self) -> int:
        """Traces in all."""
        return sum(self.splits.values())


def build(recipe: BuildRecipe) -> BuildResult:
    """Build a dataset, or go on with one that was interrupted.

    Raises:  InputError where the source or the output cannot be used; FailureRateError where more studies are rejected
             than `max_rejected` allows (`rejected.jsonl` then says which and why).
    """
    try:
        with RunFolder(recipe.output, "build", recipe):
            check_files(recipe.output)
            if not (recipe.output / MANIFEST).exists():
                prepare(localizer=not recipe.source.KNOWS_REGIONS)
            weights = _weights()
            parts = recipe.output / "parts"
            parts.mkdir(exist_ok=True)
            spool = Spool.write(parts / "studies.jsonl", recipe.source.studies())
            _check_same_inputs(recipe.output, spool, weights and weights[1])
            ledger = Ledger(recipe.output / "cases.jsonl")
            try:
                _trace_all(Task(recipe, parts, spool.path, weights, Path.cwd()), spool, ledger)
            finally:
                _write_rejected(recipe.output, ledger.rejected)
            return _assemble(recipe, ledger)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{error.filename or recipe.output}: {reason}; the same command goes on") from error


def _weights() -> tuple[Path, str] | None:
    """The localizer's file and its digest; None where none is installed, which only matters once a film needs it."""
    from radtrace.localize.weights import find, fingerprint  # slow, and the workers' own start goes on meanwhile

    digest = fingerprint()
    return (find(), digest) if digest else None


def _check_same_inputs(output: Path, spool: Spool, weights: str | None) -> None:
    """A run that goes on must find the studies and the localizer that it began with.

    Its chunks are counted from the first study; RADTRACE_WEIGHTS may name other weights than those of the package.
    """
    now = {
        "the source's studies": {"count": len(spool), "sha256": spool.sha256},
        "the localizer's weights": weights,
    }
    path = output / _INPUTS
    if not path.exists():
        write_atomically(path, json.dumps(now, indent=2) + "\n")
        return
    before = read_object(path)
    changed = [name for name, value in now.items() if before.get(name) != value]
    if changed:
        raise InputError(
            f"{output}: {' and '.join(changed)} have changed since this run began; "
            "choose another output or delete the folder"
        )


def _trace_all(task: Task, spool: Spool, ledger: Ledger) -> None:
    pieces = ledger.missing(len(spool), _CHUNK_STUDIES)
    with progress("traces", total=len(spool), done=ledger.done) as advance:
        for chunk in worked(task, spool, pieces, task.recipe.workers):
            ledger.add(chunk)
            advance(len(chunk.entries))
            _check_rate(task.recipe, ledger.refused, len(spool))


def _check_rate(recipe: BuildRecipe, rejected: int, total: int) -> None:
    if rejected > recipe.max_rejected * total:
        raise FailureRateError(
            f"{recipe.output}: {rejected} of {total} studies rejected, more than max_rejected = {recipe.max_rejected}; "
            f"see {_REJECTED}"
        )


def _write_rejected(output: Path, rejected: Sequence[Rejected]) -> None:
    write_atomically(output / _REJECTED, "".join(f"{one.model_dump_json()}\n" for one in rejected))


def _assemble(recipe: BuildRecipe, ledger: Ledger) -> BuildResult:
    members = sorted(((start, entry.member) for start, entry in ledger.traced()), key=itemgetter(0))
    if not members:
        raise InputError(f"{recipe.output}: no study became a trace; see {_REJECTED}")
    sides, conflicts = assign([member for _, member in members], recipe.split.model_dump(), recipe.seed)
    rejected = ledger.rejected + [
        Rejected(study_id=study_id, stage="split", reason=reason) for study_id, reason in conflicts.items()
    ]
    _write_rejected(recipe.output, rejected)
    _check_rate(recipe, len(rejected), len(members) + ledger.refused)
    splits = dict(sorted(Counter(sides.values()).items()))
    if not (recipe.output / MANIFEST).exists():
        _write_shards(recipe, members, sides, splits)
    kept = (entry for _, entry in ledger.traced() if entry.study_id in sides)
    leaks = write_description(recipe, statistics_of(kept, sides, rejected))
    shutil.rmtree(recipe.output / "parts")
    return BuildResult(recipe.output, splits, dict(sorted(Counter(one.stage for one in rejected).items())), leaks)


def _write_shards(
    recipe: BuildRecipe, members: Sequence[tuple[int, Member]], sides: Mapping[str, str], splits: Mapping[str, int]
) -> None:
    """The rows of each split, in the source's order, in files of `shard_rows` rows (the last may have fewer)."""
    data = recipe.output / "data"
    data.mkdir(exist_ok=True)
    rows: dict[str, list[tuple[int, int]]] = {split: [] for split in splits}
    in_part = Counter[int]()
    for start, member in members:
        if member.study_id in sides:
            rows[sides[member.study_id]].append((start, in_part[start]))
        in_part[start] += 1
    jobs = []
    for split, places in rows.items():
        shards = -(-len(places) // recipe.shard_rows)
        for shard in range(shards):
            path = data / f"{split}-{shard:05d}-of-{shards:05d}.parquet"
            jobs.append((path, _by_part(recipe, places[shard * recipe.shard_rows :][: recipe.shard_rows])))
    with ThreadPoolExecutor(recipe.workers) as pool:
        list(pool.map(write_shard, *zip(*jobs, strict=True)))


def _by_part(recipe: BuildRecipe, places: Sequence[tuple[int, int]]) -> list[tuple[Path, list[int]]]:
    """Rows as (start of the chunk, place in its part), by the part's file."""
    return [
        (part_path(recipe.output / "parts", start), [index for _, index in group])
        for start, group in groupby(places, key=itemgetter(0))
    ]
