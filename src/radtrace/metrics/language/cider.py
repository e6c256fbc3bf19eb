"""CIDEr-D as coco's caption evaluation computes it."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import exp, log, sqrt

from radtrace.metrics.language.words import texts
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature

_ORDERS = 4
_SIGMA = 6.0
_SCALE = 10.0

Grams = Counter[tuple[str, ...]]


def cider_d(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of CIDEr-D on its own scale, 0-10; n-grams are weighed by the references of these very pairs.

    So the value depends on the whole set, and a bootstrap of the mean holds these weights fixed.

    Source:  Vedantam et al. 2015 as in pycocoevalcap 1.2 (sigma 6, lengths in bigrams), whose numbers these are.
    """
    cleaned = list(texts(pairs, preset))
    counted = [None if pair is None else (_grams(pair[0]), _grams(pair[1])) for pair in cleaned]
    frequency = Counter(chain.from_iterable(wanted.keys() for _, wanted in filter(None, counted)))
    documents = log(sum(pair is not None for pair in counted) or 1)
    weights = {gram: documents - log(count) for gram, count in frequency.items()}
    values = [None if pair is None else _similarity(*pair, weights, documents) for pair in counted]
    signed = signature(
        "cider_d",
        variant="coco",
        sigma=_SIGMA,
        idf="these references",
        scale="0-10",
        tok=preset.tokens,
        case=preset.case,
    )
    return [mean_score("cider_d", values, signed)]


def _grams(text: str) -> Grams:
    words = text.split()
    return Counter(
        tuple(words[start : start + order])
        for order in range(1, _ORDERS + 1)
        for start in range(len(words) - order + 1)
    )


def _similarity(predicted: Grams, wanted: Grams, weights: dict[tuple[str, ...], float], unseen: float) -> float:
    """Ten times the mean over orders of the clipped cosine, less for another length."""
    products, norms = [0.0] * _ORDERS, [[0.0] * _ORDERS, [0.0] * _ORDERS]
    lengths = [0, 0]
    for side, grams in enumerate((predicted, wanted)):
        for gram, count in grams.items():
            norms[side][len(gram) - 1] += (count * weights.get(gram, unseen)) ** 2
            lengths[side] += count if len(gram) == 2 else 0
    for gram in predicted.keys() & wanted.keys():
        weight = weights[gram]
        products[len(gram) - 1] += min(predicted[gram], wanted[gram]) * wanted[gram] * weight * weight
    cosines = (
        product / (sqrt(first) * sqrt(second))
        for product, first, second in zip(products, *norms, strict=True)
        if first and second
    )
    penalty = exp(-(((lengths[0] - lengths[1]) / _SIGMA) ** 2) / 2)
    similarity: float = sum(cosines) / _ORDERS
    return _SCALE * similarity * penalty
