"""Gen, Sem and Grd of MMRad-IVL's Table 3."""

from collections.abc import Callable, Sequence

import numpy as np

from radtrace.errors import RecipeError
from radtrace.metrics.backing import Backing
from radtrace.metrics.grounding.encoders import HOW, Encoder, load_encoder
from radtrace.metrics.grounding.pairs import TracePair
from radtrace.metrics.grounding.ssim import SIGMA
from radtrace.metrics.grounding.steps import SIDE, Seen, StepFigures
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


def sem(backing: Backing) -> Callable[[Sequence[Pair], Preset], list[Score]]:
    """Semantic consistency, 0-2: mean cos(text, picture) + cos(picture, film at the predicted box); below 0 it is 0.

    The floor keeps a step that is there from being worse than one that is missing, which is 0.

    Raises:  InputError where no encoder is named, or it cannot be read.
    Source:  MMRad-IVL Sec. 3.2, Evaluation Metrics (3), by BiomedCLIP.
    """
    encoder = load_encoder(backing.checkpoint("sem", HOW))

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        steps = _steps("sem", pairs)
        seen = [pair.seen for pair in pairs if isinstance(pair, TracePair)]
        if any(len(kept) != len(figures) for kept, figures in zip(seen, steps, strict=True)):
            raise RecipeError("sem: the pairs were made without keeping pictures")
        found = iter(_semantic(encoder, [each for kept in seen for each in kept if each]))
        values = [[next(found) if each else 0.0 for each in kept] for kept in seen]
        return [_mean("sem", pairs, values, encoder=encoder.signed, range="0-2", floor=0, film="reference")]

    return scored


def _semantic(encoder: Encoder, steps: Sequence[Seen]) -> list[float]:
    """The sum of both cosines of each step; words that are blank are like nothing."""
    if not steps:
        return []
    texts = encoder.texts([step.text for step in steps])
    pictures = encoder.pictures([step.picture for step in steps])
    films = encoder.pictures([step.shown for step in steps])
    said = np.array([bool(step.text.strip()) for step in steps])
    sums = (texts * pictures).sum(axis=1) * said + (pictures * films).sum(axis=1)
    return [float(value) for value in np.clip(sums, 0, 2)]


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
