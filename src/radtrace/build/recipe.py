"""What `radtrace build` can be told."""

import os
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, SerializeAsAny, model_validator

from radtrace.build.labels import LabelTemplate
from radtrace.build.pictures import Picture
from radtrace.config import Recipe, Settings
from radtrace.sources import Source, open_source


class SplitFractions(Settings):
    """How studies that the source put in no split are shared out; the three add up to 1."""

    train: float = Field(default=0.8, ge=0, le=1)
    val: float = Field(default=0.1, ge=0, le=1)
    test: float = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _add_up(self) -> "SplitFractions":
        if abs(self.train + self.val + self.test - 1) > 1e-9:
            raise ValueError(f"train + val + test is {self.train + self.val + self.test}, not 1")
        return self


class BuildRecipe(Recipe):
    """Studies to traces.

    output: the run's folder. source: where studies come from. seed: of the split. picture: of a step's box.
    label_template: the sentence, with {label} and {regions}, that a finding which the source states becomes in a study
        without a report; unless it is given, such a study is rejected.
    max_rejected: largest part of the studies that may be rejected; the run stops when it can no longer be kept.
    shard_rows: traces a Parquet file. workers: processes; one a core unless stated.
    stall_seconds: how long a worker may go without finishing a step of its work before it is taken to hang.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output", "workers", "stall_seconds"})

    output: Path
    source: Annotated[SerializeAsAny[Source], BeforeValidator(open_source)]
    split: SplitFractions = SplitFractions()
    picture: Picture = Picture()
    label_template: LabelTemplate | None = None
    seed: int = 0
    max_rejected: float = Field(default=0.5, ge=0, le=1)
    shard_rows: PositiveInt = 1000
    workers: PositiveInt = Field(default_factory=lambda: os.cpu_count() or 1)
    stall_seconds: PositiveFloat = 300.0
