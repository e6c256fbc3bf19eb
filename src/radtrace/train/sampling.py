"""How often a study is drawn."""

import numpy as np
import numpy.typing as npt


def worth(shown: npt.NDArray[np.bool_], rarest: float) -> npt.NDArray[np.float64]:
    """(N,) in [1, rarest]: the square root of how rare the rarest thing is that a study shows.

    A study that shows nothing, or only what four times the median number of studies show, is worth 1.

    Args:    shown: (N, things).
    """
    counts = shown.sum(0).clip(min=1)
    if not len(counts):
        return np.ones(len(shown))
    values = np.sqrt(np.median(counts) * 4 / counts).clip(1.0, rarest)
    return np.asarray(np.where(shown, values, 1.0).max(1), np.float64)


def drawn(worths: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` indices in random order, each as often as its worth says, rounded up or down (systematic resampling)."""
    order = rng.permutation(len(worths))
    edges = np.cumsum(worths[order])
    points = (rng.random() + np.arange(count)) * (edges[-1] / count)
    return rng.permutation(order[np.searchsorted(edges, points, side="right").clip(max=len(order) - 1)])
