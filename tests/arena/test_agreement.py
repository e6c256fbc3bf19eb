import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.arena import Battle, agreement, cohen_kappa, krippendorff_alpha, verdicts_of
from radtrace.errors import InputError


def test_kappa_of_the_grant_example():
    # Wikipedia, "Cohen's kappa": 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no; p_o = .7, p_e = .5 x .6 + .5 x .4 = .5
    counts = {("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}
    first, second = zip(*[pair for pair, count in counts.items() for _ in range(count)], strict=True)
    found = cohen_kappa(first, second)
    assert (found.units, found.agreement, found.kappa) == (50, 0.7, pytest.approx(0.4))


def test_kappa_at_its_edges():
    assert cohen_kappa([], []).kappa is None
    assert cohen_kappa("aaa", "aaa").kappa is None  # chance alone agrees on all
    assert cohen_kappa("ab", "ba").kappa == -1


def test_alpha_of_krippendorffs_example_with_missing_data():
    # "Computing Krippendorff's alpha-reliability", 2011, C: four observers, twelve units, nominal alpha .743
    observers = (
        "123321412...",
        "1233224125.3",
        ".3332342251.",
        "12332441251.",
    )
    units = [[value for value in unit if value != "."] for unit in zip(*observers, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_two_observers_without_gaps():
    # the same paper, A: two observers, ten binary units: alpha .095
    one, other = "0100000010", "1110010000"
    assert krippendorff_alpha(zip(one, other, strict=True)) == pytest.approx(0.095, abs=5e-4)


def test_alpha_at_its_edges():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha([["a"], ["b"]]) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), max_size=12), st.randoms())
def test_alpha_knows_neither_order_nor_names(units, random):
    before = krippendorff_alpha(units)
    mixed = [random.sample([each.upper() for each in unit], len(unit)) for unit in random.sample(units, len(units))]
    assert krippendorff_alpha(mixed) == (None if before is None else pytest.approx(before))
    assert before is None or before <= 1


def test_battles_are_matched_whichever_model_stood_first():
    judge = verdicts_of([Battle("x", "y", "a", id="1"), Battle("x", "y", "tie", id="2")], "judge")
    reader = verdicts_of(
        [Battle("y", "x", "b", id="1"), Battle("y", "x", "a", id="2"), Battle("y", "z", "a", id="2")], "r"
    )
    result = agreement({"judge": judge, "reader": reader})
    assert (result["units"], result["compared"]) == (3, 2)
    (pair,) = result["pairs"]
    assert (pair["n"], pair["agreement"]) == (2, 0.5)
    assert pair["without_ties"] == {"n": 1, "agreement": 1.0, "kappa": None}


def test_a_verdict_without_or_with_a_doubled_id_is_refused():
    with pytest.raises(InputError, match="needs an id"):
        verdicts_of([Battle("x", "y", "a")], "votes")
    with pytest.raises(InputError, match="id '7': x against y stands there twice"):
        verdicts_of([Battle("x", "y", "a", id="7"), Battle("y", "x", "a", id="7")], "votes")
