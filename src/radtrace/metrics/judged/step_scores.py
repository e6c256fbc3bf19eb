"""Relevance and correctness of reasoning steps, and completeness of them all: DeepMedix-R1's expert criteria.

Source:  DeepMedix-R1, Methods, Expert Annotation: relevance, whether what a step describes is relevant to the correct
    answer; correctness, whether it truly reflects the film; completeness, whether all the steps suffice for the correct
    answer. There physicians look at the film; here rules or a chat model look at the reference's steps and report, and
    completeness is a share of these steps instead of yes or no.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import or_
from statistics import fmean

from pydantic import Field

from radtrace.errors import RecipeError
from radtrace.llm import Message
from radtrace.metrics.backing import Backing
from radtrace.metrics.grounding import TracePair
from radtrace.metrics.judged.asking import INERT, Form, ask_all, numbered, prompt, unusable_share
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.reasoning.radrscore import RULES, Reasoned, entities, rules_judge
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.metrics.scoring import Metric
from radtrace.reports import sentence_bounds

FIGURES = ("relevance", "correctness", "completeness")
_MOST = 100
"""Steps of one side that a judge is asked about; of more, the answer counts as unusable."""

INSTRUCTIONS = f"""\
A model reasoned step by step about a chest film. Compare its steps with the steps of the reference and with the \
radiologist's report of the film.
For each step of the model say whether it is relevant: whether it speaks of something that matters for the report's \
conclusions, normal findings included; and whether it is correct: whether everything it states holds by the reference \
or the report. A normal statement that they are silent on is correct; an abnormal one is not.
For each step of the reference say whether the model's steps together cover what it says.
{INERT}
Answer with only a JSON object that has each step once, by its number: {{"model": [{{"step": 1, "relevant": true or \
false, "correct": true or false}}], "reference": [{{"step": 1, "covered": true or false}}]}}."""


class OfModel(Form):
    """A step of the model's, by its number counted from 1."""

    step: int = Field(ge=1, le=_MOST)
    relevant: bool
    correct: bool


class OfReference(Form):
    """A step of the reference's, by its number counted from 1."""

    step: int = Field(ge=1, le=_MOST)
    covered: bool


class Reading(Form):
    """The form of a chat model's answer."""

    model: list[OfModel] = Field(max_length=_MOST)
    reference: list[OfReference] = Field(max_length=_MOST)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The steps with words of one study, the model's and the reference's, and the reference's whole report."""

    id: str
    model: tuple[str, ...]
    reference: tuple[str, ...]
    report: str


Figures = tuple[float, float, float]
"""Relevance, correctness and completeness, in [0, 1]."""
_WORST: Figures = (0.0, 0.0, 0.0)


def steps_rules(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """`steps_relevance_rules`, `steps_correctness_rules`, `steps_completeness_rules`: means over the studies.

    Relevance: share of the steps that name a finding, there or denied, of which the reference speaks too. Correctness:
    share of the steps that name a finding and of which all hold, as `rules_judge` counts what is true. A step of
    sentences of the reference's is relevant and correct, whatever these say. Completeness: mean over the reference's
    steps with findings of the share of these that the model's steps have.
    A model without steps is 0; a reference whose steps name no finding is not scored.
    """
    del preset
    rows = [_by_rules(study) if entities("\n".join(study.reference)) else None for study in _studies(pairs)]
    return _scores("rules", rows, judge="radtrace.findings", entity=RULES)


def _by_rules(study: Stepped) -> Figures:
    if not study.model:
        return _WORST
    truth = "\n".join((*study.reference, study.report))
    labels = _labels(truth)
    known = _sentences(truth)
    same = [_sentences(step) <= known for step in study.model]
    relevant = [not labels.isdisjoint(_labels(step)) for step in study.model]
    read = [rules_judge(Reasoned(study.id, step, None, truth)) for step in study.model]
    correct = [0 < found.model == found.true for found in read]
    whole = "\n".join(study.model)
    covered = [rules_judge(Reasoned(study.id, whole, step, None)) for step in study.reference]
    shares = [found.found / found.reference for found in covered if found.reference]
    return fmean(map(or_, same, relevant)), fmean(map(or_, same, correct)), fmean(shares)


def _labels(text: str) -> set[str]:
    return {label for label, _, _ in entities(text)}


def _sentences(text: str) -> set[str]:
    """The sentences of a text, in lower case."""
    return {" ".join(text[start:end].lower().split()) for start, end in sentence_bounds(text)}


def steps_llm(backing: Backing) -> Metric:
    """`steps_relevance_llm`, `steps_correctness_llm`, `steps_completeness_llm` by a chat model, one question a study.

    Shares of the model's steps, and for completeness of the reference's. A model without steps is 0, and so is an
    answer that cannot be used; a reference without steps is not scored.

    Raises:  InputError where no judge is named; the metric raises what `ask_all` raises.
    """
    judge = backing.asked("steps_llm")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        studies = _studies(pairs)
        answers = ask_all(judge, [study.id for study in studies], [_question(study) for study in studies], Reading)
        found = [_by_answer(study, read) for study, read in zip(studies, answers, strict=True)]
        rows = [(each or _WORST) if study.reference else None for study, each in zip(studies, found, strict=True)]
        asked = [bool(study.model and study.reference) for study in studies]
        usable = [each is not None for each in found]
        return [
            *_scores("llm", rows, judge=judge.model),
            unusable_share("steps_unusable_llm", asked, usable, judge=judge.model),
        ]

    return scored


def _question(study: Stepped) -> list[Message] | None:
    if not study.model or not study.reference or max(len(study.model), len(study.reference)) > _MOST:
        return None
    return prompt(INSTRUCTIONS, report=study.report, reference=numbered(study.reference), model=numbered(study.model))


def _by_answer(study: Stepped, read: Reading | None) -> Figures | None:
    """None where there is no answer, or it has not each step once."""
    if read is None or not (_are_all(study.model, read.model) and _are_all(study.reference, read.reference)):
        return None
    return (
        fmean(each.relevant for each in read.model),
        fmean(each.correct for each in read.model),
        fmean(each.covered for each in read.reference),
    )


def _are_all(steps: Sequence[str], read: Sequence[OfModel] | Sequence[OfReference]) -> bool:
    return sorted(each.step for each in read) == list(range(1, len(steps) + 1))


def _studies(pairs: Sequence[Pair]) -> list[Stepped]:
    traced = [pair for pair in pairs if isinstance(pair, TracePair)]
    if len(traced) < len(pairs):
        raise RecipeError("scores of steps compare traces: both sides must be trace datasets")
    return [
        Stepped(pair.id, _with_words(pair.predicted_steps or ()), _with_words(pair.reference_steps), pair.report or "")
        for pair in traced
    ]


def _with_words(steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step for step in steps if step.strip())


def _scores(by: str, rows: Sequence[Figures | None], **said: object) -> list[Score]:
    names = [f"steps_{figure}_{by}" for figure in FIGURES]
    return [
        mean_score(name, [None if row is None else row[place] for row in rows], signature(name, **said, failed="0"))
        for place, name in enumerate(names)
    ]
