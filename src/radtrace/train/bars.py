"""From which probability on a reader says that a finding is there."""

from typing import TYPE_CHECKING

from pydantic import Field

from radtrace.anatomy import FINDINGS
from radtrace.config import Settings
from radtrace.errors import InputError
from radtrace.train.encoder.skill import Skill

if TYPE_CHECKING:
    from radtrace.reader.bundle import Policy


class Bars(Settings):
    """Calibrated probabilities.

    present: of NIH's 14 findings; 0.5 F is best for a score F1 of F (Lipton et al. 2014). others: of all other ones.
    least_auroc: a finding that the encoder tells worse on held-out studies is not assessed.
    """

    present: float = Field(default=0.2, gt=0, lt=1)
    others: float = Field(default=0.3, gt=0, lt=1)
    least_auroc: float = Field(default=0.65, ge=0.5, lt=1)

    def policy(self, skill: Skill) -> "Policy":
        """Of a reader with an encoder of this skill. Raises InputError where it tells no finding well enough."""
        from radtrace.reader.bundle import Policy

        told = dict(zip(skill.labels, skill.auroc, strict=True))
        assessed = [label for label in FINDINGS if told.get(label, 0.0) >= self.least_auroc]
        if not assessed:
            raise InputError(f"bars.least_auroc = {self.least_auroc}: the encoder tells no finding as well as that")
        return Policy(present={label: self.present if FINDINGS[label].nih14 else self.others for label in assessed})
