"""Text tokenizers: the characters that each token writes, and byte pairs learned from reports for small models."""

from collections.abc import Collection, Iterable, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from radtrace.models.vocabulary import BEGIN_IMAGE, END_IMAGE, PLACEHOLDER, code_name

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BEGIN, PAD, END, UNKNOWN, FILM = "<s>", "<pad>", "</s>", "<unk>", "<film>"
MARKS: tuple[str, ...] = (
    '<step region="',
    '">',
    "<findings>",
    "</findings>",
    "\n<box>",
    "</box>",
    "</step>\n",
    "<report>FINDINGS: ",
    "<report>IMPRESSION: ",
    "IMPRESSION: ",
    "</report>",
    "<answer>",
    "</answer>",
)
"""Text that is one token each, as `radtrace.dialects`' canonical dialect writes it."""


def learn_words(texts: Iterable[str], size: int, codes: int) -> "Tokenizer":
    """A tokenizer of `size` tokens of text, beside the special tokens and `codes` tokens of pictures.

    Ids follow Chameleon's order: <s> 0, <pad> 1, </s> 2, <unk> 3, then the codes, then the marks around a picture.
    Digits stand alone, so that a coordinate is three tokens at most. Any text can be written: what was not learned is
    spelled in bytes.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    special = [BEGIN, PAD, END, UNKNOWN, *map(code_name, range(codes)), END_IMAGE, BEGIN_IMAGE, PLACEHOLDER, FILM]
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size + len(special),
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(mark, normalized=False, special=False) for mark in MARKS])
    tokenizer.encode_special_tokens = True  # a report that holds "<film>" is text
    return tokenizer


def piece_texts(tokenizer: "Tokenizer", reserved: Collection[int] = ()) -> dict[int, str]:
    """Token id -> the characters that it writes within a text, for tokens of text.

    Half characters of UTF-8, special tokens and those in `reserved` are left out. Each token is decoded after another
    one, since decoders in the manner of SentencePiece drop a space that opens the text.

    Raises:  ValueError where the tokenizer has no decoder, or no token of a single letter.
    """
    decoder: Any = tokenizer.decoder
    anchor = _anchor(tokenizer)
    added = tokenizer.get_added_tokens_decoder()
    found = {}
    for text, token in tokenizer.get_vocab().items():
        if token in reserved:
            continue
        if token in added:
            if not added[token].special:
                found[token] = text
            continue
        plain = decoder.decode([anchor, text])
        if "\N{REPLACEMENT CHARACTER}" not in plain and plain.startswith(anchor):
            found[token] = plain.removeprefix(anchor)
    return found


def _anchor(tokenizer: "Tokenizer") -> str:
    decoder: Any = tokenizer.decoder
    if decoder is None:
        raise ValueError("the tokenizer has no decoder")
    letters = (letter for letter in ascii_lowercase if tokenizer.token_to_id(letter) is not None)
    found = next((letter for letter in letters if decoder.decode([letter]) == letter), None)
    if found is None:
        raise ValueError("the tokenizer has no token of a single letter")
    return found


class Words:
    """The text of a tokenizer, so that what is written is exactly what was asked for.

    pieces: token id -> the characters that it writes. Text never becomes a special token or one of `reserved`.

    Raises:  ValueError as `piece_texts`.
    """

    def __init__(self, tokenizer: "Tokenizer", reserved: Collection[int] = ()) -> None:
        self.tokenizer = tokenizer
        tokenizer.encode_special_tokens = True
        self.pieces = piece_texts(tokenizer, reserved)
        special = {token for token, about in tokenizer.get_added_tokens_decoder().items() if about.special}
        self._closed = special | set(reserved)
        self._anchor = tokenizer.get_vocab()[_anchor(tokenizer)]
        self._tokens = {text: token for token, text in sorted(self.pieces.items(), reverse=True)}
        self._longest = max(map(len, self._tokens))

    def encode(self, text: str) -> list[int]:
        """Token ids that write exactly this text, wherever it stands; the tokenizer's own where they do.

        Raises:  ValueError where the vocabulary cannot write it.
        """
        tokens: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return tokens if self._writes(tokens, text) else self._spelled(text)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones and those of pictures left out."""
        kept = [token for token in tokens if token not in self._closed]
        text: str = self.tokenizer.decode([self._anchor, *kept], skip_special_tokens=False)
        return text[1:]

    def _writes(self, tokens: list[int], text: str) -> bool:
        if self._closed.intersection(tokens):
            return False
        return self.decode(tokens) == text

    def _spelled(self, text: str) -> list[int]:
        """The longest pieces first, from the left."""
        tokens, at = [], 0
        while at < len(text):
            lengths = range(min(self._longest, len(text) - at), 0, -1)
            length = next((each for each in lengths if text[at : at + each] in self._tokens), None)
            if length is None:
                raise ValueError(f"the vocabulary cannot write the character {text[at]!r}")
            tokens.append(self._tokens[text[at : at + length]])
            at += length
        return tokens
