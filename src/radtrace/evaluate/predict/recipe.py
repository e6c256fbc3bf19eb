"""What `radtrace predict` can be told."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PositiveInt, SerializeAsAny, model_validator

from radtrace.config import Recipe
from radtrace.reader import BUNDLED, Manner
from radtrace.records import SplitName
from radtrace.sources import Source, open_source


class PredictRecipe(Recipe):
    """A model and what it is to read.

    output: the run's folder. model: see `radtrace.reader.load_reader`. manner: how it reads.
    source: where studies and films come from. dataset: a folder that `radtrace build` made, or one of its files: its
        studies are read, from its own films where no source is given. split: of it.
    limit: at most so many studies, the first ones. together: studies that share forward passes.
    max_failed: largest part of the studies that may fail; the run stops when it can no longer be kept.
    """

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"output", "together", "max_failed"})

    output: Path
    model: str = BUNDLED
    manner: Manner = Manner()
    source: Annotated[SerializeAsAny[Source], BeforeValidator(open_source)] | None = None
    dataset: Path | None = None
    split: SplitName | None = None
    limit: PositiveInt | None = None
    together: PositiveInt = 8
    max_failed: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _something_to_read(self) -> "PredictRecipe":
        if self.source is None and self.dataset is None:
            raise ValueError("source or dataset: neither says what is to be read")
        if self.split and not self.dataset:
            raise ValueError("split: is of a dataset; a source has settings of its own")
        return self
