"""Sentences that radiologists wrote, each with what it says is there and what it denies."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from radtrace.anatomy import DOMAIN_OF, FINDINGS
from radtrace.build.annotate import READING_ORDER
from radtrace.decode.choosing.choice import OPAQUE, says_clear
from radtrace.decode.choosing.statements import is_heading
from radtrace.decode.words import BLANKS, COMPARING, Ban, known_words
from radtrace.dialects.mending.blanks import BLANK
from radtrace.findings import annotate
from radtrace.findings.places import fill
from radtrace.metrics.clinical.priors import compares
from radtrace.models.encoder import ABNORMAL, DEVICES
from radtrace.records import Report
from radtrace.reports import dangles, sentences, without_list_number
from radtrace.train.consensus.plain import plain
from radtrace.train.encoder.targets import LIKELY, read_report

_BAN = Ban((*BLANKS, *COMPARING))
_BELIED = {
    "Hyperinflation": {"Low Lung Volumes"},
    "Emphysema": {"Low Lung Volumes"},
    "COPD": {"Low Lung Volumes"},
    "Pleural Effusion": {"Blunted Costophrenic Angle"},
    "Edema": {"Vascular Congestion"},
    "Pneumonia": {"Consolidation", "Infiltration"},
    "Infiltration": {"Consolidation", "Pneumonia"},
    "Consolidation": {"Infiltration", "Pneumonia"},
}
"""Finding -> what nobody denies beside it: no hyperinflated lung is normally inflated, no effusion has sharp angles."""
_POINTING = frozenset(
    ("otherwise", "also", "additionally", "specifically", "above", "this", "these", "other", "remainder", "developed")
)
"""Words that point to another sentence or film, which may not be there."""
_ACUTE = frozenset({"Lung Opacity", "Consolidation", "Pneumonia", "Edema", "Pneumothorax", "Pleural Effusion"})
"""CheXpert's classes with one of which nobody writes that nothing is acute."""
_NOTHING_ACUTE = re.compile(
    r"\b(?:no|without|negative for)\b[^.]*\b(?:acute|active)\b(?! (?:bon|osseous|skelet|fracture))", re.IGNORECASE
)
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
_AIRED = re.compile(r"\b(?:aerated|expanded|inflated)\b", re.IGNORECASE)
_SOME, _SEVERAL, _SHORT = 2, 3, 12
_MADE_UP = frozenset({ABNORMAL, DEVICES})


@dataclass(frozen=True, slots=True)
class Told:
    """What is decided of a study. columns: of an encoder, the sides of findings among them; labels: of `FINDINGS`."""

    columns: frozenset[str]

    @property
    def labels(self) -> frozenset[str]:
        """The findings, without their sides."""
        return frozenset(name.partition(", ")[0] for name in self.columns)

    @property
    def is_opaque(self) -> bool:
        """Whether some of it makes a lung opaque."""
        return bool(self.labels & OPAQUE)

    @property
    def is_acute(self) -> bool:
        """Whether some of it may be acute."""
        return any(FINDINGS[label].chexpert in _ACUTE for label in self.labels)

    @property
    def undeniable(self) -> frozenset[str]:
        """The findings that no sentence may deny."""
        opaque = {"Lung Opacity"} if self.is_opaque else set[str]()
        return self.labels.union(opaque, *(_BELIED.get(label, ()) for label in self.labels))

    @property
    def has_bones(self) -> bool:
        """Whether some of it is a bone's: then the others are not told normal in one breath with it."""
        places = {name for label in self.labels for name in fill(FINDINGS[label].regions, ())}
        return any(DOMAIN_OF.get(name) == "bone" for name in places)

    @classmethod
    def of(cls, columns: Iterable[str]) -> Self:
        """Without the columns that only sum up others."""
        return cls(frozenset(columns) - _MADE_UP)


@dataclass(frozen=True, slots=True)
class Sentence:
    """text: verbatim. present: columns that it says are there; absent: findings that it denies.

    degrees: (finding, severity) that it states. domain: of its first place. count: reports that say it.
    """

    text: str
    present: frozenset[str]
    absent: frozenset[str]
    degrees: frozenset[tuple[str, str]]
    domain: str
    count: int = 1

    @property
    def found(self) -> frozenset[str]:
        """The findings that it says are there."""
        return Told(self.present).labels

    @property
    def about(self) -> frozenset[str]:
        """The findings that it speaks of, or else where it belongs."""
        return self.found | self.absent or frozenset((self.domain,))

    @property
    def is_of_lungs(self) -> bool:
        """Whether it tells of lungs in which nothing is found."""
        return not self.present and (says_clear(self.text) or bool(_AIRED.search(self.text)))

    @property
    def rank(self) -> tuple[int, bool]:
        """Its place in a trace: the domains in their order, what is found in one before what is not."""
        return [*map(str, READING_ORDER)].index(self.domain), not self.present

    def suits(self, told: Told) -> bool:
        """Whether it says nothing but what was decided."""
        if not self.present <= told.columns or self.absent & told.undeniable:
            return False
        belied = (
            told.is_opaque and says_clear(self.text),
            told.is_acute and _NOTHING_ACUTE.search(self.text),
            told.has_bones and self.domain == "bone" and not self.present,
        )
        return not any(belied)


def pool_of(sections: Iterable[str]) -> list[Sentence]:
    """The sentences that can be said of one film alone, in words that go together in more than one section.

    The usual come first; one that finds nothing stands in several sections. Last come plain ones for every finding.
    """
    texts = list(sections)
    use = _Use.of(texts)
    counts = Counter(sentence for text in texts for sentence in dict.fromkeys(_sentences(text)))
    written = _read_all(counts, lambda text: _is_sound(text, use))
    return [*(each for each in written if each.count >= (_SOME if each.present else _SEVERAL)), *_plain()]


def _plain() -> Iterator[Sentence]:
    for label, text, columns in plain():
        sentence = _read(text)
        if sentence and sentence.found == {label} and len(sentence.present) == columns:
            yield replace(sentence, count=0)


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
    read = ((_read(text), count) for text, count in counts.most_common() if text and is_sound(text))
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


def _read(text: str) -> Sentence | None:
    """What a text says; None where it leaves something open."""
    said, _ = read_report(Report(findings=text))
    annotations = annotate(text)
    findings = [finding for annotation in annotations for finding in annotation.findings]
    if any(finding.status == "uncertain" for finding in findings):
        return None
    named = {DOMAIN_OF[name] for annotation in annotations for name in annotation.regions}
    home = next((domain for domain in READING_ORDER if domain in named), "general")
    present = frozenset(name for name, value in said.items() if value >= LIKELY) - _MADE_UP
    absent = frozenset(finding.label for finding in findings if finding.status == "absent")
    degrees = frozenset((each.label, each.severity) for each in findings if each.status == "present" and each.severity)
    return None if absent & Told(present).labels else Sentence(text, present, absent, degrees, home)
