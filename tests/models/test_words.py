from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from radtrace.models.vocabulary import code_name
from radtrace.models.words import FILM, MARKS, Words, learn_words, piece_texts

STEP = '<step region="left lung">The lungs are clear, {} times.\n<box>1,2,3,4</box></step>\n'
TEXTS = [STEP.format(number) + "<report>FINDINGS: Clear.</report>" for number in range(20)]


@cache
def words() -> Tokenizer:
    return learn_words(TEXTS, 300, codes=16)


@given(st.text() | st.lists(st.sampled_from([*MARKS, "clear", " ", "<", "12", FILM, "é"])).map("".join))
def test_any_text_is_written_back(text: str) -> None:
    ids = words().encode(text).ids
    assert words().decode(ids, skip_special_tokens=False) == text
    assert all(token >= 24 for token in ids)  # none of the 4 special ones, 16 codes and 4 marks of pictures and films


def test_special_tokens_stand_in_chameleons_order() -> None:
    names = ("<s>", "<pad>", "</s>", "<unk>", code_name(0), code_name(15), "<eoss>")
    assert [words().token_to_id(name) for name in names] == [0, 1, 2, 3, 4, 19, 20]


def test_marks_are_one_token_and_digits_alone() -> None:
    for mark in MARKS:
        assert len(words().encode(mark).ids) == 1
    assert len(words().encode("312").ids) == 3


def test_the_pieces_of_a_text_are_the_text() -> None:
    pieces = piece_texts(words())
    for text in TEXTS[:3]:
        assert "".join(pieces[token] for token in words().encode(text).ids) == text
    assert not any(words().token_to_id(name) in pieces for name in ("<s>", FILM, code_name(3)))


@cache
def sentence_pieces() -> Tokenizer:
    """As Llama's: spaces are written as a bar, one is put before every text, and bytes stand in for what is missing."""
    pieces = [
        "<unk>",
        "<s>",
        "▁",
        *"abcdefghilmnorstuv.",
        "▁the",
        "▁h",
        "▁heart",
        "is",
        "▁is",
        "he",
        "<0x0A>",
        "<0xC3>",
    ]
    merges = [("▁", "h"), ("h", "e"), ("▁", "is"), ("i", "s")]
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken("<s>", special=True)])
    return tokenizer


def test_pieces_in_the_manner_of_sentence_piece_keep_their_spaces() -> None:
    pieces = piece_texts(sentence_pieces())
    ids = sentence_pieces().get_vocab()
    assert pieces[ids["▁heart"]] == " heart"
    assert pieces[ids["he"]] == "he"
    assert pieces[ids["<0x0A>"]] == "\n"
    assert ids["<0xC3>"] not in pieces  # half a character
    assert ids["<s>"] not in pieces


@cache
def spaced() -> Words:
    return Words(sentence_pieces())


@given(st.text("abcdehis \n."))
def test_text_is_written_as_it_is_wherever_it_stands(text: str) -> None:
    tokens = spaced().encode(text)
    assert "".join(spaced().pieces[token] for token in tokens) == text
    assert spaced().decode(tokens) == text


@cache
def careful() -> Words:
    return Words(words(), [words().get_vocab()[code_name(code)] for code in range(16)])


@given(st.text() | st.lists(st.sampled_from([*MARKS, code_name(3), "</s>", " clear", "é"])).map("".join))
def test_text_is_never_special(text: str) -> None:
    tokens = careful().encode(text)
    assert careful().decode(tokens) == text
    assert all(token >= 24 for token in tokens)


def test_what_cannot_be_written_is_told() -> None:
    with pytest.raises(ValueError, match="cannot write the character 'é'"):
        Words(sentence_pieces()).encode("the é")
    bare = Tokenizer(models.BPE({"a": 0}, []))
    with pytest.raises(ValueError, match="no decoder"):
        Words(bare)
    bare.decoder = decoders.ByteLevel()
    Words(bare)
    other = Tokenizer(models.BPE({"7": 0}, []))
    other.decoder = decoders.ByteLevel()
    with pytest.raises(ValueError, match="no token of a single letter"):
        Words(other)
