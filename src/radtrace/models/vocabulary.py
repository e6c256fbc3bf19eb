"""The tokens of pictures in a unified model's vocabulary, as Chameleon names them."""

from collections.abc import Mapping
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

    Raises:  ValueError where the vocabulary lacks a code.
    """

    def __init__(self, vocabulary: Mapping[str, int], codes: int, size: int) -> None:
        missing = [code for code in range(codes) if code_name(code) not in vocabulary]
        if missing:
            raise ValueError(f"the vocabulary lacks {len(missing)} of {codes} image codes, code {missing[0]} first")
        import torch

        self.ids = torch.tensor([vocabulary[code_name(code)] for code in range(codes)])
        self.codes = torch.full((size,), -1)
        self.codes[self.ids] = torch.arange(codes)
        self.begin, self.end = vocabulary.get(BEGIN_IMAGE), vocabulary.get(END_IMAGE)

    def ids_of(self, codes: "Tensor") -> "Tensor":
        """Token ids of codes, same shape."""
        return self.ids.to(codes.device)[codes]

    def codes_of(self, ids: "Tensor") -> "Tensor":
        """Codes of token ids, same shape; -1 for what is no image token."""
        return self.codes.to(ids.device)[ids]
