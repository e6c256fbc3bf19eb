"""What a model is shown before it writes: room for what the films say, the film's codes, and what it is asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from radtrace.dialects.canonical import Canonical
from radtrace.models.vocabulary import BEGIN_IMAGE, END_IMAGE
from radtrace.models.words import BEGIN, END, FILM, Words

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

    from radtrace.models.vocabulary import ImageVocabulary

ASKED = f"\n{Canonical.instruction}\n"
"""What a checkpoint without facts is asked for, after its films, when it learns and when it reads."""
NO_CELL = -1
_MARK = re.compile(r"(</?image>)")


class Tokens(NamedTuple):
    """ids: of tokens; cells: of the same number, the film's code where the next token draws, or `NO_CELL`."""

    ids: list[int]
    cells: list[int]

    def __add__(self, other: "Tokens") -> "Tokens":  # type: ignore[override]
        """These, then the others."""
        return Tokens(self.ids + other.ids, self.cells + other.cells)


_SHORTENED = "..."


@dataclass(frozen=True, slots=True)
class Wording:
    """How a model's prompts and traces become tokens.

    glances: embeddings that tell what the films say; grid: the film's cells a side. asked: ends a prompt with a film.
    Raises:  ValueError where the words lack a mark.
    """

    words: "Tokenizer"
    images: "ImageVocabulary"
    glances: int
    grid: int
    asked: str = ""
    _exact: Words | None = field(init=False, repr=False, default=None)
    _marks: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = (BEGIN, END, BEGIN_IMAGE, END_IMAGE, *((FILM,) if self.glances else ()))
        marks = {name: self.words.token_to_id(name) for name in names}
        missing = [name for name, token in marks.items() if token is None]
        if missing:
            raise ValueError(f"the words lack {missing[0]!r}")
        object.__setattr__(self, "_marks", marks)
        if self.asked:  # a tokenizer that is not our own may write more than it is given
            object.__setattr__(self, "_exact", Words(self.words, self.images.reserved))

    @property
    def end(self) -> int:
        """The token after a trace."""
        return self._marks[END]

    def prompt(self, film: "Tensor | None", *, shortened: bool = False) -> Tokens:
        """What stands before a trace.

        film: codes (grid, grid) of the frontal view, where pictures are drawn. shortened: whether the trace is what is
        left of a longer report, which a model learns to tell from a whole one; it is asked for whole ones.
        """
        shown = Tokens(
            [self._marks[BEGIN], *(self._marks[FILM] for _ in range(self.glances))], [NO_CELL] * (1 + self.glances)
        )
        if film is not None:
            shown += self._framed(film.flatten().tolist(), [NO_CELL] * (film.numel() + 2)) + self.text(self.asked)
        return shown + self.text(_SHORTENED) if shortened else shown

    def text(self, text: str) -> Tokens:
        """Text of a trace; the marks around a picture are the tokens of the image vocabulary."""
        marks = {"<image>": self._marks[BEGIN_IMAGE], "</image>": self._marks[END_IMAGE]}
        ids: list[int] = []
        for part in _MARK.split(text):
            ids += [marks[part]] if part in marks else self._encoded(part)
        return Tokens(ids, [NO_CELL] * len(ids))

    def _encoded(self, text: str) -> list[int]:
        if self._exact:
            return self._exact.encode(text)
        ids: list[int] = self.words.encode(text, add_special_tokens=False).ids
        return ids

    def picture(self, codes: Sequence[int], cells: Sequence[int]) -> Tokens:
        """A step's picture with its marks. codes: of the image tokenizer; cells: the film's own where they draw.

        A token is told the one of the token that comes after it.
        """
        return self._framed(codes, [*cells, NO_CELL, NO_CELL])

    def _framed(self, codes: Sequence[int], cells: list[int]) -> Tokens:
        import torch

        ids = self.images.ids_of(torch.tensor(codes, dtype=torch.long)).tolist()
        return Tokens([self._marks[BEGIN_IMAGE], *ids, self._marks[END_IMAGE]], cells)
