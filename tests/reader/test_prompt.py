import pytest
import torch

from radtrace.models.vocabulary import ImageVocabulary
from radtrace.models.words import learn_words
from radtrace.reader.prompt import NO_CELL, Tokens, Wording

WORDS = learn_words(["The heart is normal. <image></image>"], 300, 8)
IMAGES = ImageVocabulary(WORDS.get_vocab(), 8, WORDS.get_vocab_size())
WORDING = Wording(WORDS, IMAGES, glances=3, grid=2)


def names(tokens: Tokens) -> list[str]:
    assert len(tokens.ids) == len(tokens.cells)
    return [WORDS.id_to_token(token) for token in tokens.ids]


def test_a_prompt_has_room_for_the_glances_and_shows_the_film_where_pictures_are_drawn() -> None:
    assert names(WORDING.prompt(None)) == ["<s>", "<film>", "<film>", "<film>"]
    shown = WORDING.prompt(torch.tensor([[7, 0], [1, 2]]))
    assert names(shown)[4:] == ["<racm3:break>", "IMGIMGHZ", "IMGIMGAZ", "IMGIMGBZ", "IMGIMGCZ", "<eoss>"]
    assert set(shown.cells) == {NO_CELL}


def test_a_picture_token_is_told_the_films_code_of_the_next_one() -> None:
    picture = WORDING.picture([5, 6], [1, 3])
    assert names(picture) == ["<racm3:break>", "IMGIMGFZ", "IMGIMGGZ", "<eoss>"]
    assert picture.cells == [1, 3, NO_CELL, NO_CELL]


def test_the_marks_around_a_picture_are_tokens_and_other_text_is_text() -> None:
    tokens = WORDING.text("a<image></image><film>")
    assert names(tokens)[1:3] == ["<racm3:break>", "<eoss>"]
    assert WORDS.token_to_id("<film>") not in tokens.ids


def test_words_without_the_marks_are_refused() -> None:
    from tokenizers import Tokenizer, models

    with pytest.raises(ValueError, match="lack '<s>'"):
        Wording(Tokenizer(models.BPE()), IMAGES, 1, 2)
