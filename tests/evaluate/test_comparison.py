"""Comparisons with numbers by hand, families of tests and strata."""

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.evaluate.comparison import Plan, choose, compare, compare_strata
from radtrace.evaluate.scored import read_scored

PLAN = Plan(resamples=200, permutations=999)


def _both(write_scores, first, second, **options):
    return tuple(
        read_scored(write_scores(name, each, **options)) for name, each in (("a.jsonl", first), ("b.jsonl", second))
    )


def test_a_small_case_by_hand(write_scores):
    a, b = _both(write_scores, {"m": [0.1, 0.2, 0.3, None]}, {"m": [0.2, 0.4, 0.6, None]})
    (row,) = compare(a, b, ["m"], PLAN)
    assert (row.n, row.unpaired) == (3, 0)
    assert (row.first, row.second, row.difference) == pytest.approx((0.2, 0.4, 0.2))
    assert (row.permutation.p, row.permutation.exact) == (2 / 8, True)  # differences .1 .2 .3: all signs or none
    assert (row.wilcoxon.statistic, row.wilcoxon.p) == (6.0, 1 / 8)
    low, high = row.difference_interval.low, row.difference_interval.high
    assert 0.1 - 1e-9 <= low < 0.2 < high <= 0.3 + 1e-9
    assert row.holm == {"permutation": 0.25, "bootstrap": row.bootstrap_p, "wilcoxon": 0.125}


def test_where_lower_is_better_b_wins_by_being_lower(write_scores):
    signed = {"cost": "cost|better:lower|v:1"}
    a, b = _both(write_scores, {"cost": [3, 4, 5]}, {"cost": [1, 1, 1]}, signatures=signed)
    (row,) = compare(a, b, ["cost"], PLAN)
    assert row.lower
    assert row.difference == pytest.approx(-3)
    assert row.wilcoxon.p == 1 / 8
    (other,) = compare(b, a, ["cost"], PLAN)
    assert other.wilcoxon.p == 1.0


def test_a_model_against_itself_is_no_different(write_scores):
    a, b = _both(write_scores, {"m": [0.1, 0.7, 0.4]}, {"m": [0.1, 0.7, 0.4]})
    (row,) = compare(a, b, ["m"], PLAN)
    assert (row.difference, row.permutation.p, row.bootstrap_p, row.wilcoxon.p) == (0, 1, 1, 1)
    assert (row.difference_interval.low, row.difference_interval.high) == (0, 0)


def test_a_sample_that_only_one_scored_counts_for_that_one(write_scores):
    a, b = _both(write_scores, {"m": [0.2, 0.4]}, {"m": [0.2, None]})
    (row,) = compare(a, b, ["m"], PLAN)
    assert (row.n, row.unpaired) == (2, 1)
    assert (row.first, row.second) == pytest.approx((0.3, 0.2))
    assert row.wilcoxon.n + row.wilcoxon.zeros == 1


def test_one_sample_has_neither_interval_nor_bootstrap(write_scores):
    a, b = _both(write_scores, {"m": [0.2]}, {"m": [0.9]})
    (row,) = compare(a, b, ["m"], PLAN)
    assert (row.first_interval, row.difference_interval, row.bootstrap_p) == (None, None, None)
    assert row.permutation.p == 1.0
    assert "bootstrap" not in row.holm
    nothing = _both(write_scores, {"m": [None]}, {"m": [None]})
    assert compare(*nothing, ["m"], PLAN) == []


def test_holm_runs_over_the_metrics(write_scores):
    values = {"m": [0.1] * 8, "same": [0.5] * 8}
    a, b = _both(write_scores, values, {"m": [0.1 + 0.01 * k for k in range(1, 9)], "same": [0.5] * 8})
    better, same = compare(a, b, ["m", "same"], PLAN)
    assert better.permutation.p == 2 / 256
    assert better.holm["permutation"] == 2 * 2 / 256
    assert same.holm["permutation"] == 1.0


