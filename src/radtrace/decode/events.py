"""What a trace tells while it is being written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from radtrace.decode.easel import Easel


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step has named its place. number: from 0; place: region names as the dialect writes them."""

    number: int
    place: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """More text, without the marks around it; a decision is told when it is whole."""

    part: Literal["findings", "words", "report", "answer"]
    text: str


@dataclass(frozen=True, slots=True)
class BoxWritten:
    """A step's box, as the dialect writes it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class PictureWritten:
    """A step's picture. codes: of the image tokenizer, row by row, as many as its easel holds."""

    number: int
    codes: tuple[int, ...]
    easel: Easel


@dataclass(frozen=True, slots=True)
class CutOff:
    """A part reached the budget and was closed there. part: "steps" where no more of them fitted."""

    part: Literal["steps", "place", "findings", "words", "report", "answer"]


Event: TypeAlias = StepStarted | Wrote | BoxWritten | PictureWritten | CutOff
Listen: TypeAlias = Callable[[Event], None]
