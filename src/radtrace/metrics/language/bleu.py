"""BLEU: exactly as coco's caption evaluation computes it, and as sacrebleu does."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from radtrace.metrics.language.words import Grams, texts
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, signature, summed_score

ORDERS = 4
_SMALL = 1e-9
_TINY = 1e-15


def bleu(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """BLEU-1 to BLEU-4, 0-1: of the corpus, no smoothing; the same formula for each pair.

    Source:  Papineni et al. 2002 as in pycocoevalcap 1.2, whose numbers these are; one reference a pair.
    """
    cleaned = list(texts(pairs, preset))
    statistics = _statistics(cleaned)
    scores = []
    for order in range(1, ORDERS + 1):
        corpus = partial(coco_bleu, order=order)
        values = [
            None if pair is None else value for pair, value in zip(cleaned, corpus(statistics).tolist(), strict=True)
        ]
        signed = signature(f"bleu_{order}", variant="coco", tok=preset.tokens, case=preset.case, smooth="none")
        scores.append(summed_score(f"bleu_{order}", values, signed, statistics, corpus))
    return scores


def _statistics(cleaned: Sequence[tuple[str, str] | None]) -> FloatArray:
    """(N, 10): shared n-grams and predicted n-grams of orders 1-4, words of the prediction, words of the reference."""
    grams = Grams.of(cleaned)
    scored = np.array([pair is not None for pair in cleaned], bool)
    orders = range(1, ORDERS + 1)
    columns = [
        *(grams.clipped(order) for order in orders),
        *(grams.totals(order)[::2] for order in orders),
        grams.lengths[::2],
        grams.lengths[1::2],
    ]
    counts: FloatArray = np.stack(columns, axis=-1).astype(np.float64) * scored[:, None]
    return counts


def coco_bleu(sums: FloatArray, order: int) -> FloatArray:
    """BLEU of summed statistics (..., 10), with coco's two guards against division by zero."""
    correct, guessed = sums[..., :order], sums[..., ORDERS : ORDERS + order]
    precision = np.prod((correct + _TINY) / (guessed + _SMALL), axis=-1)
    ratio = (sums[..., 8] + _TINY) / (sums[..., 9] + _SMALL)
    penalty: FloatArray = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
    result: FloatArray = precision ** (1 / order) * penalty
    return result


def bleu_sacrebleu(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """BLEU-4 as sacrebleu has it by default, 0-1: its tokeniser 13a, case kept, exponential smoothing, of the raw text.

    A pair's own value takes the orders that it has (sacrebleu's `sentence_bleu`).

    Source:  Post 2018; sacrebleu.
    """
    import sacrebleu

    scorer = sacrebleu.BLEU(effective_order=True)
    statistics = np.zeros((len(pairs), 10))
    values: list[float | None] = []
    for row, pair in zip(statistics, pairs, strict=True):
        if not pair.scored:
            values.append(None)
            continue
        result: Any = scorer.sentence_score(pair.predicted, [pair.wanted])
        row[:] = [*result.counts, *result.totals, result.sys_len, result.ref_len]
        values.append(result.score / 100)
    signed = signature(
        "bleu_sacrebleu", tok="13a", case="mixed", smooth="exp", eff="no", sacrebleu=sacrebleu.__version__
    )
    return [summed_score("bleu_sacrebleu", values, signed, statistics, sacrebleu_bleu)]


def sacrebleu_bleu(sums: FloatArray) -> FloatArray:
    """BLEU-4 of summed statistics (..., 10): the k-th order that shares nothing counts as 1 / (2^k · predicted)."""
    correct, guessed = sums[..., :ORDERS], sums[..., ORDERS : 2 * ORDERS]
    empty = (correct == 0) & (guessed > 0)
    halved = 1 / 2.0 ** np.cumsum(empty, axis=-1)
    shares = np.divide(
        np.where(empty, halved, correct), guessed, out=np.zeros_like(sums[..., :ORDERS]), where=guessed > 0
    )
    predicted, wanted = sums[..., 8], sums[..., 9]
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(shares).mean(axis=-1))
    ratio = np.divide(wanted, predicted, out=np.full_like(predicted, np.inf), where=predicted > 0)
    result: FloatArray = mean * np.exp(np.minimum(1 - ratio, 0)) * (correct.sum(axis=-1) > 0)
    return result
