"""Training stages: each is a recipe with a `kind`, worked in a run folder in which a killed run goes on."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, PositiveInt

from radtrace.config import Recipe, Settings


@dataclass(frozen=True, slots=True)
class Trained:
    """What a stage made. path: the checkpoint's folder; figures: on val, JSON-ready; line: of them, for people."""

    path: Path
    figures: dict[str, Any]
    line: str


class AnyStage(Settings):
    """What every stage's recipe says, whatever else it does. kind: a name of `radtrace.cli.train.STAGES`."""

    model_config = ConfigDict(extra="ignore")

    kind: str


class Stage(Recipe):
    """All settings of one training stage. output: the run's folder. threads: cores that a step uses."""

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output", "threads"})

    kind: str
    output: Path
    threads: PositiveInt = 2

    @abstractmethod
    def train(self) -> Trained:
        """Train, or go on with a run that was interrupted. Raises InputError."""
