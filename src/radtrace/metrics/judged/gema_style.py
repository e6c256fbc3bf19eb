"""A score after GEMA-Score: agents that extract findings, match their details, and read for completeness and style.

GEMA-Score (Zhang et al., "GEMA-Score: Granular Explainable Multi-Agent Scoring Framework for Radiology Report
Evaluation", 2025, arXiv 2503.05347) has an agent that extracts findings with location, severity and uncertainty, one
that computes F1 of each, one that rates completeness, readability and clinical terminology, and one that weighs them
into one score. Its prompts and weights are not published (its repository calls a hosted workflow, or models distilled
from it), so this has words of ours and equal weights, and is never to be called GEMA-Score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import Field

from radtrace.llm import Message
from radtrace.metrics.backing import Backing, Judge
from radtrace.metrics.judged.asking import INERT, Form, ask_all, numbered, prompt, unusable_share
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.metrics.scoring import Metric

_MOST = 100
"""Findings of one report that are believed."""
_BEST = 10
DETAILS = ("entity", "location", "severity", "uncertainty")
MANNER = ("completeness", "readability", "terminology")

EXTRACT = f"""\
List every clinical finding that a report of a chest film states, normal and absent ones included, each once: its name \
with its negation ("no pneumothorax"), its location, its severity and its certainty, in the report's own words, and "" \
for what the report does not say.
{INERT}
Answer with only a JSON object: {{"findings": [{{"name": "...", "location": "...", "severity": "...", "uncertainty": \
"..."}}]}}."""
MATCH = f"""\
Match the findings of a candidate report of a chest film with those of the reference report. Two match where they say \
the same of the same thing, that it is there or that it is not; each finding is in one match at most. Say for each \
match whether location, severity and certainty agree; what neither report says agrees.
{INERT}
Answer with only a JSON object: {{"matches": [{{"candidate": its number, "reference": its number, "location": true or \
false, "severity": true or false, "uncertainty": true or false}}]}}."""
RATE = f"""\
Rate a candidate report of a chest film beside the reference report, each from 0 (useless) to {_BEST} (as the \
reference): completeness, whether it says all that matters to the reader; readability, whether it is clear, ordered \
and free of repetition; terminology, whether its terms are those of radiology, used rightly.
{INERT}
Answer with only a JSON object: {{"completeness": 0 to {_BEST}, "readability": 0 to {_BEST}, "terminology": 0 to \
{_BEST}}}."""


class Entity(Form):
    """A finding with its details, "" where the report does not say."""

    name: str = Field(min_length=1, max_length=400)
    location: str = Field(max_length=400)
    severity: str = Field(max_length=400)
    uncertainty: str = Field(max_length=400)


class Extracted(Form):
    """The form of the first agent's answer."""

    findings: list[Entity] = Field(max_length=_MOST)


class Match(Form):
    """Two findings, by their numbers counted from 1, and whether their details agree."""

    candidate: int = Field(ge=1, le=_MOST)
    reference: int = Field(ge=1, le=_MOST)
    location: bool
    severity: bool
    uncertainty: bool


class Matched(Form):
    """The form of the second agent's answer."""

    matches: list[Match] = Field(max_length=_MOST)


class Rated(Form):
    """The form of the third agent's answer."""

    completeness: int = Field(ge=0, le=_BEST)
    readability: int = Field(ge=0, le=_BEST)
    terminology: int = Field(ge=0, le=_BEST)


@dataclass(frozen=True, slots=True)
class Gema:
    """What the agents found of one pair, each in [0, 1]: F1 of the entities and of their details, and the ratings."""

    details: tuple[float, ...]
    manner: tuple[float, ...]

    @property
    def figures(self) -> dict[str, float]:
        """By score: the whole, the mean of the four F1, each F1, each rating."""
        objective = fmean(self.details)
        return {
            "gema_style": (objective + fmean(self.manner)) / 2,
            "gema_style_objective": objective,
            **{f"gema_style_{name}_f1": value for name, value in zip(DETAILS, self.details, strict=True)},
            **{f"gema_style_{name}": value for name, value in zip(MANNER, self.manner, strict=True)},
        }


