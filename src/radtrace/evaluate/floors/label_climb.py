"""The constant whose labels have the best micro F1 on training reports, made of their sentences."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.clinical.label_scores import PRESENT, UNCERTAIN, BoolArray
from radtrace.metrics.clinical.rules import Scheme, labels_of
from radtrace.metrics.presets import Uncertain
from radtrace.metrics.scores import FloatArray
from radtrace.reports import sentences

_MOST_SENTENCES = 3000
_STARTS = 5
_LONGEST = 12
"""Sentences of the constant."""


def climb_labels(texts: Sequence[str], scheme: Scheme, uncertain: Uncertain) -> str:
    """A report of training sentences, greedily added and dropped while the micro F1 of its labels grows.

    The labels of both sides are those that our rules read, of the whole constant each time. Of sentences with the same
    labels only the most frequent one is tried.

    Args:    uncertain: what an uncertain label counts as; one that is ignored counts as absent here.
    """
    wanted = _positive(texts, scheme, uncertain).sum(axis=0)
    frequent = Counter(text[span.start : span.end] for text in texts for span in sentences(text))
    candidates = [sentence for sentence, _ in frequent.most_common(_MOST_SENTENCES)]
    found = _positive(candidates, scheme, uncertain)
    different = {tuple(labels): number for number, labels in reversed(list(enumerate(found.tolist())))}
    chosen = sorted(different.values())
    pool = [candidates[number] for number in chosen]
    values = _micro_f1(found[chosen], wanted, len(texts))
    starts = np.argsort(-values, kind="stable")[:_STARTS]
    climbed = [_ascend((pool[start],), pool, wanted, len(texts), scheme, uncertain) for start in starts]
    return " ".join(max(climbed, key=lambda one: one[0])[1])


def _ascend(
    start: tuple[str, ...],
    pool: Sequence[str],
    wanted: NDArray[np.int64],
    n: int,
    scheme: Scheme,
    uncertain: Uncertain,
) -> tuple[float, tuple[str, ...]]:
    best, score = start, 0.0
    tried: list[tuple[str, ...]] = [start]
    while True:
        values = _micro_f1(_positive([" ".join(one) for one in tried], scheme, uncertain), wanted, n)
        if values.max() <= score:
            return score, best
        best, score = tried[int(values.argmax())], float(values.max())
        tried = [*_longer(best, pool), *(best[:i] + best[i + 1 :] for i in range(len(best)) if len(best) > 1)]
        if not tried:
            return score, best


def _longer(parts: tuple[str, ...], pool: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return ((*parts, sentence) for sentence in pool if len(parts) < _LONGEST and sentence not in parts)


def _positive(texts: Sequence[str], scheme: Scheme, uncertain: Uncertain) -> BoolArray:
    counted = (PRESENT, UNCERTAIN) if uncertain == "present" else (PRESENT,)
    return np.isin(labels_of(texts, scheme), counted)


def _micro_f1(predicted: BoolArray, wanted: NDArray[np.int64], n: int) -> FloatArray:
    """(M,) of constants with these labels (M, C), the reference positives (C,) of n reports given."""
    values: FloatArray = 2 * (predicted @ wanted) / np.maximum(n * predicted.sum(axis=1) + wanted.sum(), 1)
    return values
