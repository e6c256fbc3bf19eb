"""RadRScore by a chat model that reads and matches the observations, in a checked form."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from radtrace.llm import Message
from radtrace.metrics.backing import Judge
from radtrace.metrics.judged.asking import INERT, Form, ask_all
from radtrace.metrics.judged.asking import prompt as shown
from radtrace.metrics.reasoning.radrscore import Matches, Reasoned, radrscore
from radtrace.metrics.scores import Score

_MOST = 200
"""Observations of one text that are believed."""

INSTRUCTIONS = f"""\
You compare what a model reasoned about a chest film with the reference reasoning and with the radiologist's report.
List every clinical observation or finding of the model's reasoning, normal and absent ones included, each once, in a \
few words ("no pneumothorax", "small left effusion"). Say for each whether the report agrees with it, contradicts it \
or is silent on it; whether it says that something is normal or absent; and whether the reference reasoning has an \
observation of the same meaning.
List every observation of the reference reasoning likewise, and say for each whether the model's reasoning has it.
Side, certainty and negation belong to the meaning; wording and severity do not.
{INERT}
Answer with only a JSON object: {{"model": [{{"observation": "...", "report": "agrees", "contradicts" or "silent", \
"normal": true or false, "in_reference": true or false}}], "reference": [{{"observation": "...", "in_model": true or \
false}}]}}."""


class OfModel(Form):
    """An observation of the model's reasoning."""

    observation: str = Field(min_length=1, max_length=400)
    report: Literal["agrees", "contradicts", "silent"]
    normal: bool = Field(description="says that something is normal or absent")
    in_reference: bool


class OfReference(Form):
    """An observation of the reference reasoning."""

    observation: str = Field(min_length=1, max_length=400)
    in_model: bool


class Reading(Form):
    """The form of a chat model's answer."""

    model: list[OfModel] = Field(max_length=_MOST)
    reference: list[OfReference] = Field(max_length=_MOST)


def radrscore_llm(cases: Sequence[Reasoned], judge: Judge) -> list[Score]:
    """RadRScore, see `radrscore`, with a chat model as the judge; an answer without the form is a failed case.

    Nothing is asked about a blank output, or where there is neither reasoning nor report.

    Raises:  EndpointRefusalError where the texts may not be sent, EndpointDownError, BudgetError: what was answered
        until then is in the cache.
    """
    questions = [prompt(case) if _is_asked(case) else None for case in cases]
    read = ask_all(judge, [case.id for case in cases], questions, Reading)
    counted = {case: _matches(case, reading) for case, reading in zip(cases, read, strict=True)}
    return radrscore("radrscore_llm", cases, counted.__getitem__, judge=judge.model, sets="one call")


def _is_asked(case: Reasoned) -> bool:
    words = [bool((text or "").strip()) for text in (case.output, case.reasoning, case.report)]
    return words[0] and any(words[1:])


def _matches(case: Reasoned, read: Reading | None) -> Matches | None:
    if read is None:
        return None
    if (case.reasoning or "").strip() and not read.reference:  # the form is right, the answer is not
        return None
    return Matches(
        model=len(read.model),
        reference=len(read.reference),
        true=sum(each.report == "agrees" or (each.report == "silent" and each.normal) for each in read.model),
        effective=sum(each.in_reference for each in read.model),
        found=sum(each.in_model for each in read.reference),
    )


def prompt(case: Reasoned) -> list[Message]:
    """What the chat model is shown."""
    return shown(INSTRUCTIONS, report=case.report, reference=case.reasoning, model=case.output)
