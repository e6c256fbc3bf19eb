"""The sentences that together say what was decided and are most like what radiologists wrote of such studies.

Source:  minimum Bayes risk (Kumar and Byrne 2004) with reports in the place of samples, sought by hill climbing; a
    model that learns what comes out of it is spared the search (Finkelstein et al., "MBR and QE Finetuning", 2024).
"""

import random
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from radtrace.decode.choosing.likeness import Crowd
from radtrace.decode.choosing.told import Sentence, Told

_ENOUGH = 1e-9
_NARROW = 1
"""Findings of a sentence that is tried first: one that speaks of many leaves no place for several that are likelier."""
_GONE = (1, 2, 2, 3)
"""How many sentences are taken out where a climb starts anew."""
_BESIDE = 24
"""Texts from which a last look sets out, since two sentences may be better than one where neither is alone."""
Text = tuple[Sentence, ...]
Rank = tuple[int, float]


def crowd_of(texts: Sequence[str]) -> Crowd:
    """Of those that say anything."""
    return Crowd([text for text in texts if text.strip()] or [""])


def told_as(text: Text) -> str:
    """The sentences as a section of a report."""
    return " ".join(sentence.text for sentence in text)


@dataclass(slots=True)
class Search:
    """pool: sentences to choose from, the most frequent first.

    usual: how many of those that find nothing are tried; rare: how many of those that say a finding.
    """

    pool: Sequence[Sentence]
    usual: int = 200
    rare: int = 30
    _normal: list[Sentence] = field(init=False)
    _finding: dict[str, list[Sentence]] = field(init=False)

    def __post_init__(self) -> None:
        self._normal = [sentence for sentence in self.pool if not sentence.present]
        self._finding = {}
        for sentence in self.pool:
            for label in sentence.found:
                self._finding.setdefault(label, []).append(sentence)

    def options(self, told: Told) -> list[Sentence]:
        """The sentences that may be said of a study of which this was decided."""
        normal = [sentence for sentence in self._normal if sentence.suits(told)][: self.usual]
        found = [sentence for label in sorted(told.labels) for sentence in self._saying(label, told)]
        return list(dict.fromkeys([*found, *normal]))

    def _saying(self, label: str, told: Told) -> list[Sentence]:
        """The usual sentences that say a finding, and plain ones of what these leave unsaid."""
        fit = [each for each in self._finding.get(label, ()) if each.suits(told)]
        written = [each for each in fit if each.count]
        known = {each.present for each in written}
        return [*written[: self.rare], *(each for each in fit if not each.count and each.present not in known)]

    def best(self, told: Told, reports: Sequence[str], start: Text, again: int, seed: int) -> Text:
        """The best text that was found.

        Args:    reports: that radiologists wrote of such studies. start: sentences to begin with; what does not suit is
            left out. again: climbs from the best text without some of its sentences.
        """
        options = self.options(told)
        rng = random.Random(seed)  # noqa: S311
        climb = _Climb(told, crowd_of(reports), options)
        broad = {sentence for sentence in options if len(sentence.about) > _NARROW}
        narrow = climb.up(tuple(sentence for sentence in start if sentence.suits(told)), broad)
        best = climb.up(narrow)
        for _ in range(again):
            gone = set(rng.sample(best, min(len(best), rng.choice(_GONE))))
            left = tuple(sentence for sentence in best if sentence not in gone)
            best = min(best, climb.up(climb.up(left, gone | broad)), key=climb.rank)
        return climb.beside(best) if again else best


@dataclass(slots=True)
class _Climb:
    told: Told
    crowd: Crowd
    options: Sequence[Sentence]
    _ranks: dict[Text, Rank] = field(default_factory=dict)

    def rank(self, text: Text) -> Rank:
        """What is decided and not said, and how unlike the reports the text is: less is better."""
        if text not in self._ranks:
            said = frozenset().union(*(sentence.present for sentence in text))
            missing = len(self.told.columns - said) + len(self.told.labels - Told(said).labels)
            self._ranks[text] = missing, -self.crowd.likeness(told_as(text))
        return self._ranks[text]

    def up(self, text: Text, barred: AbstractSet[Sentence] = frozenset()) -> Text:
        """The top that is reached by dropping, adding and exchanging sentences."""
        while True:
            after = list(self._changes(text, barred))
            if not after:
                return text
            best = min(after, key=self.rank)
            (missing, unlike), now = self.rank(best), self.rank(text)
            if (missing, unlike) >= (now[0], now[1] - _ENOUGH):
                return text
            text = best

    def beside(self, text: Text) -> Text:
        """The best that is reached through texts that speak of something else, each at its best for that."""
        while True:
            near: dict[frozenset[frozenset[str]], Text] = {}
            for other in sorted(self._changes(text, frozenset()), key=self.rank):
                near.setdefault(frozenset(sentence.about for sentence in other), other)
            best = min(map(self.up, list(near.values())[:_BESIDE]), key=self.rank, default=text)
            if self.rank(best) >= self.rank(text):
                return text
            text = best

    def _changes(self, text: Text, barred: AbstractSet[Sentence]) -> Iterator[Text]:
        fresh = [sentence for sentence in self.options if sentence not in text and sentence not in barred]
        for at in range(len(text)):
            without = text[:at] + text[at + 1 :]
            if without:
                yield without
            yield from _with(without, text[at])
        for sentence in fresh:
            yield from _with(tuple(other for other in text if not _repeats(sentence, other)), sentence)


def _with(text: Text, sentence: Sentence) -> Iterator[Text]:
    """The text with a sentence more, in every place that its rank leaves open."""
    low = sum(other.rank < sentence.rank for other in text)
    high = sum(other.rank <= sentence.rank for other in text)
    for at in range(low, high + 1):
        yield (*text[:at], sentence, *text[at:])


def _repeats(one: Sentence, other: Sentence) -> bool:
    """Whether they speak of the same; of those about no finding there is one a domain, and one of normal lungs."""
    silent = not (one.about - {one.domain} and other.about - {other.domain})
    alike = (silent and one.domain == other.domain) or (one.is_of_lungs and other.is_of_lungs)
    return alike or bool(one.about & other.about)
