"""How many steps, words and image tokens a model's positions have room for, settled before anything is decoded."""

from dataclasses import dataclass, replace

from radtrace.errors import InputError

_MARKS = 40
"""Tokens of a step that are neither words nor picture: its tags, its place, its box; where a vocabulary knows these."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most tokens of each part. steps: of a trace; decision, words: of a step; report; picture: of a step.

    place: of the names of a step's regions. marks: of a step, all that is no decision, words or codes of a picture.
    """

    steps: int = 6
    decision: int = 64
    words: int = 96
    report: int = 192
    picture: int = 0
    place: int = 256
    marks: int = _MARKS

    @property
    def step(self) -> int:
        """The most tokens of a step."""
        return self.marks + self.decision + self.words + self.picture

    @property
    def whole(self) -> int:
        """The most tokens of a trace."""
        return self.steps * self.step + self.report + self.marks


def planned(wanted: Budget, positions: int, prompt: int) -> Budget:
    """The budget with as many of its steps as fit beside the prompt; the report always has its room.

    Raises:  InputError where not even one step fits, with what would.
    """
    room = _room(wanted, positions, prompt)
    steps = min(wanted.steps, room // wanted.step)
    if steps < 1:
        raise InputError(
            f"the model has {positions} positions; the prompt takes {prompt}, a report {wanted.report + wanted.marks} "
            f"and one step with its picture of {wanted.picture} tokens {wanted.step}: use smaller pictures, none "
            "(--visual none), or a model of more positions"
        )
    return replace(wanted, steps=steps)


def reduced(wanted: Budget, positions: int, prompt: int, least: int) -> Budget:
    """The budget with smaller pictures rather than fewer steps, and with fewer steps rather than less than `least`.

    Raises:  InputError as `planned`, where not even one step with the least picture fits.
    """
    smallest = planned(replace(wanted, picture=min(wanted.picture, least)), positions, prompt)
    spare = _room(wanted, positions, prompt) // smallest.steps - smallest.step
    return replace(smallest, picture=min(wanted.picture, smallest.picture + spare))


def _room(wanted: Budget, positions: int, prompt: int) -> int:
    return positions - prompt - wanted.report - wanted.marks
