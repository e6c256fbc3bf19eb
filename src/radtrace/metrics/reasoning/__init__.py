"""Answers to questions, and the reasoning that leads to them, beside their references."""

from radtrace.metrics.reasoning.answer_files import read_answers
from radtrace.metrics.reasoning.answers import Options, normalised, objects
from radtrace.metrics.reasoning.radrscore import Matches, RadrJudge, Reasoned, radrscore, radrscore_rules, rules_judge
from radtrace.metrics.reasoning.vqa import Answer, vqa

__all__ = [
    "Answer",
    "Matches",
    "Options",
    "RadrJudge",
    "Reasoned",
    "normalised",
    "objects",
    "radrscore",
    "radrscore_rules",
    "read_answers",
    "rules_judge",
    "vqa",
]