def test_metrics_computed_in_two_ways_are_refused_by_name(write_scores):
    a = read_scored(write_scores("a.jsonl", {"m": [0.1], "k": [0.1], "only_a": [0.1]}))
    b = read_scored(write_scores("b.jsonl", {"m": [0.1], "k": [0.1]}, signatures={"m": "m|tok:other|v:1"}))
    found = choose(a, b)
    assert found.comparable == ("k",)
    assert found.refused == {"m": ("m|v:1", "m|tok:other|v:1")}
    assert found.alone == ("only_a",)
    assert choose(a, b, ["k"]).refused == {}
    assert choose(a, b, ["o*", "?"]).comparable == ("k",)
    with pytest.raises(InputError, match="did you mean 'only_a'"):
        choose(a, b, ["only_b"])


def test_figures_of_single_classes_are_compared_only_by_name(write_scores):
    names = [f"rules_{figure}_edema" for figure in ("f1", "sensitivity", "specificity")]
    a = read_scored(write_scores("a.jsonl", {name: [0.1] for name in ("bleu_1", *names)}))
    assert choose(a, a).comparable == ("bleu_1",)
    assert choose(a, a).unasked == tuple(names)
    assert choose(a, a, ["bleu_1", "rules_f1_*"]).comparable == ("bleu_1", "rules_f1_edema")
    assert choose(a, a, ["*"]).unasked == ()


def test_strata_are_compared_by_themselves_and_corrected_together(write_scores):
    strata = [{"steps": k % 3 + 9, "finding": ["Edema", "Fracture"][: k % 3]} for k in range(12)]
    second = [0.1 * (k % 3) + 0.01 * k for k in range(12)]
    a, b = _both(write_scores, {"m": [0.0] * 12}, {"m": second}, strata=strata)
    found = compare_strata(a, b, ["m"], PLAN, "steps")
    assert list(found) == ["9", "10", "11"]  # as numbers
    assert found["11"][0].second == pytest.approx(np.mean(second[2::3]))
    assert found["11"][0].permutation.p == 2 / 16
    assert found["11"][0].holm["permutation"] == pytest.approx(3 * 2 / 16)
    findings = compare_strata(a, b, ["m"], PLAN, "finding")
    assert {level: rows[0].n for level, rows in findings.items()} == {"Edema": 8, "Fracture": 4}


def test_a_stratum_that_is_not_there_or_not_agreed_on_is_named(write_scores):
    a = read_scored(write_scores("a.jsonl", {"m": [0.1, 0.2]}, strata=[{"source": "x"}, {"source": "y"}]))
    b = read_scored(write_scores("b.jsonl", {"m": [0.1, 0.2]}, strata=[{"source": "x"}, {"source": "x"}]))
    with pytest.raises(InputError, match="no stratum 'sauce': did you mean 'source'"):
        compare_strata(a, a, ["m"], PLAN, "sauce")
    with pytest.raises(InputError, match=r"b\.jsonl: id 's1' stands in another stratum 'source'"):
        compare_strata(a, b, ["m"], PLAN, "source")


def test_the_bootstrap_within_strata_is_narrower_where_they_differ(write_scores):
    first = [0.1] * 20 + [0.9] * 20
    strata = [{"source": "x"}] * 20 + [{"source": "y"}] * 20
    a, b = _both(write_scores, {"m": first}, {"m": first}, strata=strata)
    (wide,) = compare(a, b, ["m"], PLAN)
    (narrow,) = compare(a, b, ["m"], Plan(resamples=200, permutations=999, within="source"))
    assert wide.first_interval.high - wide.first_interval.low > 0.1
    assert narrow.first_interval.low == pytest.approx(narrow.first_interval.high)
    for key, message in (("kind", "no stratum 'kind'"), ("more", "id 's0' does not stand in exactly one")):
        two = [{"source": "x", "more": ["p", "q"]}] + [{"source": "x", "more": "p"}] * 39
        several = read_scored(write_scores("c.jsonl", {"m": first}, strata=two))
        with pytest.raises(InputError, match=message):
            compare(several, several, ["m"], Plan(within=key))
