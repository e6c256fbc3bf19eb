"""What a build and its worker processes say to each other."""

from dataclasses import dataclass
from pathlib import Path

from radtrace.build.recipe import BuildRecipe


@dataclass(frozen=True, slots=True)
class Task:
    """What is the same for all chunks.

    studies: the spool's file; weights: the localizer's file, and the `fingerprint`; folder: relative paths start there.
    """

    recipe: BuildRecipe
    parts: Path
    studies: Path
    weights: tuple[Path, str] | None
    folder: Path


@dataclass(frozen=True, slots=True)
class Job:
    """A chunk: `count` studies, from the one of number `start`, whose line in the spool begins at `offset`.

    alone: a study that is tried by itself, after the worker of its chunk was lost; every film is then decoded in a
    process of its own.
    """

    start: int
    count: int
    offset: int
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker takes jobs."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The worker goes on with its job."""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The job met an error of a kind that nobody foresaw. reason: its kind and place, nothing of the data."""

    reason: str
