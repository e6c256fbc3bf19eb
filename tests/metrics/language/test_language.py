"""Reference values: pycocoevalcap 1.2, rouge-score 0.1.2 and sacrebleu 2.6.0 on the pairs of conftest.py."""

import shutil
from importlib.util import find_spec
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.errors import MissingExtraError
from radtrace.metrics import PRESETS, Pair
from radtrace.metrics.language.bleu import bleu, bleu_sacrebleu
from radtrace.metrics.language.cider import cider_d
from radtrace.metrics.language.meteor import meteor, meteor_nltk_nosyn, meteor_of
from radtrace.metrics.language.rouge import lcs, rouge_1, rouge_2, rouge_l, rouge_l_coco, rouge_l_stemmed
from radtrace.metrics.language.words import Grams

BLEU = {
    "r2gen": [0.5342676551995249, 0.4118378572009792, 0.3467357134477421, 0.2769342779560402],
    "strict": [0.249584067476315, 0.20142856795915673, 0.14518724387914506, 0.10826917774273964],
}
BLEU_OF_PAIRS = {
    0: [0.4524187089274962, 0.3016124726166552, 0.2175002295139533, 3.3959627479720606e-05],
    1: [0.6191984996446447, 0.5180586331363808, 0.45316732106523283, 0.37684991632384973],
    4: [0.33333333331111115, 0.3086066999028753, 0.28011059395359134, 0.24601372575092584],
}
ROUGE = {
    "r2gen": [0.47213622291021673, 0.6587473002159828, 0.5714285714285714, 0.12655601659751037, 0.5495495495495495],
    "strict": [0.232824427480916, 0.3034825870646766, 0.17183098591549298, 0.0, 0.5495495495495495],
}
STEMMED = {
    rouge_1: [0.35294117647058826, 0.6153846153846153, 0.8333333333333333, 0.0, 0.5],
    rouge_2: [0.13333333333333333, 0.5454545454545454, 0.4, 0.0, 0.42857142857142855],
    rouge_l_stemmed: [0.35294117647058826, 0.6153846153846153, 0.5, 0.0, 0.5],
}
CIDER = {"r2gen": 2.38745223556711, "strict": 0.6847699769954962}
METEOR = {
    "r2gen": (0.2631664399703094, [0.18536833987343168, 0.4028535592733988, 0.4635322236052113]),
    "strict": (0.2367159783375894, [0.18536833987343168, 0.39914631793039207, 0.3618152308307936]),
}
COLUMNS = (bleu, bleu_sacrebleu, rouge_l_coco, rouge_1, rouge_2, rouge_l_stemmed, meteor_nltk_nosyn)

WORDS = st.lists(st.sampled_from(["a", "b", "c", "clear", ".", "lungs"]), min_size=1, max_size=12).map(" ".join)
SAID = WORDS.filter(lambda text: set(text) != {" ", "."} and text != ".")  # stops alone are no reference
PAIRS = st.lists(st.tuples(WORDS, SAID), min_size=1, max_size=6).map(
    lambda texts: [Pair(str(number), *text) for number, text in enumerate(texts)]
)


@pytest.mark.parametrize("name", BLEU)
def test_bleu_is_cocos(pairs, name):
    scores = bleu(pairs, PRESETS[name])
    assert [score.name for score in scores] == ["bleu_1", "bleu_2", "bleu_3", "bleu_4"]
    assert [score.value for score in scores] == pytest.approx(BLEU[name], abs=1e-12)
    if name == "r2gen":
        for pair, values in BLEU_OF_PAIRS.items():
            assert [score.per_sample[pair] for score in scores] == pytest.approx(values, abs=1e-12)


def test_bleu_by_hand():
    # 3 of 4 words, 1 of 3 pairs of words; 4 words for 5: exp(1 - 5/4).
    first, second, *_ = bleu([Pair("x", "a b c e", "a b d c f")], PRESETS["strict"])
    assert first.value == pytest.approx(3 / 4 * np.exp(-1 / 4), abs=1e-9)
    assert second.value == pytest.approx((3 / 4 * 1 / 3) ** 0.5 * np.exp(-1 / 4), abs=1e-9)


def test_many_different_words_are_counted_exactly():
    words = [f"w{number}" for number in range(40_000)]
    grams = Grams.of([(" ".join(words[::2]), " ".join(words)), (" ".join(words), " ".join(words)), None, ("a", "")])
    assert grams.clipped(1).tolist() == [20_000, 40_000, 0, 0]
    assert grams.clipped(4).tolist() == [0, 39_997, 0, 0]
    assert grams.totals(4).tolist() == [19_997, 39_997, 39_997, 39_997, 0, 0, 0, 0]


def test_sacrebleu_is_sacrebleus(pairs):
    import sacrebleu

    (score,) = bleu_sacrebleu(pairs, PRESETS["r2gen"])
    assert score.value == pytest.approx(0.15485248088169612, abs=1e-12)
    for subset in permutations(pairs, 2):
        (score,) = bleu_sacrebleu(subset, PRESETS["r2gen"])
        predictions, references = ([getattr(pair, side) for pair in subset] for side in ("prediction", "reference"))
        assert score.value == pytest.approx(sacrebleu.corpus_bleu(predictions, [references]).score / 100, abs=1e-12)


@pytest.mark.parametrize("name", ROUGE)
def test_rouge_l_is_cocos(pairs, name):
    (score,) = rouge_l(pairs, PRESETS[name])
    assert score.per_sample == pytest.approx(ROUGE[name], abs=1e-12)
    assert score.value == pytest.approx(np.mean(ROUGE[name]), abs=1e-12)


