"""What a report or a trace says, phrase by phrase, each with the place it is said of."""

from dataclasses import dataclass
from itertools import zip_longest

from radtrace.geometry import Box
from radtrace.metrics.grounding import TracePair
from radtrace.metrics.pairs import Pair
from radtrace.reports import sentence_bounds, without_list_number


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence. box: None where it is grounded nowhere."""

    text: str
    box: Box | None = None


Phrases = tuple[Phrase, ...]


def phrases_of(pair: Pair) -> tuple[Phrases, Phrases]:
    """The phrases of the prediction and of the reference, empty where there are none.

    Of a `TracePair` these are the sentences of the steps, each with the box of its step; otherwise those of the
    reports, without boxes.
    """
    if not isinstance(pair, TracePair):
        return _sentences(pair.predicted, None), _sentences(pair.wanted, None)
    return (
        _of_steps(pair.predicted_steps or (), pair.predicted_boxes),
        _of_steps(pair.reference_steps, pair.reference_boxes),
    )


def _of_steps(rationales: tuple[str, ...], boxes: tuple[Box | None, ...]) -> Phrases:
    grounded = zip_longest(rationales, boxes)
    return tuple(phrase for text, box in grounded for phrase in _sentences(text or "", box))


def _sentences(text: str, box: Box | None) -> Phrases:
    """The sentences that have a letter or a digit, without list numbers."""
    texts = (text[without_list_number(text, start, end) : end] for start, end in sentence_bounds(text))
    return tuple(Phrase(text, box) for text in texts if any(map(str.isalnum, text)))
