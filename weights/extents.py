"""Heart and mediastinum as masks, from the two lungs: what lies between their medial borders.

No film here has a heart drawn by a person. The borders of heart and great vessels are where lung meets them, so that a
drawn pair of lungs tells their extent: the shadow between the medial borders, from the inlet down to the cardiophrenic
corners, of which the heart is the part below its top. About a seventh of the Shenzhen masks count the heart to the left
lung; their straight left border is no heart's and is not learnt from.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from radtrace.localize.outlines import Lung, Mask
from radtrace.localize.regions import HEART_TOP, UPPER_MEDIASTINUM, Chest

LEAST_RECESSION = 0.055
"""Of the chest's width, by which the left border gives way to the heart: of 56 masks looked at, none below was one."""


def extents(right: Mask, left: Mask) -> tuple[Mask, Mask] | None:
    """(H, W) masks of the lungs on the image's left and right -> masks of heart and whole mediastinum.

    None where the left lung does not give way to a heart.
    """
    height, width = right.shape
    chest = Chest(Lung(right), Lung(left), (0.0, 0.0, float(width), float(height)))
    rows = np.arange(height)
    low = max(lung.cardiophrenic[1] for lung in (chest.right, chest.left))
    start, top = chest.level(UPPER_MEDIASTINUM[0]), chest.level(HEART_TOP)
    first = _border(chest.right, rows)
    last = width - _border(chest.left, rows)
    columns = np.arange(width)[None, :] + 0.5
    between = (columns >= first[:, None]) & (columns < last[:, None])
    centres = rows[:, None] + 0.5
    inside = (rows >= top) & (rows < low)
    ends = last[inside]
    if (
        len(ends) < 6
        or ends[len(ends) * 11 // 20 :].max() - ends[: len(ends) // 6].mean() < LEAST_RECESSION * chest.width
    ):
        return None
    mediastinum: Mask = between & (centres >= start) & (centres < low)
    return mediastinum & (centres >= top), mediastinum


def _border(lung: Lung, rows: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """The medial border of every row; above the lung and below its cardiophrenic corner as at the nearest row."""
    corner = lung.cardiophrenic[1]
    known = lung.rows < max(corner, lung.rows[0] + 1)
    border = np.interp(rows, lung.rows[known], lung.medial[known])
    smooth: npt.NDArray[np.float64] = ndimage.median_filter(border, size=max(3, int(lung.height) // 20))
    return smooth
