"""Logical, grounding and spatial precision and recall of phrases, after RadFact, by a judge in words of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from radtrace.geometry import covered
from radtrace.llm import Message
from radtrace.metrics.backing import Backing, Judge
from radtrace.metrics.grounding import TracePair
from radtrace.metrics.judged.asking import INERT, Form, ask_all, numbered, prompt, unusable_share
from radtrace.metrics.judged.phrases import Phrases, phrases_of
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, divided, mean_score, signature, summed_score
from radtrace.metrics.scoring import Metric

MOST = 200
"""Phrases of one report that a judge is asked about; of more, the answer counts as unusable."""
ENOUGH = 0.5
"""More than this share of a phrase's box lies in the boxes of its evidence where it is spatially entailed."""
Kind = Literal["logical", "grounding", "spatial"]
KINDS: tuple[Kind, ...] = ("logical", "grounding", "spatial")

INSTRUCTIONS = f"""\
Two reports describe the same chest film. For each phrase of the first, decide whether the second report entails it: \
whether someone who believes the second report must believe the phrase, with its negation, side, place, severity and \
certainty. A phrase that says more than the second report, or something else, is not entailed. Name as evidence the \
phrases of the second report that entail it, and none where it is not entailed.
{INERT}
Answer with only a JSON object that has each phrase of the first report once, by its number: {{"phrases": [{{"phrase": \
1, "entailed": true or false, "evidence": [numbers of phrases of the second report]}}]}}."""


class Entailment(Form):
    """Whether a phrase follows, and from which phrases; numbers count from 1."""

    phrase: int = Field(ge=1, le=MOST)
    entailed: bool
    evidence: list[int] = Field(max_length=MOST)


class Reading(Form):
    """The form of a chat model's answer."""

    phrases: list[Entailment] = Field(max_length=MOST)


@dataclass(frozen=True, slots=True)
class OneWay:
    """Shares of the phrases of one side, in [0, 1]; None where there are no phrases of the kind.

    logical: of all, those that the other side entails. grounding: of the entailed ones with a box, those whose box the
    evidence's boxes cover. spatial: the same of all with a box.
    """

    logical: float | None
    grounding: float | None
    spatial: float | None


def radfact_style(backing: Backing) -> Metric:
    """Precision, recall and F1 after RadFact (Bannur et al., "MAIRA-2: Grounded Radiology Report Generation", 2024).

    Precision is over the prediction's phrases given the reference's, recall the other way round. Corpus values are
    means over the pairs that have one, F1 the harmonic mean of these two means, as microsoft/RadFact computes them.
    What differs: one question a direction instead of one a phrase, in words of ours and without examples; phrases are
    the sentences of reports as `radtrace.reports` parts them, without the rewriting into single findings; areas are
    exact instead of counted on a grid. Two trace datasets have grounded phrases: the sentences of their steps, with the
    boxes of these; of reports alone grounding and spatial figures are None.

    A failed prediction is 0 in all figures (grounding and spatial ones where the reference has boxes), and so is a
    direction whose answer is unusable; the original counts such phrases as not entailed. A reference without phrases
    is not scored.

    Raises:  InputError where no judge is named; the metric raises what `ask_all` raises.
    """
    judge = backing.asked("radfact_style")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        forth = [phrases_of(pair) for pair in pairs]
        back = [(others, mine) for mine, others in forth]
        ids = [pair.id for pair in pairs]
        precise, complete = _read(judge, ids, forth), _read(judge, ids, back)
        precision = [_one_way(*ways, ways[1], read) for ways, read in zip(forth, precise, strict=True)]
        recall = [_one_way(*ways, ways[0], read) for ways, read in zip(back, complete, strict=True)]
        said: dict[str, object] = {
            "judge": judge.model,
            "phrases": "steps" if any(isinstance(pair, TracePair) for pair in pairs) else "radtrace.reports",
            "box": f">{ENOUGH:g} covered",
            "failed": "0",
        }
        asked = [bool(mine and others) for mine, others in forth]
        usable = [bool(first and second) for first, second in zip(precise, complete, strict=True)]
        return [*_figures(precision, recall, said), unusable_share("radfact_style_unusable", asked, usable, **said)]

    return scored


