from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.evaluate.floors.dealt import Statistics, deal, dealt_pairs
from radtrace.metrics import PRESETS, Pair, score


def made(texts):
    return [Pair(str(number), text, reference) for number, (text, reference) in enumerate(texts)]


@given(st.lists(st.tuples(st.sampled_from([None, " ", "a", "b", "c"]), st.sampled_from([None, "a", "b"])), max_size=12))
def test_none_keeps_its_own_and_failures_stay(texts):
    pairs = made(texts)
    taken = deal(pairs, 0)
    dealt = dealt_pairs(pairs, taken)
    assert [(pair.id, pair.reference) for pair in dealt] == [(pair.id, pair.reference) for pair in pairs]
    for scored in (True, False):
        alike = [pair for pair in pairs if pair.scored is scored and not pair.failed]
        assert len(alike) < 2 or all(taken[pair.id] != pair.id for pair in alike)
        before, after = ([pair for pair in side if pair.scored is scored] for side in (pairs, dealt))
        assert Counter(pair.prediction for pair in before) == Counter(pair.prediction for pair in after)
    assert [pair.failed for pair in pairs] == [pair.failed for pair in dealt]


@pytest.mark.parametrize(("of_the_film", "below"), [(True, 0.01), (False, None)])
def test_p_is_small_only_where_words_depend_on_the_film(of_the_film, below):
    rng = np.random.default_rng(0)
    references = [" ".join(rng.choice(list("abcdefgh"), 8)) for _ in range(40)]
    pairs = made([(text if of_the_film else "a b c d", text) for text in references])
    own, dealt = Statistics(), Statistics()
    preset = PRESETS["strict"]
    score([pairs[:15], pairs[15:]], ["rouge_l", "bleu_1"], preset, own.add)
    score([dealt_pairs(pairs, deal(pairs, 0))], ["rouge_l", "bleu_1"], preset, dealt.add)
    p = own.p_values(dealt, ["rouge_l", "bleu_1", "cider_d"], 0)
    assert p.keys() == {"rouge_l", "bleu_1"}
    assert all(value < below for value in p.values()) if below else set(p.values()) == {1}
