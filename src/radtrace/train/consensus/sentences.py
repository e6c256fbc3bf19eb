"""Sentences that radiologists wrote, each with what it says is there and what it denies."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from radtrace.decode.choosing.plain import plain_sentences
from radtrace.decode.choosing.statements import is_heading
from radtrace.decode.choosing.told import Sentence, read_sentence
from radtrace.decode.words import BLANKS, COMPARING, Ban, known_words
from radtrace.dialects.mending.blanks import BLANK
from radtrace.metrics.clinical.priors import compares
from radtrace.reports import dangles, sentences, without_list_number

_BAN = Ban((*BLANKS, *COMPARING))
_POINTING = frozenset(
    ("otherwise", "also", "additionally", "specifically", "above", "this", "these", "other", "remainder", "developed")
)
"""Words that point to another sentence or film, which may not be there."""
_WORD = re.compile(r"[a-z]+")
_SLIP = re.compile(
    r"\.\.|\s[.,;:]|\(\s*\)|^(?:and|at|but|for|in|of|or|to|which|with|without)\b"
    r"|\b(?:and|bilateral|left|no|or|right|the)\W*$",
    re.IGNORECASE,
)
"""Marks without words, and sentences that lack their beginning or their end."""
_UNSEEN = re.compile(
    r"\d|\b(?:tips?|views?|lateral|obscur\w*|limited|suboptimal|end of report|notif\w*|postoperative|tubercul\w*)\b",
    re.IGNORECASE,
)
"""Sizes, counts, where a tube ends, how films were taken and whom the report was told: nobody decided them."""
_WHERE = re.compile(r"\b(?:lobes?|lobar|lingula|mid ?lungs?|mid zones?|abdomen|quadrant|air ?space)\b", re.IGNORECASE)
"""Where on a side a finding is, and of what kind an opacity is."""
_SOME, _SEVERAL, _SHORT = 2, 3, 12


def pool_of(sections: Iterable[str]) -> list[Sentence]:
    """The sentences that can be said of one film alone, in words that go together in more than one section.

    The usual come first; one that finds nothing stands in several sections. Last come plain ones for every finding.
    """
    texts = list(sections)
    use = _Use.of(texts)
    counts = Counter(sentence for text in texts for sentence in dict.fromkeys(_sentences(text)))
    written = _read_all(counts, lambda text: _is_sound(text, use))
    kept = [each for each in written if each.count >= (_SOME if each.present else _SEVERAL)]
    known = {each.text for each in kept}
    return [*kept, *(replace(each, count=0) for each in plain_sentences() if each.text not in known)]


def wholes_of(sections: Iterable[str]) -> list[Sentence]:
    """The same of whole short sections, each as if it were one sentence, without the plain ones."""
    texts = list(sections)
    use = _Use.of(texts)
    counts = Counter(" ".join(_sentences(text)) for text in texts if len(text.split()) <= _SHORT)
    read = _read_all(counts, lambda text: all(_is_sound(sentence, use) for sentence in _sentences(text)))
    return [each for each in read if each.count >= (_SOME if each.present else _SEVERAL)]


@dataclass(frozen=True, slots=True)
class _Use:
    """Words, and pairs of neighbours, that more than one section has: what stands in one alone may be a slip."""

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        found = Counter(pair for text in texts for pair in set(pairwise(_letters(text))))
        return cls(frozenset(known_words(texts)), frozenset(pair for pair, count in found.items() if count > 1))

    def has(self, text: str) -> bool:
        words = _letters(text)
        return self.words.issuperset(words) and self.pairs.issuperset(pairwise(words))


def _read_all(counts: Counter[str], is_sound: Callable[[str], bool]) -> list[Sentence]:
    read = ((read_sentence(text), count) for text, count in counts.most_common() if text and is_sound(text))
    return [replace(sentence, count=count) for sentence, count in read if sentence and not _is_detailed(sentence)]


def _is_detailed(sentence: Sentence) -> bool:
    """Whether it says more of a finding than that it is there and on which side, which is all that was decided."""
    return bool(sentence.present and (sentence.degrees or _WHERE.search(sentence.text)))


def _sentences(text: str) -> Iterator[str]:
    for span in sentences(text):
        yield text[without_list_number(text, span.start, span.end) : span.end]


def _is_sound(text: str, use: _Use) -> bool:
    return (
        text[:1].isupper()
        and text.endswith(".")
        and not any(fault.search(text) for fault in (_SLIP, _UNSEEN, BLANK))
        and not (dangles(text) or is_heading(text) or compares(text))
        and not any(word in _POINTING or _BAN.bars(word) for word in _letters(text))
        and use.has(text)
    )


def _letters(text: str) -> list[str]:
    """The words, in lower case."""
    return _WORD.findall(text.lower())
