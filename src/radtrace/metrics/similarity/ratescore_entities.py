"""The entities that RaTEScore's first network finds in a report: sentence by sentence, token by token."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radtrace.errors import InputError
from radtrace.metrics.similarity.folders import read_network, read_tokenizer, weights_digest
from radtrace.reports import sentences

TYPES = ("ABNORMALITY", "ANATOMY", "DISEASE", "NON-ABNORMALITY", "NON-DISEASE")
"""What an entity may be; the last two are negated."""
_OUTSIDE = "O"
_BORDERS = ("[CLS]", "[SEP]")
_SHORTEST = 3
_LONGEST = 512
_AT_ONCE = 32

Entity = tuple[str, str]
"""Its words and its type."""
Split = Callable[[str], list[str]]
"""A report -> its sentences."""


@dataclass(frozen=True, slots=True)
class Recognizer:
    """The network that labels tokens (B-TYPE, I-TYPE, O), and how reports are parted before it reads them."""

    network: Any
    tokenizer: Any
    split: Split
    checkpoint: str

    @classmethod
    def load(cls, folder: Path, split: Split) -> "Recognizer":
        """The network of a folder. Raises InputError where it is none, or its labels are not of the five types."""
        network = read_network(folder, "ratescore", "AutoModelForTokenClassification")
        known = {_OUTSIDE, *(f"{place}-{kind}" for place in "BI" for kind in TYPES)}
        if strange := sorted(set(network.config.id2label.values()) - known):
            raise InputError(f"ratescore: {folder}: label {strange[0]!r} is none of RaTE-NER's")
        return cls(network, read_tokenizer(folder, "ratescore"), split, weights_digest(folder))

    def __call__(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each report in the order of its words; each different sentence is read once."""
        parted = [[part for part in map(str.strip, self.split(text)) if len(part) >= _SHORTEST] for text in texts]
        found = dict(
            self._read(sorted({part for parts in parted for part in parts}, key=lambda part: (len(part), part)))
        )
        return [[entity for part in parts for entity in found[part]] for parts in parted]

    def _read(self, parts: Sequence[str]) -> Iterator[tuple[str, list[Entity]]]:
        import torch

        names = self.network.config.id2label
        for start in range(0, len(parts), _AT_ONCE):
            some = list(parts[start : start + _AT_ONCE])
            read = self.tokenizer(some, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")
            with torch.inference_mode():
                chosen = self.network(**read.to(self.network.device)).logits.argmax(dim=2).tolist()
            masks, ids = read["attention_mask"].tolist(), read["input_ids"].tolist()
            for part, mask, row, labels in zip(some, masks, ids, chosen, strict=True):
                tokens = self.tokenizer.convert_ids_to_tokens(
                    [one for one, real in zip(row, mask, strict=True) if real]
                )
                named = [names[label] for label, real in zip(labels, mask, strict=True) if real]
                spans = entity_spans(tokens, named)
                yield (
                    part,
                    [(self.tokenizer.convert_tokens_to_string(tokens[a : b + 1]), kind) for a, b, kind in spans],
                )


def entity_spans(tokens: Sequence[str], labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first token, last token, type) of each entity, as RaTEScore 0.6.0 reads labels off a sentence.

    An entity has the type of its B-; what follows counts by B, I and O alone. An I- without a B- before it is none. An
    entity still open at the end reaches to the last token before the border, unless an earlier one ended directly
    before a B- since the last O: that one is lost there, and so here.
    """
    spans: list[tuple[int, int, str]] = []
    start: int | None = None
    kind = ""
    ended = False
    for place, (token, label) in enumerate(zip(tokens[:-1], labels, strict=False)):
        following = labels[place + 1][0]
        if token in _BORDERS or label == _OUTSIDE:
            continue
        begins = label[0] == "B"
        if begins:
            start, kind = place, label[2:]
        if begins and following == "I":
            continue
        if following != "I":
            if start is not None:
                spans.append((start, place, kind))
            ended = following == "B"
            start, kind = (place, label[2:]) if ended else (None, "")
    if start is not None and not ended:
        spans.append((start, len(tokens) - 2, kind))
    return spans


def our_sentences(text: str) -> list[str]:
    """The sentences that `radtrace.reports` finds."""
    return [text[span.start : span.end] for span in sentences(text)]


def medspacy_sentences() -> Split:
    """The splitter that RaTEScore itself uses: medspacy's PyRuSH on spaCy's English tokens.

    Raises:  InputError where medspacy is not installed.
    """
    try:
        import medspacy
        from loguru import logger
    except ModuleNotFoundError as error:
        raise InputError(
            "ratescore parts sentences with medspacy, which needs Python 3.12 beside numpy 2: pip install medspacy; "
            "ratescore_radtrace does without"
        ) from error
    logger.disable("PyRuSH")  # which logs every token
    logger.disable("medspacy")
    pipeline = medspacy.load(medspacy_enable=["medspacy_pyrush"])
    return lambda text: [str(sentence) for sentence in pipeline(text).sents]
