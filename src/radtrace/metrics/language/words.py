"""The cleaned texts of pairs, and their n-grams as numbers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset

IntArray = NDArray[np.int64]
_CODES = 1 << 62


def texts(pairs: Sequence[Pair], preset: Preset) -> Iterator[tuple[str, str] | None]:
    """(prediction, reference) of each pair as the preset cleans them; None where unscored, "" where it failed."""
    for pair in pairs:
        predicted, wanted = pair.predicted, pair.wanted
        if wanted:
            yield predicted and preset.prediction(predicted), preset.reference(wanted)
        else:
            yield None


@dataclass(frozen=True, slots=True)
class Grams:
    """The words of M texts, two a pair: text 2i is what pair i predicted, text 2i + 1 its reference.

    words: (W,) a number a word; text: (W,) the text it stands in; lengths: (M,) words a text.
    """

    words: IntArray
    text: IntArray
    lengths: IntArray

    @classmethod
    def of(cls, cleaned: Sequence[tuple[str, str] | None]) -> "Grams":
        """The words that blanks part, of no words where a pair is unscored."""
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        words: list[int] = []
        lengths: list[int] = []
        for pair in cleaned:
            for side in pair or ("", ""):
                split = side.split()
                lengths.append(len(split))
                words.extend(map(numbers.__getitem__, split))
        text = np.repeat(np.arange(len(lengths)), lengths)
        return cls(np.array(words, np.int64), text, np.array(lengths, np.int64))

    def totals(self, order: int) -> IntArray:
        """(M,) n-grams of this order in each text."""
        return np.maximum(self.lengths - order + 1, 0)

    def clipped(self, order: int) -> IntArray:
        """(M/2,) n-grams that prediction and reference of a pair share, each counted as often as both have it."""
        codes, text = self._codes(order)
        pairs = len(self.lengths) // 2
        if not len(codes):
            return np.zeros(pairs, np.int64)
        width = int(codes.max()) + 1
        if pairs * width * 2 > _CODES:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
            width = int(codes.max()) + 1
        # One number for pair, n-gram and side, sorted: equal n-grams of a pair stand together, predictions first.
        keys = np.sort(((text >> 1) * width + codes) * 2 + (text & 1))
        starts = np.flatnonzero(np.diff(keys >> 1, prepend=-1))
        sizes = np.diff(starts, append=len(keys))
        of_reference = np.add.reduceat(keys & 1, starts)
        shared = np.minimum(of_reference, sizes - of_reference)
        of_pair = (keys[starts] >> 1) // width
        return np.bincount(of_pair, weights=shared, minlength=pairs).astype(np.int64)

    def _codes(self, order: int) -> tuple[IntArray, IntArray]:
        """A number for each n-gram, the same for the same n-gram, and the text that it stands in."""
        base = width = int(self.words.max(initial=0)) + 1
        codes = self.words
        for further in range(1, order):
            if width * base > _CODES:
                codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
                width = int(codes.max(initial=0)) + 1
            codes = codes[:-1] * base + self.words[further:]
            width *= base
        whole = self.text[: len(codes)] == self.text[order - 1 :][: len(codes)]
        return codes[whole], self.text[: len(codes)][whole]
