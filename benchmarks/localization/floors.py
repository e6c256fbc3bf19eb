"""The best constant box: what a localizer that never looks at the film can reach."""

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]
"""(N, 4) or (4,): x1, y1, x2, y2."""

_STEPS = (0.04, 0.02, 0.01, 0.005, 0.002)
_LEAST = 0.002
"""Smallest side of a constant box."""


def ious(box: Boxes, truth: Boxes) -> npt.NDArray[np.float64]:
    """IoU of one box (4,), or of a box each (N, 4), with N boxes."""
    low = np.maximum(box[..., :2], truth[:, :2])
    high = np.minimum(box[..., 2:], truth[:, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    area = (box[..., 2:] - box[..., :2]).prod(-1) + (truth[:, 2:] - truth[:, :2]).prod(-1)
    return np.asarray(shared / (area - shared))


def best_constant(truth: Boxes) -> Boxes:
    """The box of greatest mean IoU with all of them, searched edge by edge from the median edges."""
    best = np.median(truth, axis=0)
    score = ious(best, truth).mean()
    for step in _STEPS:
        better = True
        while better:
            better = False
            for edge, sign in np.ndindex(4, 2):
                tried = best.copy()
                tried[edge] = np.clip(tried[edge] + (step if sign else -step), 0, 1)
                if (tried[2:] - tried[:2]).min() < _LEAST:
                    continue
                reached = ious(tried, truth).mean()
                if reached > score + 1e-9:
                    best, score, better = tried, reached, True
    return best
