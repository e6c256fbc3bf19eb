"""What one constant text would score against many references: from counts made once, not by scoring every pair."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.language.bleu import ORDERS, coco_bleu
from radtrace.metrics.language.rouge import COCO_BETA
from radtrace.metrics.scores import FloatArray

Words = tuple[str, ...]
_BITS = 64
_FREQUENT = 60
"""Words that are tried everywhere, whatever stands beside them."""


class Target(Protocol):
    """A score of constants that is climbed."""

    def score(self, words: Words) -> float:
        """Of the constant."""

    def best_word(self, words: Words, place: int, replaced: int) -> tuple[float, str]:
        """The word that does best before `words[place + replaced:]` and after `words[:place]`, and its score.

        Args:    replaced: 1 where it takes the place of `words[place]`, 0 where it is put before it.
        """


class BleuTarget:
    """Corpus BLEU-4 of a constant: how often references hold each n-gram at least once, twice, …"""

    def __init__(self, references: Sequence[Words]) -> None:
        self._n = len(references)
        self._length = float(sum(map(len, references)))
        holding: defaultdict[Words, list[int]] = defaultdict(list)
        after: defaultdict[str, Counter[str]] = defaultdict(Counter)
        before: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for words in references:
            for gram, count in Counter(_grams(words)).items():
                held = holding[gram]
                held.extend([0] * (count - len(held)))
                for times in range(count):
                    held[times] += 1
                if len(gram) == 2:
                    after[gram[0]][gram[1]] += 1
                    before[gram[1]][gram[0]] += 1
        self._holding = dict(holding)
        self._after = {word: [next_ for next_, _ in counts.most_common(_FREQUENT)] for word, counts in after.items()}
        self._before = {word: [last for last, _ in counts.most_common(_FREQUENT)] for word, counts in before.items()}
        alone = ((gram[0], sum(held)) for gram, held in self._holding.items() if len(gram) == 1)
        self._frequent = [word for word, _ in sorted(alone, key=lambda one: -one[1])[:_FREQUENT]]

    def score(self, words: Words) -> float:
        """See `Target.score`."""
        shared = [0.0] * ORDERS
        self._share(shared, Counter(_grams(words)), Counter())
        return float(coco_bleu(self._sums(np.array(shared), len(words)), ORDERS))

    def _share(self, shared: list[float], grams: Counter[Words], before: Counter[Words]) -> None:
        """Add what these n-grams share with the references, of a text that has others before."""
        for gram, count in grams.items():
            held, had = self._holding.get(gram, ()), before[gram]
            shared[len(gram) - 1] += sum(held[had : had + count])

    def _sums(self, shared: FloatArray, length: int) -> FloatArray:
        """(..., 10): the statistics of the corpus, as `radtrace.metrics.language.bleu` sums them."""
        guessed = [self._n * max(length - order, 0) for order in range(ORDERS)]
        rest = np.array([*guessed, self._n * length, self._length], np.float64)
        return np.concatenate([shared, np.broadcast_to(rest, (*shared.shape[:-1], len(rest)))], axis=-1)

    def best_word(self, words: Words, place: int, replaced: int) -> tuple[float, str]:
        """See `Target.best_word`; tried are the words that references have beside the neighbours, and frequent ones."""
        head, tail = words[:place], words[place + replaced :]
        rest = Counter(_grams(head)) + Counter(_grams(tail))
        base = [0.0] * ORDERS
        self._share(base, rest, Counter())
        left, right = head[-(ORDERS - 1) :], tail[: ORDERS - 1]
        tried = list(self._beside(head, tail))
        shared = [base.copy() for _ in tried]
        for row, word in zip(shared, tried, strict=True):
            self._share(row, Counter(_grams_at((*left, word, *right), len(left))), rest)
        scores = coco_bleu(self._sums(np.array(shared), len(words) - replaced + 1), ORDERS)
        best = int(scores.argmax())
        return float(scores[best]), tried[best]

    def _beside(self, head: Words, tail: Words) -> dict[str, None]:
        tried = dict.fromkeys(self._frequent)
        if head:
            tried |= dict.fromkeys(self._after.get(head[-1], ()))
        if tail:
            tried |= dict.fromkeys(self._before.get(tail[0], ()))
        return tried


def _grams(words: Words) -> list[Words]:
    return [words[i : i + order] for order in range(1, ORDERS + 1) for i in range(len(words) - order + 1)]


def _grams_at(words: Words, place: int) -> list[Words]:
    """Those that hold the word at this place."""
    return [
        words[i : i + order]
        for order in range(1, ORDERS + 1)
        for i in range(max(place - order + 1, 0), min(place, len(words) - order) + 1)
    ]


@dataclass(frozen=True, slots=True)
class _Tables:
    """Longest common subsequences (L + 1, R, W + 1): of the first words of both, of the last words of both."""

    first: NDArray[np.int16]
    last: NDArray[np.int16]


class RougeTarget:
    """Mean ROUGE-L (coco's) of a constant.

    The longest common subsequence of a text with one word changed is the best way to lead one of the words before it
    through that word to one of those after it, so that all words are tried at once.
    """

    def __init__(self, references: Sequence[Words]) -> None:
        counted = Counter(sorted(references, key=len, reverse=True))
        self._weights: FloatArray = np.array(list(counted.values()), np.float64) / len(references)
        self._lengths = np.array([len(words) for words in counted])
        vocabulary = {word: number for number, word in enumerate(sorted({w for words in counted for w in words}))}
        self._vocabulary = list(vocabulary)
        self._numbers = vocabulary
        self._codes = np.full((len(counted), int(self._lengths.max())), -1)
        for row, words in zip(self._codes, counted, strict=True):
            row[: len(words)] = [vocabulary[word] for word in words]
        self._longer = (self._codes >= 0).sum(axis=0).tolist()  # references of more than so many words come first
        self._of: tuple[Words, _Tables] | None = None

    def score(self, words: Words) -> float:
        """See `Target.score`."""
        return float(self._weights @ _f(self._common(words), len(words), self._lengths))

    def _common(self, words: Words) -> NDArray[np.int64]:
        """(R,) lengths of the longest common subsequences, by rows of bits for all references at once; see `lcs`."""
        limbs = -(-len(words) // _BITS)
        masks = np.zeros((limbs, len(self._vocabulary) + 1), np.uint64)  # the last: no word
        for place, word in enumerate(words):
            if word in self._numbers:
                masks[place // _BITS, self._numbers[word]] |= np.uint64(1 << place % _BITS)
        rows = np.full((limbs, len(self._codes)), ~np.uint64(0))
        for column, count in zip(self._codes.T, self._longer, strict=True):
            matched = rows[:, :count] & masks[:, column[:count]]
            rows[:, :count] = _sum(rows[:, :count], matched) | (rows[:, :count] & ~matched)
        used = np.arange(limbs * _BITS).reshape(limbs, _BITS) < len(words)
        full = (used * (np.uint64(1) << np.arange(_BITS, dtype=np.uint64))).sum(axis=1, dtype=np.uint64)
        left: NDArray[np.int64] = np.bitwise_count(rows & full[:, None]).sum(axis=0, dtype=np.int64)
        return len(words) - left

    def _table(self, words: Words, codes: NDArray[np.int64]) -> NDArray[np.int16]:
        """(L + 1, R, W + 1)."""
        table = np.zeros((len(words) + 1, len(codes), codes.shape[1] + 1), np.int16)
        for number, word in enumerate(words):
            hit = codes == self._numbers.get(word, -2)
            row = np.maximum(table[number, :, 1:], table[number, :, :-1] + hit)
            np.maximum.accumulate(row, axis=1, out=table[number + 1, :, 1:])
        return table

    def _tables(self, words: Words) -> _Tables:
        if self._of is None or self._of[0] != words:
            last = self._table(words[::-1], self._codes[:, ::-1])[::-1, :, ::-1]
            self._of = words, _Tables(self._table(words, self._codes), last)
        return self._of[1]

    def best_word(self, words: Words, place: int, replaced: int) -> tuple[float, str]:
        """See `Target.best_word`; every word of the references is tried."""
        tables = self._tables(words)
        head, tail = tables.first[place], tables.last[place + replaced]
        without = (head + tail).max(axis=1)  # (R,)
        through = head[:, :-1] + 1 + tail[:, 1:]  # (R, W)
        row, column = np.nonzero((through > without[:, None]) & (self._codes >= 0))
        width = len(self._vocabulary)
        gaining = np.unique(row * width + self._codes[row, column])  # a word gains at most 1, once a reference
        length = len(words) - replaced + 1
        base = _f(without, length, self._lengths)
        gain = self._weights * (_f(without + 1, length, self._lengths) - base)
        gains = np.bincount(gaining % width, weights=gain[gaining // width], minlength=width)
        best = int(gains.argmax())
        return float(self._weights @ base + gains[best]), self._vocabulary[best]


def _sum(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of numbers of several limbs (limbs, R), the lowest first, modulo the highest."""
    total = first + second
    for limb in range(len(total) - 1):
        carried = (first[limb] & second[limb]) | ((first[limb] | second[limb]) & ~total[limb])
        total[limb + 1] += carried >> np.uint64(_BITS - 1)
    return total


def _f(common: NDArray[np.integer[Any]], length: int, lengths: NDArray[np.int64]) -> FloatArray:
    """The F-measure of coco for each reference; 0 where nothing is common."""
    f: FloatArray = (1 + COCO_BETA**2) * common / np.maximum(length + COCO_BETA**2 * lengths, 1)
    return f
