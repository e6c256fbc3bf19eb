"""The tokens of pictures in a unified model's vocabulary, as Chameleon and as Emu3 name and arrange them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

DIGITS = "ABCDEFGHIJ"
BEGIN_IMAGE, END_IMAGE, PLACEHOLDER = "<racm3:break>", "<eoss>", "<image>"
"""What Chameleon's vocabulary calls the tokens around a picture, and the one that stands for a picture's codes."""


def code_name(code: int) -> str:
    """What Chameleon's vocabulary calls a code: 107 is IMGIMGBAHZ, its digits written as letters."""
    return "IMGIMG" + "".join(DIGITS[int(digit)] for digit in str(code)) + "Z"


class ImageVocabulary:
    """Codes of the image tokenizer <-> token ids of the model, of which there are `size`.

    A picture is written row by row: `opening`, its codes with `row_end` after each row, `closing`.
    begin, end: ids of the tokens around a picture, None where the vocabulary has none. reserved: ids that are no text.

    Raises:  ValueError where the vocabulary lacks a code, or has one that the codebook or the model lacks.
    """

    names: tuple[str, str] = (BEGIN_IMAGE, END_IMAGE)
    row_end: tuple[int, ...] = ()

    def __init__(
        self, vocabulary: Mapping[str, int], codes: int, size: int, name: Callable[[int], str] = code_name
    ) -> None:
        missing = [code for code in range(codes) if name(code) not in vocabulary]
        if missing:
            raise ValueError(f"the vocabulary lacks {len(missing)} of {codes} image codes, code {missing[0]} first")
        if name(codes) in vocabulary:
            raise ValueError(f"the vocabulary has image codes that the codebook of {codes} lacks, code {codes} first")
        beyond = next((each for each, token in vocabulary.items() if not 0 <= token < size), None)
        if beyond is not None:
            raise ValueError(f"{beyond!r} is token {vocabulary[beyond]} of the vocabulary, and the model has {size}")
        import torch

        self.ids = torch.tensor([vocabulary[name(code)] for code in range(codes)])
        self.codes = torch.full((size,), -1)
        self.codes[self.ids] = torch.arange(codes)
        self.begin, self.end = (vocabulary.get(mark) for mark in self.names)
        self._marks = {vocabulary[mark] for mark in (*self.names, PLACEHOLDER) if mark in vocabulary}

    @property
    def reserved(self) -> frozenset[int]:
        """Ids of codes and of the marks around and for pictures."""
        return frozenset(self.ids.tolist()) | self._marks

    def ids_of(self, codes: "Tensor") -> "Tensor":
        """Token ids of codes, same shape."""
        return self.ids.to(codes.device)[codes]

    def codes_of(self, ids: "Tensor") -> "Tensor":
        """Codes of token ids, same shape; -1 for what is no image token."""
        return self.codes.to(ids.device)[ids]

    def opening(self, rows: int, columns: int) -> list[int]:
        """What stands before the codes of a picture of so many rows and columns."""
        del rows, columns  # Chameleon's pictures are squares of a size that the model knows
        return [_known(self.begin, self.names[0])]

    def closing(self) -> list[int]:
        """What stands after a picture's last row."""
        return [_known(self.end, self.names[1])]

    def written(self, codes: "Tensor") -> list[int]:
        """A whole picture of codes (rows, columns)."""
        rows, columns = codes.shape
        lines = [[*row, *self.row_end] for row in self.ids_of(codes).tolist()]
        return [*self.opening(rows, columns), *(token for line in lines for token in line), *self.closing()]


def emu3_code_name(code: int) -> str:
    """What Emu3's vocabulary calls a code."""
    return f"<|visual token {code:06d}|>"


class RowedVocabulary(ImageVocabulary):
    """Emu3's: a picture tells its size, `32*24`, before its codes, and each row ends with a token.

    Raises:  ValueError also where the vocabulary lacks one of the marks.
    """

    names = ("<|image start|>", "<|image end|>")
    _FIRST, _ROW_END, _LAST = "<|image token|>", "<|extra_200|>", "<|extra_201|>"

    def __init__(self, vocabulary: Mapping[str, int], codes: int, size: int) -> None:
        super().__init__(vocabulary, codes, size, emu3_code_name)
        marks = (*self.names, self._FIRST, self._ROW_END, self._LAST, *"0123456789*")
        found = {mark: _known(vocabulary.get(mark), mark) for mark in marks}
        self._size = {mark: found[mark] for mark in "0123456789*"}
        self._first, self._last = found[self._FIRST], found[self._LAST]
        self.row_end = (found[self._ROW_END],)
        self._marks |= {self._first, self._last, *self.row_end}

    def opening(self, rows: int, columns: int) -> list[int]:
        """`<|image start|>rows*columns<|image token|>`."""
        return [*super().opening(rows, columns), *(self._size[each] for each in f"{rows}*{columns}"), self._first]

    def closing(self) -> list[int]:
        """The end of the frame, then of the picture."""
        return [self._last, *super().closing()]


def _known(token: int | None, mark: str) -> int:
    if token is None:
        raise ValueError(f"the vocabulary lacks {mark!r}")
    return token
