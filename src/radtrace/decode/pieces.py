"""Which tokens may stand where the grammar is, worked out once for each of its states."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from radtrace.dialects import State


@dataclass(slots=True)
class Pieces:
    """The text tokens of a vocabulary.

    texts: token id -> the characters that it writes; special tokens and tokens of pictures are not among them.
    """

    texts: Mapping[int, str]
    _by_first: dict[str, list[int]] = field(init=False)
    _allowed: dict[State, Tensor] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        first: dict[str, list[int]] = defaultdict(list)
        for token, text in self.texts.items():
            if text:
                first[text[0]].append(token)
        self._by_first = dict(first)

    def allowed(self, state: State) -> Tensor:
        """Ids (K,) of the tokens whose whole text the grammar takes now.

        Raises:  ValueError where no token of the vocabulary can go on.
        """
        if state not in self._allowed:
            characters = state.next_characters()
            starts = self._by_first if characters is None else characters & self._by_first.keys()
            found = [
                token
                for character in starts
                for token in self._by_first[character]
                if state.advance(self.texts[token]) is not None
            ]
            found = self._longest(found)
            if not found:
                raise ValueError(f"the vocabulary has no token for {state.where.value}")
            self._allowed[state] = torch.tensor(sorted(found))
        return self._allowed[state]

    def _longest(self, tokens: list[int]) -> list[int]:
        """Without beginnings of marks that another token writes whole: a model learned the mark as one token."""
        marks = [self.texts[token] for token in tokens if self.texts[token][0] == "<"]
        beginnings = {text for text in marks if any(other != text and other.startswith(text) for other in marks)}
        return [token for token in tokens if self.texts[token] not in beginnings]
