"""Holm's correction by hand and its properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.metrics.statistics.holm import holm


def test_the_textbook_case():
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, each at least the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_order_is_kept_and_nothing_becomes_smaller(values):
    adjusted = holm(values)
    assert all(p <= q <= min(1, len(values) * p) + 1e-12 for p, q in zip(values, adjusted, strict=True))
    assert [adjusted[i] for i in sorted(range(len(values)), key=values.__getitem__)] == sorted(adjusted)
