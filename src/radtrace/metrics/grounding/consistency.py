"""Gen and Grd of MMRad-IVL's Table 3; Sem, which needs BiomedCLIP, is not among them."""

from collections.abc import Sequence

import numpy as np

from radtrace.errors import RecipeError
from radtrace.metrics.grounding.pairs import TracePair
from radtrace.metrics.grounding.ssim import SIGMA
from radtrace.metrics.grounding.steps import SIDE, StepFigures
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, ratio, signature, summed_score

_RULES = {"match": "domain", "missing": 0, "extra": 0, "mean": "steps"}


def grd(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Grounding consistency: mean IoU of the predicted boxes with those of the reference's localized images.

    Source:  MMRad-IVL Sec. 3.2, Evaluation Metrics (2).
    """
    del preset
    return [_mean("grd", pairs, [[step.iou for step in steps] for steps in _steps("grd", pairs)], box="shown")]


def gen(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Generation consistency: mean SSIM of the predicted localized images with the reference's film at their boxes.

    Source:  MMRad-IVL Sec. 3.2, Evaluation Metrics (1); it states neither window, data range nor size.
    """
    del preset
    values = [[_compared(step) for step in steps] for steps in _steps("gen", pairs)]
    return [_mean("gen", pairs, values, ssim=f"gaussian{SIGMA}", data_range=1, side=SIDE, floor=0, film="reference")]


def _steps(name: str, pairs: Sequence[Pair]) -> list[tuple[StepFigures, ...]]:
    steps = [pair.steps for pair in pairs if isinstance(pair, TracePair)]
    if len(steps) < len(pairs):
        raise RecipeError(f"{name} compares traces: both sides must be trace datasets")
    return steps


def _compared(step: StepFigures) -> float:
    if step.ssim is None:
        raise RecipeError("gen: the pairs were made without comparing pictures")
    return step.ssim


def _mean(name: str, pairs: Sequence[Pair], values: Sequence[Sequence[float]], **settings: object) -> Score:
    """The mean over all steps of all studies; of a study, over its own. A study that grounds nothing is not scored."""
    sums = np.array([(sum(steps), len(steps)) for steps in values], np.float64).reshape(len(pairs), 2)
    per_sample = [sum(steps) / len(steps) if steps else None for steps in values]
    return summed_score(name, per_sample, signature(name, **_RULES, **settings), sums, ratio)
