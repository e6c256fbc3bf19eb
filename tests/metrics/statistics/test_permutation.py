"""The paired permutation test against enumeration by hand and scipy."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from radtrace.metrics.scores import ratio
from radtrace.metrics.statistics.permutation import Permutation, permutation_test


def _means(values):
    values = np.asarray(values, np.float64)
    return np.stack([values, np.ones_like(values)], axis=1)


def _f1(sums):
    return 2 * sums[..., 0] / np.maximum(2 * sums[..., 0] + sums[..., 1] + sums[..., 2], 1)


def test_three_samples_by_hand():
    # Differences 1, 2, 3. Of the 8 sign patterns |sum| reaches 6 twice, and |sum| >= 4 (signs - + +) four times.
    assert permutation_test(_means([0, 0, 0]), _means([1, 2, 3]), ratio) == Permutation(2 / 8, 7, True)
    assert permutation_test(_means([1, 0, 0]), _means([0, 2, 3]), ratio).p == 4 / 8


def test_samples_that_do_not_differ_are_not_swapped():
    first, second = [0.5] * 50 + [0, 0, 0], [0.5] * 50 + [1, 1, 1]
    assert permutation_test(_means(first), _means(second), ratio) == Permutation(2 / 8, 7, True)
    assert permutation_test(_means(first), _means(first), ratio) == Permutation(1.0, 0, True)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_it_is_exact_where_all_swaps_can_be_tried(pairs, random):
    first, second = (np.array(each, np.float64) / 10 for each in zip(*pairs, strict=True))
    found = permutation_test(_means(first), _means(second), ratio)
    observed = abs((second - first).mean())
    signs = np.array(list(product((1, -1), repeat=len(pairs))))
    expected = np.mean(np.abs((signs * (second - first)).mean(axis=1)) >= observed - 1e-9)
    assert found.exact
    assert found.p == pytest.approx(expected)
    order = list(range(len(pairs)))
    random.shuffle(order)
    assert permutation_test(_means(first[order]), _means(second[order]), ratio).p == pytest.approx(expected)
    assert permutation_test(_means(second), _means(first), ratio).p == pytest.approx(expected)


def test_it_is_scipys_sign_flip_for_a_mean():
    rng = np.random.default_rng(4)
    first = rng.normal(size=11)
    second = first + rng.normal(0.4, 1, size=11)
    theirs = stats.permutation_test(
        (first, second), lambda a, b: np.mean(b - a), permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert permutation_test(_means(first), _means(second), ratio).p == pytest.approx(theirs.pvalue)


def test_a_corpus_metric_is_swapped_as_a_whole():
    # tp, fp, fn: two samples. As given: F1 of B is 1, of A 0; half swapped: both 2/3 - by hand |difference| 1, 0, 0, 1.
    first = np.array([[0.0, 1, 1], [0, 1, 1]])
    second = np.array([[1.0, 0, 0], [1, 0, 0]])
    assert permutation_test(first, second, _f1).p == 2 / 4


def test_many_samples_are_swapped_at_random():
    rng = np.random.default_rng(8)
    first, noise = rng.uniform(size=300), rng.normal(0, 0.1, 300)
    same = permutation_test(_means(first), _means(first + noise - noise.mean()), ratio, resamples=999)
    assert (same.swaps, same.exact, same.p) == (999, False, 1.0)
    far = permutation_test(_means(first), _means(first + 0.1), ratio, resamples=999)
    assert far.p == 1 / 1000  # (0 + 1) / (999 + 1)
    again = permutation_test(_means(first), _means(first + noise), ratio, resamples=999)
    assert again == permutation_test(_means(first), _means(first + noise), ratio, resamples=999)


def test_under_no_difference_small_p_are_as_rare_as_they_say():
    rng = np.random.default_rng(2)
    pairs = rng.normal(size=(400, 2, 30))
    found = np.array([permutation_test(_means(a), _means(b), ratio, resamples=199).p for a, b in pairs])
    for alpha in (0.05, 0.2, 0.5):
        assert abs(np.mean(found <= alpha) - alpha) < 3 * np.sqrt(alpha * (1 - alpha) / 400)