def _read(judge: Judge, ids: Sequence[str], ways: Sequence[tuple[Phrases, Phrases]]) -> list[Reading | None]:
    """The answers of one direction; None where nobody was asked, and where an answer is unusable."""
    answers = ask_all(judge, ids, [_question(*way) for way in ways], Reading)
    return [
        read if read and _is_sound(read, len(mine), len(others)) else None
        for read, (mine, others) in zip(answers, ways, strict=True)
    ]


def _question(mine: Phrases, others: Phrases) -> list[Message] | None:
    if not mine or not others or max(len(mine), len(others)) > MOST:
        return None
    first, second = (numbered([phrase.text for phrase in phrases]) for phrases in (mine, others))
    return prompt(INSTRUCTIONS, first=first, second=second)


def _one_way(mine: Phrases, others: Phrases, reference: Phrases, read: Reading | None) -> OneWay:
    """Of one direction; the worst where nothing is predicted or the answer is unusable, None without a reference."""
    if not reference:
        return OneWay(None, None, None)
    if read is None:
        boxes = 0.0 if any(phrase.box for phrase in reference) else None
        return OneWay(0.0, boxes, boxes)
    entailed = {each.phrase - 1: each.evidence for each in read.phrases if each.entailed}
    boxed = [place for place, phrase in enumerate(mine) if phrase.box]
    followed = [place for place in boxed if place in entailed]
    placed = sum(_is_placed(mine, place, others, entailed[place]) for place in followed)
    return OneWay(len(entailed) / len(mine), _share(placed, len(followed)), _share(placed, len(boxed)))


def _is_sound(read: Reading, mine: int, others: int) -> bool:
    """Each phrase once, and no evidence that does not exist."""
    numbers = sorted(each.phrase for each in read.phrases)
    return numbers == list(range(1, mine + 1)) and all(
        1 <= number <= others for each in read.phrases for number in each.evidence
    )


def _is_placed(mine: Phrases, place: int, others: Phrases, evidence: Sequence[int]) -> bool:
    own = mine[place].box
    boxes = [box for box in (others[number - 1].box for number in evidence) if box]
    return own is not None and bool(boxes) and covered([own], boxes) > ENOUGH


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _figures(precision: Sequence[OneWay], recall: Sequence[OneWay], said: dict[str, object]) -> list[Score]:
    scores = []
    for kind in KINDS:
        name = f"radfact_style_{kind}"
        mine = [getattr(way, kind) for way in precision]
        others = [getattr(way, kind) for way in recall]
        scores += [
            mean_score(f"{name}_{title}", values, signature(f"{name}_{title}", **said))
            for title, values in (("precision", mine), ("recall", others))
        ]
        scores.append(_f1(f"{name}_f1", mine, others, said))
    return scores


def _f1(name: str, precision: Sequence[float | None], recall: Sequence[float | None], said: dict[str, object]) -> Score:
    columns = np.array([precision, recall], np.float64)  # None becomes NaN
    known = ~np.isnan(columns)
    statistics = np.stack([np.where(known, columns, 0.0), known], axis=-1).transpose(1, 0, 2).reshape(-1, 4)
    values = harmonic(statistics)
    each = [None if np.isnan(value) else float(value) for value in values]
    return summed_score(name, each, signature(name, **said), statistics, harmonic)


def harmonic(sums: FloatArray) -> FloatArray:
    """Harmonic mean of two means of statistics (..., 4): sum and count of each; 0 where both are 0, NaN without one."""
    first, second = divided(sums[..., 0], sums[..., 1]), divided(sums[..., 2], sums[..., 3])
    whole = first + second
    return np.where(whole == 0, 0.0, divided(2 * first * second, whole))
