"""Whether two masks can be the two lungs of one chest."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from radtrace.localize.regions import Lung, Mask, clean

_LEAST_AREA = 0.012
"""Of the film's area: a lung on a film of the whole trunk of an adult still has 4%."""
_LEAST_HEIGHT = 0.15
"""Of the film's height."""
_EDGE = 1
"""Pixels of the network's input within which a lung reaches the film's edge."""


class Verdict(NamedTuple):
    """lungs: (right, left) masks, None where the film is refused; warnings: why, or what to distrust."""

    lungs: tuple[Mask, Mask] | None
    warnings: tuple[str, ...]


def judge(probabilities: npt.NDArray[np.float32], view: tuple[int, int, int, int]) -> Verdict:
    """Clean the masks and refuse what is no pair of lungs.

    Args:    probabilities: (2, S, S), the patient's right lung first; view: the film's rectangle on them.
    """
    right, left = (clean(np.where(own > other, own, 0)) for own, other in (probabilities, probabilities[::-1]))
    missing = [side for side, mask in (("right", right), ("left", left)) if not _is_lung(mask, view)]
    if missing:
        return Verdict(None, (f"no regions: the {' and the '.join(missing)} lung cannot be made out",))
    problem = _no_pair(Lung(right), Lung(left))
    if problem:
        return Verdict(None, (f"no regions: {problem}",))
    return Verdict((right, left), _doubts(Lung(right), Lung(left), view))


def _is_lung(mask: Mask, view: tuple[int, int, int, int]) -> bool:
    x1, y1, x2, y2 = view
    area = (x2 - x1) * (y2 - y1)
    return bool(mask.sum() >= _LEAST_AREA * area) and Lung(mask).height >= _LEAST_HEIGHT * (y2 - y1)


def _no_pair(right: Lung, left: Lung) -> str | None:
    """What keeps two masks from being a right and a left lung."""
    rx1, ry1, rx2, ry2 = right.box
    lx1, ly1, lx2, ly2 = left.box
    if rx1 + rx2 >= lx1 + lx2:
        return "the right lung is not on the image's left"
    if min(rx2, lx2) - max(rx1, lx1) > 0.5 * min(rx2 - rx1, lx2 - lx1):
        return "the lungs overlap"
    if min(ry2, ly2) - max(ry1, ly1) < 0.35 * min(ry2 - ry1, ly2 - ly1):
        return "the lungs are not beside each other"
    return None


def _doubts(right: Lung, left: Lung, view: tuple[int, int, int, int]) -> tuple[str, ...]:
    x1, y1, x2, y2 = view
    said = []
    small, large = sorted((right, left), key=lambda lung: float(lung.mask.sum()))
    if small.mask.sum() < 0.35 * large.mask.sum():
        said.append(
            f"the {'right' if small is right else 'left'} lung is seen only in part: boxes near it are doubtful"
        )
    for side, lung in (("right", right), ("left", left)):
        bx1, by1, bx2, by2 = lung.box
        if bx1 <= x1 + _EDGE or by1 <= y1 + _EDGE or bx2 >= x2 - _EDGE or by2 >= y2 - _EDGE:
            said.append(f"the {side} lung reaches the film's edge and may be cut off")
    return tuple(said)
