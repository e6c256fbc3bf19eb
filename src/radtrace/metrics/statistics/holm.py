"""Holm's correction of a family of tests."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the given order: rejecting those <= alpha keeps the family-wise error at alpha.

    The i-th smallest of m is multiplied by m - i + 1, kept no smaller than the one before and at most 1.

    Source:  Holm 1979; any dependence between the tests is allowed.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
