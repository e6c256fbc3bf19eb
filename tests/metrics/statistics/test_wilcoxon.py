"""The signed-rank test against scipy, enumeration and numbers by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from radtrace.metrics.statistics.wilcoxon import wilcoxon


def test_small_samples_by_hand():
    # Ranks 1 2 3, all above 0: W+ = 6, which one of 8 sign patterns reaches.
    found = wilcoxon(np.array([0.1, 0.2, 0.3]))
    assert (found.statistic, found.p, found.n, found.zeros, found.method) == (6.0, 1 / 8, 3, 0, "exact")
    # Signs - + +: W+ = 5, reached by {2, 3} and {1, 2, 3}.
    assert wilcoxon(np.array([-0.1, 0.2, 0.3])).p == 2 / 8
    # All below 0: every pattern reaches W+ = 0.
    assert wilcoxon(np.array([-0.1, -0.2, -0.3])).p == 1.0


def test_zeros_are_left_out_before_or_after_ranking():
    differences = np.array([0.0, 0.0, 0.3, -0.1])
    # wilcox: ranks of .1, .3 are 1, 2: W+ = 2 of {0, 1, 2, 3}: P(>= 2) = 2 / 4.
    left_out = wilcoxon(differences)
    assert (left_out.statistic, left_out.p, left_out.n, left_out.zeros) == (2.0, 0.5, 2, 2)
    # pratt: ranks 1.5 1.5 4 3: W+ = 4 of {0, 3, 4, 7}: P(>= 4) = 2 / 4.
    ranked = wilcoxon(differences, "pratt")
    assert (ranked.statistic, ranked.p, ranked.zero_method) == (4.0, 0.5, "pratt")
    for zero_method in ("wilcox", "pratt"):
        nothing = wilcoxon(np.zeros(5), zero_method)
        assert (nothing.p, nothing.n, nothing.zeros) == (1.0, 0, 5)
    assert wilcoxon(np.zeros(0)).p == 1.0


def test_what_is_equal_but_for_rounding_is_a_tie():
    differences = np.array([0.3 - 0.2, 0.2 - 0.1, 0.7 - 0.6])
    assert len(set(np.abs(differences))) > 1
    # Three tied ranks of 2; signs + + -: W+ = 4, P(>= 4) = P(at least two above 0) = 4 / 8.
    assert wilcoxon(differences * np.array([1, 1, -1])).p == 0.5
    assert wilcoxon(np.array([0.1 + 0.2 - 0.3])).zeros == 1


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9), st.sampled_from(["wilcox", "pratt"]))
def test_the_exact_p_is_that_of_all_signs_ties_included(whole, zero_method):
    differences = np.array(whole, np.float64) / 8
    assume(differences.any())
    kept = differences if zero_method == "pratt" else differences[differences != 0]
    ranks = stats.rankdata(np.abs(kept))[kept != 0]
    statistic = ranks[kept[kept != 0] > 0].sum()
    sums = [np.dot(ranks, signs) for signs in product((0, 1), repeat=len(ranks))]
    found = wilcoxon(differences, zero_method)
    assert found.statistic == pytest.approx(statistic)
    assert found.p == pytest.approx(np.mean(np.array(sums) >= statistic - 1e-9))


@pytest.mark.parametrize("count", [5, 24, 50])
def test_it_is_scipys_exact_test_without_ties(count):
    differences = np.random.default_rng(count).normal(0.2, 1, count)
    theirs = stats.wilcoxon(differences, alternative="greater", method="exact")
    found = wilcoxon(differences)
    assert found.statistic == theirs.statistic
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("zero_method", ["wilcox", "pratt"])
@pytest.mark.parametrize("mean", [-0.5, 0.0, 1.0])
def test_it_is_scipys_normal_test_with_ties_and_zeros(zero_method, mean):
    differences = np.round(np.random.default_rng(3).normal(mean, 4, 900)) / 10
    theirs = stats.wilcoxon(differences, zero_method=zero_method, alternative="greater", method="approx")
    found = wilcoxon(differences, zero_method)
    assert found.method == "normal"
    assert found.zeros > 20
    assert found.statistic == pytest.approx(theirs.statistic)
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)
