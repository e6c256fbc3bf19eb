"""Floors that write a report: constants, climbed constants, a random report."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from radtrace.evaluate.floors.climbing import IN_VAIN, SEED, Budget, as_text, climb, sentences_of, settling
from radtrace.evaluate.floors.label_climb import climb_labels
from radtrace.evaluate.floors.targets import BleuTarget, RougeTarget, Target, Words
from radtrace.evaluate.floors.train import Train
from radtrace.metrics.clinical.rules import Scheme
from radtrace.metrics.presets import Preset, Uncertain
from radtrace.metrics.scores import signature

_BUDGETS = {"climbed_bleu_4": Budget(40, 20_000), "climbed_rouge_l": Budget(12, 8_000)}


@dataclass(frozen=True, slots=True)
class TextFloor:
    """A floor's predictions by study; None where it has none. signature: rule, seed and training reports."""

    name: str
    signature: str
    predictions: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class LabelTarget:
    """Labels that a constant is climbed for."""

    scheme: Scheme
    uncertain: Uncertain


def text_floors(train: Train, ids: Sequence[str], preset: Preset, labels: LabelTarget) -> Iterator[TextFloor]:
    """Best existing constants, three climbed ones, and random reports, for the studies of these ids."""
    sample = train.sample()
    said = {**train.said, "fitted_on": len(sample)}
    constants = _Constants(sample, preset)
    for name, rule, text in constants.found(labels):
        signed = signature(name, rule=rule, seed=SEED, **said)
        yield TextFloor(name, signed, dict.fromkeys(ids, text))
    rng = random.Random(SEED)  # noqa: S311
    reports = list(train.texts.values())
    drawn = {study: rng.choice(reports) for study in ids}
    yield TextFloor("random", signature("random", rule="one draw a study", seed=SEED, **train.said), drawn)


class _Constants:
    """Texts that are the same for every study, chosen on training reports alone."""

    def __init__(self, sample: Mapping[str, str], preset: Preset) -> None:
        self._texts = list(sample.values())
        self._preset = preset
        self._references: list[Words] = [tuple(preset.reference(text).split()) for text in self._texts]
        self._pool = [part for words in self._references for part in sentences_of(words)]
        self._bleu, self._rouge = BleuTarget(self._references), RougeTarget(self._references)

    def found(self, labels: LabelTarget) -> Iterator[tuple[str, str, str]]:
        """(name, rule, text)."""
        predictions = [tuple(self._preset.prediction(text).split()) for text in self._texts]
        bleu = [self._bleu.score(words) for words in predictions]
        rouge = [self._rouge.score(words) for words in predictions]
        mean = [(first + second) / 2 for first, second in zip(bleu, rouge, strict=True)]
        best = "existing report, best train"
        yield "constant", f"{best} mean of bleu_4 and coco rouge_l", self._texts[_first_best(mean)]
        yield "constant_bleu_4", f"{best} bleu_4", self._texts[_first_best(bleu)]
        yield "constant_rouge_l", f"{best} coco rouge_l", self._texts[_first_best(rouge)]
        target: Target
        for name, target, scores in (("climbed_bleu_4", self._bleu, bleu), ("climbed_rouge_l", self._rouge, rouge)):
            budget = _BUDGETS[name]
            start = predictions[_first_best(scores)]
            words = climb(target, start, self._pool, settling(self._preset), budget, name)
            measure = "bleu_4" if target is self._bleu else "coco rouge_l"
            rule = f"words climbed for train {measure}, moves {budget.moves}, kicks {budget.kicks}, in vain {IN_VAIN}"
            yield name, rule, as_text(words, self._preset)
        text = climb_labels(self._texts, labels.scheme, labels.uncertain)
        rule = f"sentences climbed for train micro F1 of {labels.scheme} by our rules, uncertain {labels.uncertain}"
        yield "climbed_labels", rule, text


def _first_best(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)
