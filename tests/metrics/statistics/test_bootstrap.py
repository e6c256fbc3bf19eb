"""Intervals and p-values of resampled sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from radtrace.metrics.scores import ratio
from radtrace.metrics.statistics.bootstrap import (
    Interval,
    bootstrap_p,
    corpus_interval,
    interval,
    jackknife_sums,
    resampled_sums,
)


def _means(values):
    values = np.asarray(values, np.float64)
    return np.stack([values, np.ones_like(values)], axis=1)


def _f1(sums):
    """Of (tp, fp, fn)."""
    return 2 * sums[..., 0] / np.maximum(2 * sums[..., 0] + sums[..., 1] + sums[..., 2], 1)


def _precise(sums):
    """A BLEU of statistics [matches 1-4, guesses 1-4, prediction length, reference length]."""
    precision = np.exp(np.log(np.maximum(sums[..., :4], 1e-9) / np.maximum(sums[..., 4:8], 1)).mean(axis=-1))
    return precision * np.exp(np.minimum(0, 1 - sums[..., 9] / np.maximum(sums[..., 8], 1)))


def test_every_resample_has_as_many_samples_as_there_are():
    sums = resampled_sums(_means(np.arange(7)), 500, seed=3)
    assert sums.shape == (500, 2)
    assert set(sums[:, 1]) == {7.0}
    # Mean and variance of a resample's sum of 0..6: 7 * 3 = 21 and 7 * 4 = 28.
    assert abs(sums[:, 0].mean() - 21) < 1
    assert abs(sums[:, 0].var() - 28) < 5


def test_columns_side_by_side_are_drawn_together():
    rows = np.random.default_rng(0).normal(size=(20, 2))
    both = resampled_sums(np.hstack([rows, rows * 2]), 50, seed=1)
    assert np.allclose(both[:, :2] * 2, both[:, 2:])
    assert np.allclose(both[:, :2], resampled_sums(rows, 50, seed=1))  # a matrix product sums in an order of its width
    assert not np.allclose(both[:, :2], resampled_sums(rows, 50, seed=2))


def test_strata_keep_their_number_of_samples():
    strata = np.array([5, 5, 9, 9, 9])
    rows = np.eye(5)
    sums = resampled_sums(rows, 200, 0, strata)
    assert set(sums[:, :2].sum(axis=1)) == {2.0}
    assert set(sums[:, 2:].sum(axis=1)) == {3.0}
    # Within constant strata nothing can vary: 2 * 1 + 3 * 4.
    assert set(resampled_sums(np.array([[1.0], [1], [4], [4], [4]]), 50, 0, strata)[:, 0]) == {14.0}


def test_the_percentiles_by_hand():
    # 101 values 0..100: linear quantiles at 2.5% and 97.5% are 2.5 and 97.5.
    found = interval(np.arange(101.0))
    assert isinstance(found, Interval)
    assert (found.low, found.high) == pytest.approx((2.5, 97.5))
    low = interval(np.arange(101.0), level=0.9)
    assert (low.low, low.high) == pytest.approx((5, 95))


def test_jackknife_leaves_out_one():
    assert jackknife_sums(np.array([[1.0, 1], [2, 1], [4, 1]])).tolist() == [[6, 2], [5, 2], [3, 2]]


def test_bca_agrees_with_scipy_up_to_the_draw():
    values = np.random.default_rng(5).exponential(size=60)
    ours = corpus_interval(_means(values), ratio, resamples=20_000, seed=1, method="bca")
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(2))
    assert ours is not None
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.01)
    plain = corpus_interval(_means(values), ratio, resamples=20_000, seed=1)
    assert plain is not None
    assert ours.low > plain.low  # a mean of skewed values: both bounds move up
    assert ours.high > plain.high


def test_intervals_cover_what_they_should():
    """400 simulated test sets of 120 samples: the true value lies in about 95% of the intervals.

    The standard error of a coverage of .95 over 400 sets is .011; percentile intervals of F1 are known to be short.
    """
    rng = np.random.default_rng(11)
    truth = 2 * 0.2 / (2 * 0.2 + 0.1 + 0.15)
    outcomes = np.eye(4)[:, :3]  # tp, fp, fn, or nothing
    covered = {"mean": 0, "f1": 0, "bca": 0}
    for seed in range(400):
        values = rng.beta(2, 5, 120)
        mean = corpus_interval(_means(values), ratio, resamples=400, seed=seed)
        rows = outcomes[rng.choice(4, 120, p=[0.2, 0.1, 0.15, 0.55])]
        f1 = corpus_interval(rows, _f1, resamples=400, seed=seed)
        bca = corpus_interval(rows, _f1, resamples=400, seed=seed, method="bca")
        covered["mean"] += mean.low <= 2 / 7 <= mean.high
        covered["f1"] += f1.low <= truth <= f1.high
        covered["bca"] += bca.low <= truth <= bca.high
    assert all(0.92 <= count / 400 <= 0.98 for count in covered.values()), covered


def test_one_sample_has_no_interval_and_a_constant_has_no_width():
    assert corpus_interval(_means([0.3]), ratio) is None
    assert corpus_interval(np.zeros((0, 2)), ratio) is None
    for method in ("percentile", "bca"):
        flat = corpus_interval(_means([0.25] * 9), ratio, resamples=100, method=method)
        assert (flat.low, flat.high) == pytest.approx((0.25, 0.25))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 100))
def test_bounds_stay_within_the_samples(values, seed):
    for method in ("percentile", "bca"):
        found = corpus_interval(_means(values), ratio, resamples=200, seed=seed, method=method)
        assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12


def test_the_bootstrap_p_by_hand():
    # Mean 2, moved to 0: -2 -1 0 1 2; observed 2: two are as far: (2 + 1) / (5 + 1).
    drawn = np.array([0.0, 1, 2, 3, 4])
    assert bootstrap_p(drawn, 2.0) == 0.5
    assert bootstrap_p(drawn, -2.0) == 0.5
    assert bootstrap_p(drawn, 3.0) == 1 / 6  # never 0
    assert bootstrap_p(np.zeros(99), 0.0) == 1.0  # equal systems


def test_draws_without_a_value_are_left_out_of_intervals_and_count_against_significance():
    # One positive in ten: about .9^10 = 35% of the draws miss it, and the sensitivity of those is 0 / 0.
    rows = np.zeros((10, 2))
    rows[0] = 1
    found = corpus_interval(rows, ratio, resamples=2000, seed=1)
    assert (found.low, found.high) == (1.0, 1.0)
    assert corpus_interval(rows, lambda sums: np.full(sums.shape[:-1], np.nan), resamples=200) is None
    assert bootstrap_p(np.array([np.nan, np.nan, 0.0, 0.0]), 2.0) == 3 / 5
    assert bootstrap_p(np.full(4, np.nan), 2.0) == 1.0


def test_a_corpus_bleu_of_many_samples_is_resampled_in_sums():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 30, (3000, 10)).astype(np.float64)
    rows[:, 4:8] += rows[:, :4]
    found = corpus_interval(rows, _precise, resamples=1000)
    assert found.low < float(_precise(rows.sum(axis=0))) < found.high
