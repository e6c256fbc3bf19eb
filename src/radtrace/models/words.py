"""The text tokenizer of a small unified model: byte pairs learned from training reports, the dialect's marks whole."""

from collections.abc import Iterable
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


def piece_texts(tokenizer: "Tokenizer") -> dict[int, str]:
    """Token id -> the characters that it writes, for tokens of text; half characters of UTF-8 are left out."""
    decoder: Any = tokenizer.decoder
    added = tokenizer.get_added_tokens_decoder()
    found = {}
    for text, token in tokenizer.get_vocab().items():
        if token in added:
            if not added[token].special:
                found[token] = text
            continue
        plain = decoder.decode([text])
        if "\N{REPLACEMENT CHARACTER}" not in plain:
            found[token] = plain
    return found
