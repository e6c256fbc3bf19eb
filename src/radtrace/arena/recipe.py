"""What `radtrace arena judge` can be told."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from radtrace.config import Recipe, Settings
from radtrace.errors import InputError
from radtrace.llm import AskSettings, ClientSettings, Material


class RulesJudgeSettings(Settings):
    """Our finding extraction against the reference; nothing is sent anywhere."""

    kind: Literal["rules"]


class LlmJudgeSettings(Settings):
    """A chat model at the endpoint that the environment names.

    model: recorded with the run; that of the environment. material: what the texts are and by what right they are sent.
    """

    kind: Literal["llm"]
    material: Material
    model: str = ""
    ask: AskSettings = AskSettings()


class ArenaRecipe(Recipe):
    """Prediction files to battles.

    output: the run's folder. predictions: model -> JSON Lines {"id", "text"}. references: the same of the references.
    judge: who decides. sampling: "uniform" over pairs and studies, or "paper", eq. 7 of DeepMedix-R1. battles: how
        many; every pair over every study where there are no more. round: battles between two updates of eq. 7.
    max_failed: largest part of the battles that the judge may fail at.
    client: how the endpoint is asked.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output", "client", "max_failed"})

    output: Path
    predictions: dict[str, Path]
    references: Path
    judge: Annotated[RulesJudgeSettings | LlmJudgeSettings, Field(discriminator="kind")] = RulesJudgeSettings(
        kind="rules"
    )
    sampling: Literal["uniform", "paper"] = "uniform"
    battles: PositiveInt = 1000
    round: PositiveInt = 50
    seed: int = 0
    max_failed: float = Field(default=0.05, ge=0, le=1)
    client: ClientSettings = ClientSettings()

    @model_validator(mode="after")
    def _two_models(self) -> "ArenaRecipe":
        if len(self.predictions) < 2:
            raise ValueError("predictions: a battle needs two models")
        if any(not name.strip() for name in self.predictions):
            raise ValueError("predictions: a model has no name")
        return self

    def resolved(self) -> dict[str, Any]:
        """See `Recipe.resolved`; files count by their contents, wherever they lie."""
        files = {
            "predictions": {name: _digest(path) for name, path in self.predictions.items()},
            "references": _digest(self.references),
        }
        return super().resolved() | files


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
