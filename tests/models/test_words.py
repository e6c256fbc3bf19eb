from functools import cache

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from radtrace.models.vocabulary import code_name
from radtrace.models.words import FILM, MARKS, learn_words, piece_texts

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
