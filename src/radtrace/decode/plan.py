"""How many steps, words and image tokens a model's positions have room for, settled before anything is decoded."""

from dataclasses import dataclass

from radtrace.errors import InputError

_MARKS = 40
"""Tokens of a step that are neither words nor picture: its tags, its place, its box."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most tokens of each part. steps: of a trace; decision, words: of a step; report; picture: of a step."""

    steps: int = 6
    decision: int = 64
    words: int = 96
    report: int = 192
    picture: int = 0

    @property
    def step(self) -> int:
        """The most tokens of a step."""
        return _MARKS + self.decision + self.words + self.picture

    @property
    def whole(self) -> int:
        """The most tokens of a trace."""
        return self.steps * self.step + self.report + _MARKS


def planned(wanted: Budget, positions: int, prompt: int) -> Budget:
    """The budget with as many of its steps as fit beside the prompt; the report always has its room.

    Raises:  InputError where not even one step fits, with what would.
    """
    room = positions - prompt - wanted.report - _MARKS
    steps = min(wanted.steps, room // wanted.step)
    if steps < 1:
        raise InputError(
            f"the model has {positions} positions; the prompt takes {prompt}, a report {wanted.report + _MARKS} and "
            f"one step with its picture of {wanted.picture} tokens {wanted.step}: use smaller pictures (--visual grid) "
            "or none"
        )
    return Budget(steps, wanted.decision, wanted.words, wanted.report, wanted.picture)
