import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.evaluate.floors.targets import BleuTarget, RougeTarget
from radtrace.metrics import PRESETS, Pair, score

WORDS = st.lists(st.sampled_from("abcde."), min_size=1, max_size=9).map(tuple)
CORPUS = st.lists(WORDS, min_size=1, max_size=8)


def scored(words, references, name):
    """By the metric itself, pair by pair."""
    pairs = [Pair(str(number), " ".join(words), " ".join(one)) for number, one in enumerate(references)]
    return score([pairs], [name], PRESETS["strict"]).scores[name]


@given(CORPUS, WORDS)
def test_a_constant_scores_as_the_metrics_say(references, words):
    assert BleuTarget(references).score(words) == pytest.approx(scored(words, references, "bleu_4"), abs=1e-12)
    assert RougeTarget(references).score(words) == pytest.approx(scored(words, references, "rouge_l"), abs=1e-12)


@given(st.lists(st.lists(st.sampled_from("ab."), min_size=60, max_size=140).map(tuple), min_size=2, max_size=3))
def test_long_texts_need_several_limbs(texts):
    constant, *references = texts
    assert RougeTarget(references).score(constant) == pytest.approx(scored(constant, references, "rouge_l"), abs=1e-12)


@given(CORPUS, WORDS, st.data())
def test_the_best_word_is_the_best_of_all(references, words, data):
    """By trying each word that the references hold, one at a time."""
    place = data.draw(st.integers(0, len(words) - 1))
    replaced = data.draw(st.sampled_from((0, 1)))
    vocabulary = {word for one in references for word in one}
    for target in (BleuTarget(references), RougeTarget(references)):
        reached, word = target.best_word(words, place, replaced)
        changed = {one: (*words[:place], one, *words[place + replaced :]) for one in vocabulary}
        assert reached == pytest.approx(target.score(changed[word]), abs=1e-12)
        assert reached == pytest.approx(max(map(target.score, changed.values())), abs=1e-12)
