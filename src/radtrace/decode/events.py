"""What a trace tells while it is being written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step has named its place. number: from 0; place: region names as the dialect writes them."""

    number: int
    place: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """More text. part: of the step or the conclusion."""

    part: Literal["findings", "words", "report", "answer"]
    text: str


@dataclass(frozen=True, slots=True)
class BoxWritten:
    """A step's box, as the dialect writes it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class PictureWritten:
    """A step's picture. codes: of the image tokenizer, rows x columns."""

    number: int
    codes: tuple[int, ...]
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class CutOff:
    """A part reached the budget and was closed there. part: "steps" where no more of them fitted."""

    part: Literal["steps", "findings", "words", "report", "answer"]


Event: TypeAlias = StepStarted | Wrote | BoxWritten | PictureWritten | CutOff
Listen: TypeAlias = Callable[[Event], None]
