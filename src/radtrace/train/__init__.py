"""Training stages: each is a recipe with a `kind`, worked in a run folder in which a killed run goes on."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from radtrace.config import Recipe


@dataclass(frozen=True, slots=True)
class Trained:
    """What a stage made. path: the checkpoint's folder; figures: on val, JSON-ready; line: of them, for people."""

    path: Path
    figures: dict[str, Any]
    line: str


class Stage(Recipe):
    """All settings of one training stage. output: the run's folder. threads: cores that a step uses."""

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output", "threads"})

    kind: str
    output: Path
    threads: int = 2

    @abstractmethod
    def train(self) -> Trained:
        """Train, or go on with a run that was interrupted. Raises InputError."""
