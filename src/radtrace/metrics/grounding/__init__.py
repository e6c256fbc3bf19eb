"""Do a trace's boxes and pictures agree with the reference's and with each other (MMRad-IVL Sec. 3.2 and Table 3)."""

from radtrace.metrics.grounding.consistency import gen, grd, sem
from radtrace.metrics.grounding.pairs import TracePair, trace_pair
from radtrace.metrics.grounding.ssim import ssim
from radtrace.metrics.grounding.steps import Seen, StepFigures, Traced, seen_steps, step_figures

__all__ = [
    "Seen",
    "StepFigures",
    "TracePair",
    "Traced",
    "gen",
    "grd",
    "seen_steps",
    "sem",
    "ssim",
    "step_figures",
    "trace_pair",
]
