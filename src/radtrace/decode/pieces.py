"""Which tokens may stand where the grammar is, worked out once for each of its states."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from radtrace.dialects import State, Where
from radtrace.dialects.decisions import BETWEEN, LABELS
from radtrace.models.vocabulary import ImageVocabulary
from radtrace.models.words import Words

if TYPE_CHECKING:
    from tokenizers import Tokenizer


_MARKS: tuple[str, ...] = (
    '<step region="',
    "<findings>",
    "</findings>",
    "<box>",
    "</box>",
    "</step>",
    "<report>",
    "</report>",
    "<answer>",
    "</answer>",
)
_SPELLED = (Where.HEADER, Where.FINDINGS, Where.WORDS, Where.REPORT, Where.ANSWER)
"""Parts in which a name or a word that is begun may leave one way on, which a model need not be asked for."""
_SAID = tuple(f"{label} absent severe bilateral resolved" for label in list(LABELS)[:2])
"""Stand for items of a decision that are said already, which ones does not matter."""


@dataclass(slots=True)
class _Node:
    """A beginning that tokens share: those that end here, and by their next character those that go on."""

    tokens: list[int] = field(default_factory=list)
    following: dict[str, "_Node"] = field(default_factory=dict)


def _taken(node: _Node, state: State) -> Iterator[int]:
    """The tokens of a node and beyond that the grammar takes."""
    yield from node.tokens
    for character, following in node.following.items():
        after = state.advance(character)
        if after is not None:
            yield from _taken(following, after)


@dataclass(slots=True)
class Pieces:
    """The text tokens of a vocabulary.

    texts: token id -> the characters that it writes; special tokens and tokens of pictures are not among them.
    """

    texts: Mapping[int, str]
    _trie: "_Node" = field(init=False)
    _longest_text: int = field(init=False)
    _allowed: dict[State, Tensor] = field(default_factory=dict, init=False)
    _limited: dict[tuple[State, Hashable], Tensor] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._trie = _Node()
        self._longest_text = max(map(len, self.texts.values()), default=0)
        for token, text in self.texts.items():
            node = self._trie
            for character in text:
                node = node.following.setdefault(character, _Node())
            if text:
                node.tokens.append(token)

    def allowed(self, state: State) -> Tensor:
        """Ids (K,) of the tokens whose whole text the grammar takes now.

        Raises:  ValueError where no token of the vocabulary can go on.
        """
        state = self._alike(state)
        if state not in self._allowed:
            tokens = sorted(self._longest(state, list(_taken(self._trie, state))))
            self._allowed[state] = self._some(state, tokens, lambda text: True)
        return self._allowed[state]

    def _alike(self, state: State) -> State:
        """A state that allows the same: of a decision's earlier items only those count that the next token can repeat.

        So the many ways to the same item share what is worked out for it.
        """
        if state.where is not Where.FINDINGS or BETWEEN not in state.partial:
            return state
        *items, last = state.partial.split(BETWEEN)
        near = [item for item in items if item.startswith(last) and len(item) - len(last) <= self._longest_text]
        if len(near) < len(items):
            near.insert(0, next(item for item in _SAID if not item.startswith(last) or not last))
        return replace(state, partial=BETWEEN.join((*near, last)))

    def limited(self, state: State, takes: Callable[[str], bool], key: Hashable = None) -> Tensor:
        """Of these the ones whose text is taken. key: under which the answer is kept, where it is always the same.

        Raises:  as `allowed`.
        """
        if key is not None and (state, key) in self._limited:
            return self._limited[state, key]
        tokens = [token for token in self.allowed(state).tolist() if takes(self.texts[token])]
        found = self._some(state, tokens, takes)
        if key is not None:
            self._limited[state, key] = found
        return found

    def _some(self, state: State, tokens: list[int], takes: Callable[[str], bool]) -> Tensor:
        if not tokens:
            raise ValueError(f"the vocabulary has no token for {state.where.value}")
        longest = max(tokens, key=lambda token: len(self.texts[token]))
        only = len(tokens) > 1 and state.where in _SPELLED
        only = only and self._is_only(state, self.texts[longest], tokens, takes)
        return torch.tensor([longest] if only else tokens)

    def _is_only(self, state: State, longest: str, tokens: list[int], takes: Callable[[str], bool]) -> bool:
        """Whether nothing but the longest token's text can come next: the others begin it, and no letter leaves it."""
        if not all(longest.startswith(self.texts[token]) for token in tokens):
            return False
        for end in range(1, len(longest)):
            here = state.advance(longest[:end])
            others = self._trie.following.keys() - {longest[end]}  # a character that begins no token cannot come
            if any(here and here.advance(other) and takes(longest[:end] + other) for other in others):
                return False
        return True

    def _longest(self, state: State, tokens: list[int]) -> list[int]:
        """Without beginnings of marks that other tokens write whole: a model learned the mark as one token.

        Where the vocabulary has no token for a mark that may stand here, as the hub's, its beginning stays, or else
        the mark would be out of reach.
        """
        marks = {self.texts[token].lstrip("\n") for token in tokens if "<" in self.texts[token][:2]}
        spelled = [mark for mark in _MARKS if state.advance(mark) and not any(text.startswith(mark) for text in marks)]

        def stays(text: str) -> bool:
            longer = text[0] == "<" and any(other != text and other.startswith(text) for other in marks)
            return not longer or any(mark.startswith(text) for mark in spelled)

        return [token for token in tokens if stays(self.texts[token])]


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How a model's vocabulary writes a trace.

    encode: text -> token ids. images: the tokens of pictures, and how they stand.
    """

    pieces: Pieces
    encode: Callable[[str], list[int]]
    images: ImageVocabulary

    @classmethod
    def of(cls, tokenizer: "Tokenizer", images: ImageVocabulary) -> "Alphabet":
        """Of a checkpoint's tokenizer.

        Raises:  ValueError where the vocabulary has no tokens around a picture.
        """
        if images.begin is None or images.end is None:
            raise ValueError("the vocabulary has no tokens to begin and end a picture")
        words = Words(tokenizer, images.reserved)
        return cls(Pieces(words.pieces), words.encode, images)
