"""`radtrace build`: studies to a dataset of interleaved traces (MMRad-IVL Sec. 2.1, with rules in place of its models).

The studies are worked in chunks. Each chunk's traces are a Parquet file under `parts/` and then a line of the ledger;
when all chunks are there the split is drawn and the rows are copied into `data/`. A killed build goes on at the first
chunk that the ledger lacks.
"""

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from radtrace.build.card import MANIFEST, check_files, write_description
from radtrace.build.ledger import Ledger, Traced
from radtrace.build.recipe import BuildRecipe
from radtrace.build.shards import route
from radtrace.build.split import assign
from radtrace.build.workers import part_path, worked
from radtrace.errors import FailureRateError, InputError
from radtrace.localize.weights import fingerprint
from radtrace.records import Rejected, Study
from radtrace.runs import RunFolder, progress, read_object, write_atomically

__all__ = ["BuildRecipe", "BuildResult", "build"]

_CHUNK_STUDIES = 8
"""Their films are in memory together, and are lost together by a kill."""
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
            studies = _without_doubles(recipe.source.studies())
            _check_same_inputs(recipe.output, studies)
            check_files(recipe.output)
            ledger = Ledger(recipe.output / "cases.jsonl")
            try:
                _trace_all(recipe, studies, ledger)
            finally:
                _write_rejected(recipe.output, ledger.rejected)
            return _assemble(recipe, ledger)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{error.filename or recipe.output}: {reason}; the same command goes on") from error


def _without_doubles(studies: Iterator[Study | Rejected]) -> list[Study | Rejected]:
    """Each id once: a source that yields an id twice is at fault, whatever it is."""
    found = list(studies)
    counts = Counter(study.id if isinstance(study, Study) else study.study_id for study in found)
    doubled = sorted(name for name, count in counts.items() if count > 1)
    if doubled:
        raise InputError(f"the source yields {len(doubled)} ids more than once, the first is {doubled[0]!r}")
    return found


def _check_same_inputs(output: Path, studies: Sequence[Study | Rejected]) -> None:
    """A run that goes on must find the studies and the localizer that it began with.

    Its chunks are counted from the first study; RADTRACE_WEIGHTS may name other weights than those of the package.
    """
    digest = hashlib.sha256("\n".join(study.model_dump_json() for study in studies).encode()).hexdigest()
    now = {"the source's studies": {"count": len(studies), "sha256": digest}, "the localizer's weights": fingerprint()}
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


def _trace_all(recipe: BuildRecipe, studies: Sequence[Study | Rejected], ledger: Ledger) -> None:
    parts = recipe.output / "parts"
    parts.mkdir(exist_ok=True)
    chunks = [studies[start : start + _CHUNK_STUDIES] for start in range(0, len(studies), _CHUNK_STUDIES)]
    todo = [number for number in range(len(chunks)) if number not in ledger.chunks]
    done = sum(len(entries) for entries in ledger.chunks.values())
    with progress("traces", total=len(studies), done=done) as advance:
        for chunk in worked(recipe, parts, [(number, chunks[number]) for number in todo]):
            ledger.add(chunk)
            advance(len(chunk.entries))
            _check_rate(recipe, len(ledger.rejected), len(studies))


def _check_rate(recipe: BuildRecipe, rejected: int, total: int) -> None:
    if rejected > recipe.max_rejected * total:
        raise FailureRateError(
            f"{recipe.output}: {rejected} of {total} studies rejected, more than max_rejected = {recipe.max_rejected}; "
            f"see {_REJECTED}"
        )


def _write_rejected(output: Path, rejected: Sequence[Rejected]) -> None:
    write_atomically(output / _REJECTED, "".join(f"{one.model_dump_json()}\n" for one in rejected))


def _assemble(recipe: BuildRecipe, ledger: Ledger) -> BuildResult:
    traced = [entry for entry in ledger.entries() if isinstance(entry, Traced)]
    if not traced:
        raise InputError(f"{recipe.output}: no study became a trace; see {_REJECTED}")
    sides, conflicts = assign([entry.member for entry in traced], recipe.split.model_dump(), recipe.seed)
    rejected = ledger.rejected + [
        Rejected(study_id=study_id, stage="split", reason=reason) for study_id, reason in conflicts.items()
    ]
    _write_rejected(recipe.output, rejected)
    _check_rate(recipe, len(rejected), len(traced) + len(ledger.rejected))
    splits = dict(sorted(Counter(sides.values()).items()))
    if not (recipe.output / MANIFEST).exists():
        _write_shards(recipe, ledger, sides, splits)
    kept = {entry.study_id: entry for entry in traced if entry.study_id in sides}
    leaks = write_description(recipe, kept, sides, rejected)
    shutil.rmtree(recipe.output / "parts")
    return BuildResult(recipe.output, splits, dict(sorted(Counter(one.stage for one in rejected).items())), leaks)


def _write_shards(recipe: BuildRecipe, ledger: Ledger, sides: dict[str, str], splits: dict[str, int]) -> None:
    data = recipe.output / "data"
    data.mkdir(exist_ok=True)
    for split, count in splits.items():
        parts = [
            (part_path(recipe.output / "parts", number), _rows_of(split, entries, sides))
            for number, entries in sorted(ledger.chunks.items())
        ]
        shards = -(-count // recipe.shard_rows)
        paths = [data / f"{split}-{shard:05d}-of-{shards:05d}.parquet" for shard in range(shards)]
        route(parts, paths, recipe.shard_rows)


def _rows_of(split: str, entries: Sequence[object], sides: dict[str, str]) -> list[int]:
    """Places, among a part's rows, of the traces of a split."""
    traced = [entry for entry in entries if isinstance(entry, Traced)]
    return [index for index, entry in enumerate(traced) if sides.get(entry.study_id) == split]
