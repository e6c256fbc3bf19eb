"""Answers to questions as pairs, and the figures of `radtrace.metrics.reasoning.vqa` over them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radtrace.errors import RecipeError
from radtrace.metrics.backing import Backing
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.reasoning.answer_files import read_answers
from radtrace.metrics.reasoning.vqa import Answer
from radtrace.metrics.reasoning.vqa import vqa as figures
from radtrace.metrics.scores import Score

OPEN_BY = "ratescore"
"""The metric of `radtrace.metrics.scoring.BACKED` that compares open answers where its checkpoint is given."""


@dataclass(frozen=True, slots=True)
class AnswerPair(Pair):
    """A pair that is an answer to a question."""

    answer: Answer


def answer_pairs(preds: Path, refs: Path) -> Iterator[AnswerPair]:
    """The pairs of answers and questions in the order of the questions. Raises what `read_answers` raises."""
    for answer in read_answers(preds, refs):
        yield AnswerPair(answer.id, answer.predicted, answer.reference, answer)


def vqa(backing: Backing) -> Callable[[Sequence[Pair], Preset], list[Score]]:
    """The figures of answers by rules, and of open answers by `OPEN_BY` where its checkpoint is given.

    Raises:  InputError where such a checkpoint cannot be read; the metric raises RecipeError for pairs of no answers.
    """
    from radtrace.metrics.scoring import metric  # the table names this module

    of_texts = metric(OPEN_BY, backing) if OPEN_BY in backing.checkpoints else None

    def scored(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        answers = [pair.answer for pair in pairs if isinstance(pair, AnswerPair)]
        if len(answers) < len(pairs):
            raise RecipeError("vqa reads answers to questions: --preds and --refs are their JSON Lines")
        scores = figures(answers)
        if of_texts:
            scores += [renamed(score) for score in among_open(of_texts, pairs, answers, preset)]
        return scores

    return scored


def renamed(score: Score) -> Score:
    """A score of a metric of texts as one of open answers: "ratescore" -> "vqa_open_ratescore"."""
    return replace(score, name=f"vqa_open_{score.name}", signature=f"vqa_open_{score.signature}")


def among_open(
    function: Callable[[Sequence[Pair], Preset], list[Score]],
    pairs: Sequence[Pair],
    answers: Sequence[Answer],
    preset: Preset,
) -> list[Score]:
    """The scores of a metric of texts over the open answers; the others have no value and add nothing."""
    places = [place for place, answer in enumerate(answers) if answer.kind == "open"]
    return [_spread(score, places, len(pairs)) for score in function([pairs[place] for place in places], preset)]


def _spread(score: Score, places: Sequence[int], count: int) -> Score:
    """A score of the pairs at these places as one of all."""
    values: list[float | None] = [None] * count
    for place, value in zip(places, score.per_sample, strict=True):
        values[place] = value
    statistics = None
    if score.statistics is not None:
        statistics = np.zeros((count, score.statistics.shape[1]))
        statistics[list(places)] = score.statistics
    return replace(score, per_sample=tuple(values), statistics=statistics)
