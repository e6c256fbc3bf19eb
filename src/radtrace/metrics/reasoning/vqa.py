"""Answers to questions about films beside the reference answers, scored by one rule for every model."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from radtrace.errors import InputError
from radtrace.metrics.reasoning.answers import NO_OPTIONS, NORMALISATION, Options, normalised, objects, words_of
from radtrace.metrics.reasoning.radrscore import RULES, entities
from radtrace.metrics.scores import Score, mean_score, signature

Kind = Literal["choice", "closed", "set", "open"]
_Counted = TypeVar("_Counted")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, beside what it should have.

    kind: "choice" of one of the options; "closed", a short answer such as yes or no without options; "set", several
        objects, of the options or not; "open", free words.
    predicted: None or blank where the model failed: it scores 0. wanted: the reference, for a set its objects or their
        list as one string; () or blank where there is none: unscored.

    Raises:  InputError, naming the id, where the reference of a choice names none of its options, where there are
        options for an answer that is no choice, and where there are several references to what is no set.
    """

    id: str
    kind: Kind
    predicted: str | None
    wanted: tuple[str, ...]
    options: Options = NO_OPTIONS

    def __post_init__(self) -> None:
        if self.kind != "set" and len(self.wanted) > 1:
            raise InputError(f"id {self.id!r}: several references to an answer that is no set")
        if self.options.texts and self.kind not in ("choice", "set"):
            raise InputError(f"id {self.id!r}: options, and the kind {self.kind!r}, which has none")
        if self.kind == "choice" and self.scored and self.options.chosen(self.reference) is None:
            raise InputError(f"id {self.id!r}: the reference is none of the options")

    @property
    def scored(self) -> bool:
        """The reference has words."""
        return any(text.strip() for text in self.wanted)

    @property
    def failed(self) -> bool:
        """The model answered nothing."""
        return self.predicted is None or not self.predicted.strip()

    @property
    def given(self) -> str:
        """The answer, "" where the model failed."""
        return self.predicted or ""

    @property
    def reference(self) -> str:
        """The reference as one string."""
        return "\n".join(self.wanted)


def vqa(answers: Sequence[Answer]) -> list[Score]:
    """Seven figures, 0-1, each the mean over the answers of its kinds; an answer of another kind is None there.

    vqa_accuracy: choices by the option that the whole answer names, closed answers by equality once normalised;
    vqa_accuracy_choice, vqa_accuracy_closed: of one kind only.
    vqa_set_f1: F1 of the objects listed. vqa_open_exact: equality once normalised. vqa_open_token_f1: F1 of normalised
    words, each counted as often as both have it, as in SQuAD; it cannot tell a finding from its denial.
    vqa_open_rules_f1: F1 of the findings with status and side, and of statements of a normal study, that our rules
    read, over the references in which they
    read any. A failed answer scores 0.
    """
    figures: dict[str, tuple[frozenset[Kind], Callable[[Answer], float | None], dict[str, str]]] = {
        "vqa_accuracy": (frozenset(("choice", "closed")), _is_right, {"rule": "option or whole answer"}),
        "vqa_accuracy_choice": (frozenset(("choice",)), _is_right, {"rule": "option"}),
        "vqa_accuracy_closed": (frozenset(("closed",)), _is_right, {"rule": "whole answer"}),
        "vqa_set_f1": (frozenset(("set",)), _set_f1, {"rule": "objects"}),
        "vqa_open_exact": (frozenset(("open",)), _is_right, {"rule": "whole answer"}),
        "vqa_open_token_f1": (frozenset(("open",)), _token_f1, {"rule": "words"}),
        "vqa_open_rules_f1": (frozenset(("open",)), _rules_f1, {"rule": f"radtrace.findings {RULES}"}),
    }
    return [
        mean_score(name, list(map(partial(_value, kinds=kinds, rule=rule), answers)), _signed(name, said))
        for name, (kinds, rule, said) in figures.items()
    ]


def _signed(name: str, said: dict[str, str]) -> str:
    return signature(name, **said, **({} if name == "vqa_open_rules_f1" else {"norm": NORMALISATION}))


def _value(answer: Answer, kinds: frozenset[Kind], rule: Callable[[Answer], float | None]) -> float | None:
    return rule(answer) if answer.kind in kinds and answer.scored else None


def _is_right(answer: Answer) -> float:
    if answer.failed:
        return 0.0
    if answer.kind == "choice":
        return float(answer.options.chosen(answer.given) == answer.options.chosen(answer.reference))
    return float(normalised(answer.given) == normalised(answer.reference))


def _set_f1(answer: Answer) -> float:
    known = frozenset(map(normalised, answer.wanted)) if len(answer.wanted) > 1 else frozenset()
    wanted = frozenset().union(*(objects(text, answer.options, known) for text in answer.wanted))
    return _f1(Counter(objects(answer.given, answer.options, known)), Counter(wanted))


def _token_f1(answer: Answer) -> float:
    return 0.0 if answer.failed else _f1(Counter(words_of(answer.given)), Counter(words_of(answer.reference)))


def _rules_f1(answer: Answer) -> float | None:
    wanted = entities(answer.reference)
    return _f1(Counter(entities(answer.given)), Counter(wanted)) if wanted else None


def _f1(given: Counter[_Counted], wanted: Counter[_Counted]) -> float:
    """2 |both| / (|given| + |wanted|), each counted as often as it stands there; 0 where both are empty."""
    total = given.total() + wanted.total()
    return 2 * (given & wanted).total() / total if total else 0.0
