import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.metrics.grounding import ssim


def noise(seed, side=32):
    return np.random.default_rng(seed).random((side, side), np.float32)


@given(st.integers(0, 999), st.integers(11, 40))
def test_identity_symmetry_and_bounds(seed, side):
    first, second = noise(seed, side), noise(seed + 1, side)
    assert ssim(first, first) == pytest.approx(1, abs=1e-12)
    assert ssim(first, second) == pytest.approx(ssim(second, first), abs=1e-12)
    assert -1 <= ssim(first, second) < 1


def test_flat_pictures_by_hand():
    # No variance: (2 * .25 * .75 + c1) / (.25^2 + .75^2 + c1) with c1 = .01^2, and a structure of c2 / c2 = 1.
    flat = np.full((16, 16), 0.25), np.full((16, 16), 0.75)
    assert ssim(*flat) == pytest.approx((0.375 + 1e-4) / (0.625 + 1e-4), abs=1e-12)
    # Of another range c1 is larger: (.01 * 255)^2.
    c1 = 6.5025
    bytes_ = [255 * one for one in flat]
    assert ssim(*bytes_, data_range=255) == pytest.approx(ssim(*flat), abs=1e-12)
    assert ssim(*flat, data_range=255) == pytest.approx((0.375 + c1) / (0.625 + c1), abs=1e-12)


def test_a_negative_is_unlike():
    assert ssim(noise(0), 1 - noise(0)) < -0.9


def test_the_figure_of_skimage():
    # skimage 0.26.0, structural_similarity(data_range=1, gaussian_weights=True, use_sample_covariance=False)
    i, j = np.mgrid[:48, :64]
    first, second = ((i * 7 + j * 13) % 32) / 31, ((i * 7 + j * 13 + (i * j) % 5) % 32) / 31
    assert ssim(first, second) == pytest.approx(0.7451035169550325, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_skimage(seed):
    metrics = pytest.importorskip("skimage.metrics")
    first = noise(seed, 64).astype(np.float64)
    second = np.clip(first + 0.2 * noise(seed + 9, 64), 0, 1)
    wanted = metrics.structural_similarity(
        first, second, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(first, second) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [((16, 16), (16, 17)), ((10, 16), (10, 16))])
def test_other_shapes_and_tiny_pictures_are_refused(first, second):
    with pytest.raises(ValueError, match="no structural similarity"):
        ssim(np.zeros(first), np.zeros(second))
