"""RadRScore of the reasoning of traces: the words of their steps."""

from collections.abc import Callable, Sequence

from radtrace.errors import RecipeError
from radtrace.metrics.backing import Backing
from radtrace.metrics.grounding.pairs import TracePair
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.reasoning import llm_judge
from radtrace.metrics.reasoning.radrscore import Reasoned
from radtrace.metrics.reasoning.radrscore import radrscore_rules as by_rules
from radtrace.metrics.scores import Score


def radrscore_rules(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """RadRScore with our finding extraction as the judge, see `radtrace.metrics.reasoning.radrscore`."""
    del preset
    return by_rules(cases_of(pairs))


def radrscore_llm(backing: Backing) -> Callable[[Sequence[Pair], Preset], list[Score]]:
    """RadRScore with a chat model as the judge.

    Raises:  InputError where no judge is named; the metric raises what `ask_all` raises.
    """
    judge = backing.asked("radrscore_llm")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        return llm_judge.radrscore_llm(cases_of(pairs), judge)

    return scored


def cases_of(pairs: Sequence[Pair]) -> list[Reasoned]:
    """The rationales of both sides, a line a step, beside the reference's findings and impression.

    Raises:  RecipeError where a pair is not of two traces.
    """
    traced = [pair for pair in pairs if isinstance(pair, TracePair)]
    if len(traced) < len(pairs):
        raise RecipeError("RadRScore reads the steps of traces: both sides must be trace datasets")
    return [
        Reasoned(
            pair.id,
            None if pair.predicted_steps is None else "\n".join(pair.predicted_steps),
            "\n".join(pair.reference_steps),
            pair.report,
        )
        for pair in traced
    ]