@pytest.mark.parametrize("function", STEMMED)
def test_stemmed_rouge_is_rouge_scores(pairs, function):
    (score,) = function(pairs, PRESETS["r2gen"])
    assert score.per_sample == pytest.approx(STEMMED[function], abs=1e-12)


def test_the_rouge_l_of_radeval_is_the_stemmed_one(pairs):
    (radeval,), (stemmed,) = rouge_l(pairs, PRESETS["radeval"]), rouge_l_stemmed(pairs, PRESETS["r2gen"])
    assert radeval.name == "rouge_l"
    assert radeval.per_sample == stemmed.per_sample
    assert "variant:rouge-score" in radeval.signature


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_longest_common_subsequence(first, second):
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    assert lcs(first, second) == table[-1][-1]


@pytest.mark.parametrize("name", CIDER)
def test_cider_is_cocos(pairs, name):
    (score,) = cider_d(pairs, PRESETS[name])
    assert score.value == pytest.approx(CIDER[name], abs=1e-12)


@pytest.mark.parametrize("name", METEOR)
def test_meteor_is_javas(pairs, name):
    if find_spec("pycocoevalcap") is None or shutil.which("java") is None:
        pytest.skip("needs the extra meteor and a Java runtime")
    (score,) = meteor(pairs, PRESETS[name])
    value, of_pairs = METEOR[name]
    assert score.value == pytest.approx(value, abs=1e-12)
    assert score.per_sample[:3] == pytest.approx(of_pairs, abs=1e-12)


def test_meteor_without_its_program_is_refused_not_replaced(pairs, monkeypatch):
    monkeypatch.setattr("radtrace.metrics.language.meteor.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"radtrace\[meteor\]"):
        meteor(pairs, PRESETS["r2gen"])


def test_meteor_of_the_programs_statistics():
    # What METEOR 1.5 counts in "the heart is normal . lungs are clear ." for "the heart size is normal . the lungs are
    # clear without effusion .": 9 and 13 words, 5 and 6 of them function words, 4 content and 5 function words matched
    # exactly in 4 chunks; and the value that it answers.
    statistics = np.zeros(23)
    statistics[:8] = [9, 13, 5, 6, 4, 4, 5, 5]
    statistics[20:] = [4, 9, 9]
    assert meteor_of(statistics) == pytest.approx(0.3265534664997891, abs=1e-12)
    assert meteor_of(np.zeros((2, 23))).tolist() == [0, 0]


def test_the_example_of_nltk_without_synonyms():
    # NLTK's documented .6944 has no synonym match in it either.
    prediction = "It is a guide to action which ensures that the military always obeys the commands of the party"
    reference = "It is a guide to action that ensures that the military will forever heed Party commands"
    (score,) = meteor_nltk_nosyn([Pair("x", prediction, reference)], PRESETS["strict"])
    assert score.value == pytest.approx(0.6944, abs=5e-5)


@given(PAIRS, st.randoms())
def test_scores_are_bounded_and_do_not_depend_on_the_order(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    for function in (*COLUMNS, cider_d):
        for one, other in zip(function(pairs, PRESETS["r2gen"]), function(shuffled, PRESETS["r2gen"]), strict=True):
            most = 10 if one.name == "cider_d" else 1
            assert all(0 <= value <= most + 1e-9 for value in (one.value, *one.per_sample))
            assert one.value == pytest.approx(other.value, abs=1e-9)
            assert dict(zip(pairs, one.per_sample, strict=True)) == pytest.approx(
                dict(zip(shuffled, other.per_sample, strict=True)), abs=1e-9
            )


@given(st.lists(st.lists(st.sampled_from("abcdefg"), min_size=4, max_size=9).map(" ".join), min_size=1, max_size=4))
def test_a_prediction_equal_to_its_reference_scores_one(texts):
    pairs = [Pair(str(number), text, text) for number, text in enumerate(texts)]
    for function in (bleu, rouge_l_coco, rouge_1, rouge_2, rouge_l_stemmed):
        for score in function(pairs, PRESETS["strict"]):
            assert (score.value, *score.per_sample) == pytest.approx([1] * (len(pairs) + 1), abs=1e-8)


@pytest.mark.parametrize("function", COLUMNS)
@pytest.mark.parametrize("name", ["r2gen", "strict"])
def test_what_failed_counts_and_what_has_no_reference_does_not(pairs, function, name):
    whole = [*pairs, Pair("none", None, "Clear."), Pair("blank", " \n", "Clear.")]
    unscored = [Pair("missing", "Clear.", None), Pair("empty", "", " ")]
    for one, other in zip(function(whole, PRESETS[name]), function([*whole, *unscored], PRESETS[name]), strict=True):
        assert one.per_sample[-2:] == (0, 0)
        assert other.per_sample == (*one.per_sample, None, None)
        assert other.value == one.value
        (alone, *_) = function(unscored, PRESETS[name])
        assert alone.value is None


@pytest.mark.parametrize("function", COLUMNS)
def test_the_corpus_value_is_a_function_of_summed_statistics(pairs, function):
    rows = np.array([0, 0, 3, 2, 1])
    resampled = [pairs[row] for row in rows]
    for one, other in zip(function(pairs, PRESETS["r2gen"]), function(resampled, PRESETS["r2gen"]), strict=True):
        resamples = one.statistics[np.stack([rows, np.arange(5)])].sum(axis=1)
        assert one.corpus(resamples) == pytest.approx([other.value, one.value], abs=1e-12)
