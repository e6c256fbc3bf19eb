"""Do a trace's boxes and pictures agree with the reference's and with each other (MMRad-IVL Sec. 3.2 and Table 3)."""

from radtrace.metrics.grounding.consistency import gen, grd
from radtrace.metrics.grounding.pairs import TracePair, trace_pair
from radtrace.metrics.grounding.ssim import ssim
from radtrace.metrics.grounding.steps import StepFigures, Traced, step_figures

__all__ = ["StepFigures", "TracePair", "Traced", "gen", "grd", "ssim", "step_figures", "trace_pair"]
