"""Hill climbing to the constant that scores best on training reports, good English or not."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import length_hint

from radtrace.evaluate.floors.targets import Target, Words
from radtrace.metrics.presets import Preset
from radtrace.runs import progress

SEED = 0
IN_VAIN = 8
"""After so many kicks that gain nothing the climb ends."""
_GAIN = 1e-9
_REPLACED, _DROPPED = 1, 2
_INSERTED = 0

Settle = Callable[[Words], Words]
"""Words -> those that are left when the text that they make is cleaned again."""


@dataclass(frozen=True, slots=True)
class Budget:
    """kicks, moves: at most so many of either; after IN_VAIN kicks that gain nothing the climb ends, too."""

    kicks: int
    moves: int


def climb(target: Target, start: Words, pool: Sequence[Words], settle: Settle, budget: Budget, name: str) -> Words:
    """The best constant found from a text by changing single words, and from there after each kick.

    A kick drops a sentence, adds one of the training reports', or both; what comes of it is kept where it is no worse.

    Args:    pool: sentences of the training reports, each as often as it occurs; name: for the progress on stderr.
    """
    rng = random.Random(SEED)  # noqa: S311
    moves = iter(range(budget.moves))
    best = settle(_ascend(target, start, rng, moves))
    score = target.score(best)
    vain = 0
    with progress(f"floor {name}", budget.kicks) as advance:
        for _ in range(budget.kicks):
            words = settle(_ascend(target, _kicked(best, pool, rng), rng, moves))
            reached = target.score(words)
            vain = 0 if reached > score + _GAIN else vain + 1
            if reached >= score:
                best, score = words, reached
            advance()
            if vain == IN_VAIN or not length_hint(moves):
                break
    return best


def _ascend(target: Target, words: Words, rng: random.Random, moves: Iterator[int]) -> Words:
    """Replace, put in and drop single words while that is better; the last one, mostly a stop, stays."""
    score = target.score(words)
    better = True
    while better:
        better = False
        tries = [(place, kind) for place in range(len(words) - 1) for kind in (_INSERTED, _REPLACED, _DROPPED)]
        rng.shuffle(tries)
        for (place, kind), _ in zip(tries, moves, strict=False):
            if place >= len(words) - 1:
                continue
            tried, reached = _moved(target, words, place, kind)
            if reached > score + _GAIN:
                words, score, better = tried, reached, True
    return words


def _moved(target: Target, words: Words, place: int, kind: int) -> tuple[Words, float]:
    if kind == _DROPPED:
        tried = words[:place] + words[place + 1 :]
        return tried, target.score(tried)
    score, word = target.best_word(words, place, kind)
    return (*words[:place], word, *words[place + kind :]), score


def _kicked(words: Words, pool: Sequence[Words], rng: random.Random) -> Words:
    parts = sentences_of(words)
    dropping = rng.random() < 0.5 and len(parts) > 1
    if dropping:
        parts.pop(rng.randrange(len(parts)))
    if not dropping or rng.random() < 0.5:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(pool))
    return tuple(word for part in parts for word in part)


def sentences_of(words: Words) -> list[Words]:
    """The words up to each stop, whether it stands alone or at the end of a word."""
    parts: list[Words] = []
    start = 0
    for place, word in enumerate(words, start=1):
        if word.endswith(".") or place == len(words):
            parts.append(words[start:place])
            start = place
    return parts


def as_text(words: Words, preset: Preset) -> str:
    """A text that the preset cleans into these words, as nearly as there is one."""
    spaced = " ".join(words)
    closed = spaced.replace(" .", ".")
    return spaced if tuple(preset.prediction(spaced).split(" ")) == words else closed


def settling(preset: Preset) -> Settle:
    """See `Settle`."""
    return lambda words: tuple(preset.prediction(as_text(words, preset)).split())