_WORST = Gema((0.0,) * len(DETAILS), (0.0,) * len(MANNER))


def gema_style(backing: Backing) -> Metric:
    """The mean over pairs of (mean F1 of entity, location, severity, uncertainty + mean rating) / 2; then its parts.

    F1 of a detail: a match counts where that detail agrees, over all findings of both reports. Four questions a pair;
    a failed prediction, and a pair of which one of the answers is unusable, is 0 in every part.

    Raises:  InputError where no judge is named; the metric raises what `ask_all` raises.
    """
    judge = backing.asked("gema_style")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        found = _found(judge, pairs)
        asked = [pair.scored and not pair.failed for pair in pairs]
        return _scores(pairs, asked, found, judge=judge.model, weights="equal", agents="extract+match+rate")

    return scored


def _found(judge: Judge, pairs: Sequence[Pair]) -> list[Gema | None]:
    """None where nobody is asked, and where an answer is unusable."""
    ids = [pair.id for pair in pairs]
    asked = [pair.scored and not pair.failed for pair in pairs]
    both = [
        [prompt(EXTRACT, report=text) if put else None for put, text in zip(asked, texts, strict=True)]
        for texts in ([pair.predicted for pair in pairs], [pair.wanted for pair in pairs])
    ]
    candidates = ask_all(judge, ids, both[0], Extracted)
    references = ask_all(judge, ids, both[1], Extracted)
    lists = list(zip(candidates, references, strict=True))
    matched = ask_all(judge, ids, [_to_match(*sides) for sides in lists], Matched)
    to_rate = [
        prompt(RATE, reference=pair.wanted, candidate=pair.predicted) if put else None
        for pair, put in zip(pairs, asked, strict=True)
    ]
    rated = ask_all(judge, ids, to_rate, Rated)
    return [_gema(*sides, match, rate) for sides, match, rate in zip(lists, matched, rated, strict=True)]


def _to_match(candidate: Extracted | None, reference: Extracted | None) -> list[Message] | None:
    """No question where there is nothing to match, or a list is missing; a reference has findings."""
    if not candidate or not reference or not candidate.findings or not reference.findings:
        return None
    return prompt(MATCH, reference=_listed(reference), candidate=_listed(candidate))


def _listed(read: Extracted) -> str:
    return numbered(
        [
            "; ".join(f"{name}: {value or '-'}" for name, value in finding.model_dump().items())
            for finding in read.findings
        ]
    )


def _gema(
    candidate: Extracted | None, reference: Extracted | None, matched: Matched | None, rated: Rated | None
) -> Gema | None:
    if not candidate or not reference or not reference.findings or not rated:
        return None
    manner = tuple(getattr(rated, name) / _BEST for name in MANNER)
    if not candidate.findings:
        return Gema(_WORST.details, manner)
    if matched is None or not _is_sound(matched.matches, len(candidate.findings), len(reference.findings)):
        return None
    agreeing = [len(matched.matches)]
    agreeing += [sum(getattr(match, detail) for match in matched.matches) for detail in DETAILS[1:]]
    every = len(candidate.findings) + len(reference.findings)
    return Gema(tuple(2 * count / every for count in agreeing), manner)


def _is_sound(matches: Sequence[Match], candidates: int, references: int) -> bool:
    """Each number is of a finding, and in one match at most."""
    mine, others = [match.candidate for match in matches], [match.reference for match in matches]
    once = len(set(mine)) == len(mine) and len(set(others)) == len(others)
    return once and max(mine, default=0) <= candidates and max(others, default=0) <= references


def _scores(pairs: Sequence[Pair], asked: Sequence[bool], found: Sequence[Gema | None], **said: object) -> list[Score]:
    rows = [(one or _WORST).figures if pair.scored else None for pair, one in zip(pairs, found, strict=True)]
    means = [
        mean_score(name, [None if row is None else row[name] for row in rows], signature(name, **said, unusable="0"))
        for name in _WORST.figures
    ]
    return [*means, unusable_share("gema_style_unusable", asked, [one is not None for one in found], **said)]
