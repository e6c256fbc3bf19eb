"""Whether four masks can be the lungs, the heart and the mediastinum of one chest."""

from typing import NamedTuple

import numpy as np

from radtrace.localize.outlines import Corners, Depth, Lung, Mask, Outline, clean
from radtrace.localize.regions import Chest

THRESHOLD = 0.4
"""Probability above which a pixel is lung: of 0.2 … 0.5 the best for boxes on the films that training set aside."""
_LUNG_EDGE = np.float32(np.log(THRESHOLD / (1 - THRESHOLD)))
_LEAST_AREA = 0.012
"""Of the film's area: a lung on a film of the whole trunk of an adult still has 4%."""
_LEAST_HEIGHT = 0.15
"""Of the film's height."""
_LEAST_HEART = 0.15
"""Of the chest's width, and of the lungs' height."""
_UNLIKE = 1.5
"""Height of one lung over the other's, above which one is opaque or not what it was taken for: 2 films in 100."""
_EDGE = 0.5
"""Pixels of the masks within which a lung reaches the film's edge."""


class Verdict(NamedTuple):
    """chest: None where the film is refused; warnings: why, or what to distrust."""

    chest: Chest | None
    warnings: tuple[str, ...]


def judge(masks: Depth, view: Corners) -> Verdict:
    """Clean the masks and refuse what is no pair of lungs.

    Args:    masks: logits (4, H, W) in the order of `weights.MASKS`; view: the film's rectangle on them, in pixels.
    """
    pairs = ((masks[0], masks[1]), (masks[1], masks[0]))
    depths = [np.minimum(own - _LUNG_EDGE, own - other) for own, other in pairs]
    cleaned = [clean(depth > 0) for depth in depths]
    lungs = [Lung(mask, depth) if mask.any() else None for mask, depth in zip(cleaned, depths, strict=True)]
    missing = [side for side, lung in zip(("right", "left"), lungs, strict=True) if not _is_lung(lung, view)]
    right, left = lungs
    if missing or right is None or left is None:
        return Verdict(None, (f"no regions: the {' and the '.join(missing)} lung cannot be made out",))
    problem = _no_pair(right, left)
    if problem:
        return Verdict(None, (f"no regions: {problem}",))
    chest = Chest(right, left, view)
    heart, mediastinum = (_central(depth, chest) for depth in masks[2:])
    chest = Chest(right, left, view, heart, mediastinum)
    doubts = _doubts(right, left, view)
    return Verdict(chest, doubts if heart else (*doubts, "the heart cannot be made out: boxes near it are doubtful"))


def _is_lung(lung: Lung | None, view: Corners) -> bool:
    if lung is None:
        return False
    x1, y1, x2, y2 = view
    return lung.mask.sum() >= _LEAST_AREA * (x2 - x1) * (y2 - y1) and lung.height >= _LEAST_HEIGHT * (y2 - y1)


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


def _central(depth: Depth, chest: Chest) -> Outline | None:
    """Heart or mediastinum; None where the mask is too small for it, or not between the lungs."""
    mask: Mask = clean(depth > 0, aside=True)
    if not mask.any():
        return None
    outline = Outline(mask, depth)
    x1, _, x2, _ = outline.box
    (rx1, _, rx2, _), (lx1, _, lx2, _) = chest.right_lung.box, chest.left_lung.box
    between = (rx1 + rx2) / 2 < (x1 + x2) / 2 < (lx1 + lx2) / 2 and x1 > rx1 and x2 < lx2
    large = x2 - x1 >= _LEAST_HEART * chest.width and outline.height >= _LEAST_HEART * chest.height
    return outline if between and large else None


def _doubts(right: Lung, left: Lung, view: Corners) -> tuple[str, ...]:
    x1, y1, x2, y2 = view
    said = []
    small, large = sorted((right, left), key=lambda lung: float(lung.mask.sum()))
    if small.mask.sum() < 0.35 * large.mask.sum():
        said.append(
            f"the {'right' if small is right else 'left'} lung is seen only in part: boxes near it are doubtful"
        )
    short, tall = sorted((right, left), key=lambda lung: lung.height)
    if tall.height > _UNLIKE * short.height:
        side = "right" if short is right else "left"
        said.append(f"the lungs differ much in height: boxes near the {side} one are doubtful")
    for side, lung in (("right", right), ("left", left)):
        bx1, by1, bx2, by2 = lung.box
        if bx1 <= x1 + _EDGE or by1 <= y1 + _EDGE or bx2 >= x2 - _EDGE or by2 >= y2 - _EDGE:
            said.append(f"the {side} lung reaches the film's edge and may be cut off")
    return tuple(said)
