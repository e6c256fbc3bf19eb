"""How much of one report others say."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.decode.choosing.likeness import Crowd, cleaned
from radtrace.metrics.language.rouge import sentence_rouge_l


def test_by_hand() -> None:
    # cleaned: "the heart is large ." and "the heart is normal in size ."; the, heart, is and . are common, in order:
    # P 4/5, R 4/7; ROUGE-L 2.44 P R / (R + 1.44 P) = .6472; P R / (.85 P + .15 R) = .5970
    crowd = Crowd(["The heart is normal in size."])
    assert crowd.likeness("The heart is large.") == pytest.approx(6 * 0.6472 + 0.5970, abs=5e-4)
    assert crowd.promise(Counter(["the", "heart", "is", "large", "."])) == pytest.approx(0.5970, abs=1e-4)


def test_bounds() -> None:
    assert Crowd(["The lungs are clear."]).likeness("The lungs are clear.") == pytest.approx(7)
    assert Crowd(["lungs"]).likeness("Bones") < Crowd(["Bones"]).likeness("Bones intact")
    assert Crowd([""]).likeness("") >= 0
    with pytest.raises(ValueError, match="empty"):
        Crowd([])


def test_a_model_that_repeats_itself_is_compared_all_the_same() -> None:
    assert Crowd(["no " * 300]).likeness("no " * 400) > Crowd(["no " * 300]).likeness("yes")


def test_a_longer_report_is_more_like_a_long_one_than_a_shorter_one_is() -> None:
    short, long = "the lungs are clear .", "the lungs are clear . the heart is normal . no effusion ."
    assert Crowd([short]).likeness(long) > Crowd([long]).likeness(short)


TEXTS = st.lists(st.sampled_from(["the", "heart", "lungs", "clear", "clear.", "normal.", "no", "effusion."])).map(
    " ".join
)


@given(st.lists(TEXTS, min_size=1, max_size=70), TEXTS)
def test_all_at_once_is_one_after_another(texts: list[str], text: str) -> None:
    words = Counter(cleaned(text).split())

    def alone(other: str) -> float:
        others = Counter(cleaned(other).split())
        most = 0.85 * others.total() + 0.15 * words.total()
        shared = (words & others).total() / most if most else 0.0
        return 6 * sentence_rouge_l(cleaned(text), cleaned(other)) + shared

    assert Crowd(texts).likeness(text) == pytest.approx(sum(map(alone, texts)) / len(texts), abs=1e-9)
