"""How much of one report another one says: what a report is chosen by where several stand beside each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from radtrace.metrics.language.cleaners import clean_r2gen
from radtrace.metrics.language.rouge import COCO_BETA

_RECALL = 0.85
"""Weight of recall in the mean of precision and recall: as in METEOR 1.5, so that a short report does not win."""
_ORDER = 6.0
"""Weight of ROUGE-L, which alone minds the order, beside that mean."""
Floats = npt.NDArray[np.float64]


@lru_cache(1 << 14)
def cleaned(text: str) -> str:
    """As a report is compared."""
    return clean_r2gen(text)


@lru_cache(1 << 14)
def bag(text: str) -> Counter[str]:
    """How often each word stands in a text."""
    return Counter(cleaned(text).split())


class Crowd:
    """Texts that one is compared with, all at once.

    Likeness is ROUGE-L, which alone minds the order, six times, and the weighted mean of the words' precision and
    recall; in 0-7. Each word is a bit of one whole number, and a bit that stays nought parts the texts, so that sums in
    one text do not carry into the next: the longest common subsequences with hundreds of texts are found at once.

    Source:  Lin 2004; Denkowski and Lavie, "METEOR Universal", 2014, the mean alone: no stems, synonyms or chunks;
        Hyyrö, "Bit-parallel LCS-length computation revisited", 2004.
    Raises:  ValueError where there is no text.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        if not texts:
            raise ValueError("a crowd is not empty")
        rows = [cleaned(text).split(" ") for text in texts]
        self._lengths: Floats = np.array([len(row) for row in rows], np.float64)
        self._starts = np.array([0, *accumulate(len(row) + 1 for row in rows)][:-1])
        places: dict[str, list[int]] = {}
        for start, row in zip(self._starts.tolist(), rows, strict=True):
            for at, word in enumerate(row, start):
                places.setdefault(word, []).append(at)
        bits = int(self._starts[-1]) + len(rows[-1]) + 1
        self._bytes = -(-bits // 8)
        self._places = {word: self._number(each) for word, each in places.items()}
        self._all = self._number([at for each in places.values() for at in each])
        bags = [bag(text) for text in texts]
        self._totals: Floats = np.array([each.total() for each in bags], np.float64)
        self._bags = {word: np.array([each[word] for each in bags], np.int32) for word in set().union(*bags)}

    def likeness(self, text: str) -> float:
        """Of a text, on average with all of these."""
        words = cleaned(text).split(" ")
        return float((_ORDER * self._rouge_l(words) + self._shared(bag(text))).mean())

    def promise(self, words: Mapping[str, int]) -> float:
        """The weighted mean of precision and recall alone, in 0-1, which is quicker."""
        return float(self._shared(words).mean())

    def _rouge_l(self, words: Sequence[str]) -> Floats:
        row = self._all
        for here in filter(None, map(self._places.get, words)):
            matched = row & here
            row = ((row + matched) | (row - matched)) & self._all
        left = np.unpackbits(np.frombuffer(row.to_bytes(self._bytes, "little"), np.uint8), bitorder="little")
        common = self._lengths - np.add.reduceat(left, self._starts, dtype=np.int64)
        precision, recall = common / len(words), common / self._lengths
        worth = recall + COCO_BETA**2 * precision
        return (1 + COCO_BETA**2) * precision * recall / np.where(common > 0, worth, 1.0)

    def _shared(self, words: Mapping[str, int]) -> Floats:
        both: Floats = np.zeros(len(self._totals))
        for word, count in words.items():
            if word in self._bags:
                both += np.minimum(self._bags[word], count)
        most = _RECALL * self._totals + (1 - _RECALL) * sum(words.values())
        return both / np.where(most > 0, most, 1.0)

    def _number(self, places: Sequence[int]) -> int:
        bits = np.zeros(self._bytes * 8, np.uint8)
        bits[list(places)] = 1
        return int.from_bytes(np.packbits(bits, bitorder="little").tobytes(), "little")
