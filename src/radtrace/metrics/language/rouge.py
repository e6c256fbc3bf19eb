"""ROUGE: ROUGE-L as coco's caption evaluation computes it, and the stemmed F-measures of Google's rouge-score."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from radtrace.metrics.language.words import texts
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature

COCO_BETA = 1.2


def rouge_l(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """The ROUGE-L that the preset's origin reports."""
    return rouge_l_coco(pairs, preset) if preset.rouge == "coco" else _stemmed(pairs, "rouge_l", _lcs_f1)


def rouge_l_coco(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of the F-measure with beta 1.2 of the longest common subsequence, 0-1; no stemming.

    Words are what single blanks part, so two blanks part an empty word, as there.

    Source:  Lin 2004 as in pycocoevalcap 1.2, whose numbers these are.
    """
    values = [None if pair is None else sentence_rouge_l(*pair) for pair in texts(pairs, preset)]
    signed = signature("rouge_l", variant="coco", beta=COCO_BETA, stem="no", tok=preset.tokens, case=preset.case)
    return [mean_score("rouge_l", values, signed)]


def sentence_rouge_l(prediction: str, reference: str) -> float:
    """Of one pair of cleaned texts, 0-1: the F-measure with beta 1.2."""
    if not prediction:
        return 0.0
    predicted, wanted = prediction.split(" "), reference.split(" ")
    common = lcs(wanted, predicted)
    if not common:
        return 0.0
    precision, recall = common / len(predicted), common / len(wanted)
    return (1 + COCO_BETA**2) * precision * recall / (recall + COCO_BETA**2 * precision)


def lcs(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, by one row of bits a word.

    Source:  Hyyrö, "Bit-parallel LCS-length computation revisited", 2004.
    """
    places: dict[str, int] = {}
    bit = 1
    for word in first:
        places[word] = places.get(word, 0) | bit
        bit <<= 1
    row = full = bit - 1
    for here in map(places.get, second):
        if here:
            matched = row & here
            row = (row + matched) | (row - matched)
    return len(first) - (row & full).bit_count()


def rouge_l_stemmed(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of the F1 of the longest common subsequence of Porter stems, 0-1."""
    return _stemmed(pairs, "rouge_l_stemmed", _lcs_f1)


def rouge_1(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of the F1 of shared Porter stems, 0-1."""
    return _stemmed(pairs, "rouge_1", _unigram_f1)


def rouge_2(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of the F1 of shared pairs of neighbouring Porter stems, 0-1."""
    return _stemmed(pairs, "rouge_2", _bigram_f1)


def _stemmed(pairs: Sequence[Pair], name: str, f1: Callable[[list[str], list[str]], float]) -> list[Score]:
    """Scores equal to those of rouge-score's `RougeScorer(…, use_stemmer=True)`; of the raw text."""
    values = [
        None if not pair.scored else 0.0 if pair.failed else f1(_stems(pair.predicted), _stems(pair.wanted))
        for pair in pairs
    ]
    signed = signature(
        name, variant="rouge-score", measure="f1", stem="porter", case="lower", rouge_score=version("rouge-score")
    )
    return [mean_score(name, values, signed)]


@lru_cache(1 << 12)
def _stems(text: str) -> list[str]:
    from rouge_score.tokenize import tokenize

    tokens: list[str] = tokenize(text, _Stemmer())
    return tokens


class _Stemmer:
    """NLTK's Porter stemmer, as rouge-score uses it, remembering what it stemmed."""

    def stem(self, word: str) -> str:
        return _stem(word)


@lru_cache(1 << 16)
def _stem(word: str) -> str:
    stem: str = _porter().stem(word)
    return stem


@cache
def _porter() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


def _f1(shared: int, predicted: int, wanted: int) -> float:
    if not shared:
        return 0.0
    precision, recall = shared / predicted, shared / wanted
    return 2 * precision * recall / (precision + recall)


def _lcs_f1(predicted: list[str], wanted: list[str]) -> float:
    return _f1(lcs(wanted, predicted), len(predicted), len(wanted))


def _unigram_f1(predicted: list[str], wanted: list[str]) -> float:
    return _f1((Counter(predicted) & Counter(wanted)).total(), len(predicted), len(wanted))


def _bigram_f1(predicted: list[str], wanted: list[str]) -> float:
    first, second = (Counter(pairwise(stems)) for stems in (predicted, wanted))
    return _f1((first & second).total(), first.total(), second.total())
