"""How well an encoder tells findings, and evidence drawn as if it had looked: what a language model is taught with.

A language model that learned from what the encoder says of its own training films would trust it too far. So evidence
is drawn from what a report says, at the skill that the encoder has on studies held out: each finding's log likelihood
ratio is normal around +-d^2/2 with variance d^2 (the binormal model of equal variances: AUROC = Phi(d / sqrt 2)),
and mistakes go together as they do on the held-out studies.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import stats

from radtrace.errors import InputError
from radtrace.models.encoder import DECIDED, MOST_EVIDENCE
from radtrace.runs import write_atomically
from radtrace.train.encoder.scores import Floats, Judged, auroc, mean_auroc

_SHRINK = 10
_ALONE = 0.3
_LEAST, _MOST = 0.5, 0.98


@dataclass(frozen=True, slots=True)
class Skill:
    """auroc: (L,), of the labels; correlation: (L, L), of the mistakes on them."""

    labels: tuple[str, ...]
    auroc: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]

    def drawn(self, truths: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Evidence (B, L) for studies whose findings are there with certainty truths (B, L) in [0, 1]; nan: absent.

        What is half certain is drawn as there or not there, by its certainty.
        """
        there = rng.random(truths.shape) < np.nan_to_num(truths)
        apart = math.sqrt(2) * stats.norm.ppf(np.clip(self.auroc, _LEAST, _MOST))
        together = np.linalg.cholesky(np.asarray(self.correlation))
        mistakes = rng.standard_normal(truths.shape) @ together.T
        evidence = np.where(there, 0.5, -0.5) * apart**2 + apart * mistakes
        clipped: npt.NDArray[np.float32] = np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE).astype(np.float32)
        return clipped

    def save(self, path: Path) -> None:
        """As JSON."""
        write_atomically(path, json.dumps(asdict(self)) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises InputError where the file is missing or no skill."""
        try:
            about: Any = json.loads(path.read_bytes())
            rows = tuple(tuple(map(float, row)) for row in about["correlation"])
            skill = cls(tuple(about["labels"]), tuple(map(float, about["auroc"])), rows)
            np.linalg.cholesky(np.asarray(rows))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, np.linalg.LinAlgError) as error:
            raise InputError(f"{path}: not the skill of an encoder") from error
        if not len(skill.labels) == len(skill.auroc) == len(rows):
            raise InputError(f"{path}: not the skill of an encoder")
        return skill


def decided(truths: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """What a reader decides of studies whose findings are there with certainty truths (B, L), nan: absent; see `Facts`.

    What is half certain is drawn as there or not there, by its certainty.
    """
    there = rng.random(truths.shape) < np.nan_to_num(truths)
    facts: npt.NDArray[np.float32] = np.where(there, DECIDED, -DECIDED).astype(np.float32)
    return facts


def skill_of(held: Judged) -> Skill:
    """From studies that were not learnt from; an AUROC that few positives tell is drawn towards the mean of all."""
    usual = mean_auroc(held, [name for name in held.labels if held.column(name)[1].sum() >= _SHRINK])
    usual = _LEAST if math.isnan(usual) else usual
    found = []
    for name in held.labels:
        logits, truth = held.column(name)
        positives, value = int(truth.sum()), auroc(logits, truth)
        found.append(usual if math.isnan(value) else (positives * value + _SHRINK * usual) / (positives + _SHRINK))
    rows = np.round(_correlation(held), 3).tolist()
    return Skill(held.labels, tuple(round(value, 4) for value in found), tuple(map(tuple, rows)))


def prevalence(held: Judged) -> dict[str, float]:
    """Label -> share of the studies that have it, never quite none."""
    truths = {name: held.column(name)[1] for name in held.labels}
    return {name: (float(truth.sum()) + 0.5) / (len(truth) + 1) for name, truth in truths.items()}


def _correlation(held: Judged) -> Floats:
    """Of the logits among the studies that have a finding and among those that lack it, drawn towards independence."""
    mistakes = np.zeros_like(held.logits)
    for at in range(len(held.labels)):
        for there in (False, True):
            rows = held.known[:, at] & (held.truth[:, at] == there)
            if rows.sum() > 1:
                mistakes[rows, at] = stats.zscore(held.logits[rows, at], nan_policy="omit")
    mistakes = np.nan_to_num(mistakes)
    together = mistakes.T @ mistakes / max(1, len(mistakes))
    scale = np.sqrt(np.maximum(np.diag(together), 1e-6))
    together = together / np.outer(scale, scale) * (1 - _ALONE)
    np.fill_diagonal(together, 1.0)
    return np.asarray(together)
