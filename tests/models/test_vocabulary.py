import pytest
import torch

from radtrace.models.vocabulary import ImageVocabulary, RowedVocabulary, code_name, emu3_code_name

CHAMELEON = {code_name(code): 4 + code for code in range(6)} | {"<eoss>": 20, "<racm3:break>": 21, "<image>": 22}
EMU3 = {emu3_code_name(code): 50 - code for code in range(6)} | {"<|image start|>": 1, "<|image end|>": 2, "<image>": 9}
EMU3 |= {"<|image token|>": 3, "<|extra_200|>": 4, "<|extra_201|>": 5}
EMU3 |= {mark: 10 + place for place, mark in enumerate("0123456789*")}


def test_chameleons_pictures_are_codes_between_two_marks() -> None:
    images = ImageVocabulary(CHAMELEON, 6, 30)
    assert images.written(torch.tensor([[0, 1], [5, 4]])) == [21, 4, 5, 9, 8, 20]
    assert images.reserved == {*range(4, 10), 20, 21, 22}


def test_emu3s_pictures_tell_their_size_and_end_their_rows() -> None:
    images = RowedVocabulary(EMU3, 6, 60)
    picture = torch.zeros(12, 2, dtype=torch.long)
    # <|image start|> 1 2 * 2 <|image token|>, twelve rows of two codes and an end of row, end of frame, end of picture
    assert images.written(picture) == [1, 11, 12, 20, 12, 3, *[50, 50, 4] * 12, 5, 2]
    assert images.codes_of(torch.tensor([50, 45, 4])).tolist() == [0, 5, -1]
    assert images.reserved == {*range(45, 51), 1, 2, 3, 4, 5, 9}  # the digits are text


def test_a_vocabulary_that_does_not_match_the_codebook_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks 1 of 7 image codes, code 6 first"):
        ImageVocabulary(CHAMELEON, 7, 30)
    with pytest.raises(ValueError, match="the codebook of 5 lacks, code 5 first"):
        ImageVocabulary(CHAMELEON, 5, 30)
    for mark in ("<|image token|>", "*", "<|extra_200|>", "<|image end|>"):
        with pytest.raises(ValueError, match="the vocabulary lacks"):
            RowedVocabulary({name: token for name, token in EMU3.items() if name != mark}, 6, 60)
    with pytest.raises(ValueError, match="lacks '<racm3:break>'"):
        ImageVocabulary({code_name(0): 0}, 1, 9).opening(1, 1)
