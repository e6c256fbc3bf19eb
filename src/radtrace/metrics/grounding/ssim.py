"""Structural similarity of two pictures."""

import numpy as np
from scipy.ndimage import gaussian_filter

from radtrace.images import Pixels
from radtrace.metrics.scores import FloatArray

SIGMA = 1.5
TRUNCATE = 3.5
_RADIUS = 5
"""Of the window, 11 pixels wide: TRUNCATE * SIGMA, rounded."""
_K1, _K2 = 0.01, 0.03


def ssim(first: Pixels, second: Pixels, data_range: float = 1.0) -> float:
    """Mean structural similarity under a Gaussian window, of population covariances; the window's margin is left out.

    The same as skimage's `structural_similarity(first, second, data_range=…, gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False)` in double precision.

    Args:    first, second: (H, W), of one shape, at least 11 pixels a side; data_range: highest less lowest value.
    Returns: [-1, 1]; 1 where they are equal.
    Raises:  ValueError where the shapes differ or are too small for the window.
    Source:  Wang et al. 2004, Eq. 13, K1 = 0.01, K2 = 0.03.
    """
    if first.shape != second.shape or min(first.shape) <= 2 * _RADIUS:
        raise ValueError(f"pictures of {first.shape} and {second.shape} have no structural similarity")
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y = _windowed(x), _windowed(y)
    var_x, var_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    inner = slice(_RADIUS, -_RADIUS)
    return float((luminance * structure)[inner, inner].mean())


def _windowed(values: FloatArray) -> FloatArray:
    filtered: FloatArray = gaussian_filter(values, SIGMA, mode="reflect", truncate=TRUNCATE)
    return filtered
