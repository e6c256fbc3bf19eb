import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.arena import Battle, fit
from radtrace.arena.battles import MIRRORED, WINNERS, tabulate
from radtrace.arena.bradley_terry import probability, scores
from radtrace.arena.intervals import bootstrap, sandwich

# American League East 1987, home and away together: Agresti, Categorical Data Analysis, 2nd ed., Table 10.10.
# A row's wins over the teams of the columns, in the same order.
BASEBALL = {
    "Milwaukee": (0, 7, 9, 7, 7, 9, 11),
    "Detroit": (6, 0, 7, 5, 11, 9, 9),
    "Toronto": (4, 6, 0, 7, 7, 8, 12),
    "New York": (6, 8, 6, 0, 6, 7, 10),
    "Boston": (6, 2, 6, 7, 0, 7, 12),
    "Cleveland": (4, 4, 5, 6, 6, 0, 6),
    "Baltimore": (2, 4, 1, 3, 1, 7, 0),
}
# Turner & Firth, "Bradley-Terry models in R: the BradleyTerry2 package", 2012, Sec. 3.2: scores, Baltimore 0.
ABILITIES = {
    "Boston": 1.1077,
    "Cleveland": 0.6839,
    "Detroit": 1.4364,
    "Milwaukee": 1.5814,
    "New York": 1.2476,
    "Toronto": 1.2945,
}


def games(table):
    names = list(table)
    return [
        Battle(a, b, "a") for a, row in table.items() for b, wins in zip(names, row, strict=True) for _ in range(wins)
    ]


def test_the_worked_example_of_four_players():
    # Wikipedia, "Bradley-Terry model", worked example: 0.640, 1.043, 0.660, 2.270
    table = {"A": (0, 2, 0, 1), "B": (3, 0, 5, 0), "C": (0, 3, 0, 1), "D": (4, 0, 3, 0)}
    ranking = fit(games(table), resamples=10)
    assert {name: round(value, 3) for name, value in ranking.strengths.items()} == {
        "D": 2.270, "B": 1.043, "C": 0.660, "A": 0.640,
    }  # fmt: skip
    assert math.prod(ranking.strengths.values()) == pytest.approx(1, abs=1e-9)
    assert ranking.models == ("D", "B", "C", "A")


def test_the_baseball_season():
    thetas = fit(games(BASEBALL), resamples=0).thetas
    for name, ability in ABILITIES.items():
        assert thetas[name] - thetas["Baltimore"] == pytest.approx(ability, abs=6e-5)


def test_two_models_by_hand():
    # 30 wins of 40: odds 3, so strengths sqrt(3) and 1 / sqrt(3). Variance of the difference of scores
    # 1 / (40 x .75 x .25) = 2/15, of each score a quarter of it; here the sandwich is the inverse information.
    battles = [Battle("x", "y", "a")] * 25 + [Battle("y", "x", "b")] * 5 + [Battle("x", "y", "b")] * 10
    ranking = fit(battles, resamples=0)
    assert ranking.strengths["x"] == pytest.approx(math.sqrt(3), abs=1e-6)
    low, high = ranking.sandwich["x"]
    half = 1.959964 * math.sqrt(2 / 15) / 2
    assert (math.log(low), math.log(high)) == pytest.approx((math.log(3) / 2 - half, math.log(3) / 2 + half), abs=1e-5)
    assert ranking.bootstrap == {"x": None, "y": None}
    assert ranking.rank == {"x": 1, "y": 2}


def test_ties_and_both_bad_are_half_a_win():
    wins = [Battle("x", "y", "a")] * 3 + [Battle("x", "y", "b")] * 2
    one = fit([*wins, Battle("x", "y", "a"), Battle("x", "y", "b")], resamples=0).strengths
    for half in ("tie", "both_bad"):
        assert fit([*wins, Battle("x", "y", half), Battle("y", "x", half)], resamples=0).strengths == pytest.approx(one)


def test_a_battle_weighs_the_inverse_of_its_propensity():
    # propensity 1/4 as four battles of propensity 1
    once = [Battle("x", "y", "a", 0.25), Battle("x", "y", "b", 1.0), Battle("y", "z", "tie", 1.0)]
    copied = [*[Battle("x", "y", "a")] * 4, Battle("x", "y", "b"), Battle("y", "z", "tie")]
    assert fit(once, resamples=0).strengths == pytest.approx(fit(copied, resamples=0).strengths, rel=1e-5)
    # but is one observation, not four: 4^2 + 1 in the middle of the sandwich, not 4 + 1 (p = .8, 16 x .04 + .64)
    table = tabulate(once[:2])
    theta = scores(table.wins, table.total, table.pairs, 2)
    gap = sandwich(table, theta, 1e-9) @ np.array([1, -1]) @ np.array([1, -1])
    assert gap == pytest.approx((16 * 0.2**2 + 0.8**2) / (5 * 0.8 * 0.2) ** 2, rel=1e-4)


def test_scaled_scores_divide_by_the_largest():
    scaled = fit(games(BASEBALL), resamples=0).scaled
    assert max(abs(value) for value in scaled.values()) == 1
    assert scaled["Baltimore"] == -1


def test_matrices():
    battles = [
        Battle("x", "y", "a"),
        Battle("y", "x", "a"),
        Battle("x", "y", "tie"),
        Battle("x", "y", "a"),
        Battle("z", "y", "b"),
    ]
    ranking = fit(battles, resamples=0)
    at = {name: index for index, name in enumerate(ranking.models)}
    assert ranking.battles[at["x"], at["y"]] == ranking.battles[at["y"], at["x"]] == 4
    assert ranking.win_rates[at["x"], at["y"]] == 2.5 / 4
    assert ranking.win_rates[at["y"], at["x"]] == 1.5 / 4
    assert np.isnan(ranking.win_rates[at["x"], at["z"]])
    assert ranking.row()["win_rates"][at["x"]][at["z"]] is None


def test_models_out_of_reach_are_named_and_have_no_strength():
    battles = [*[Battle("x", "y", "tie")] * 3, Battle("p", "q", "a"), Battle("q", "p", "a")]
    ranking = fit(battles, resamples=50)
    assert ranking.components == (("x", "y"), ("p", "q"))
    assert ranking.unreachable == ("p", "q")
    assert ranking.strengths == pytest.approx({"x": 1, "y": 1, "p": None, "q": None})
    assert ranking.models == ("x", "y", "p", "q")
    assert "p, q" in ranking.warnings[0]


def test_separated_models_are_named_and_have_no_interval():
    # x never lost; y and z beat each other
    battles = [*[Battle("x", "y", "a")] * 4, Battle("y", "z", "a"), Battle("z", "y", "a"), Battle("x", "z", "a")]
    ranking = fit(battles, ridge=0.001, resamples=20)
    assert ranking.tiers == (("x",), ("y", "z"))
    assert set(ranking.sandwich.values()) == set(ranking.bootstrap.values()) == {None}
    assert ranking.strengths["x"] > 10 * ranking.strengths["y"]
    assert "x > y, z" in ranking.warnings[0]
    # one tie against x, and all is well
    assert fit([*battles, Battle("y", "x", "tie")], resamples=20).warnings == ()


def test_a_long_chain_of_models_that_never_lost_still_settles():
    names = [f"m{number:02}" for number in range(70)]
    ranking = fit([Battle(a, b, "a") for a, b in pairwise(names) for _ in range(50)], resamples=0)
    assert list(ranking.models) == names
    assert all(value is None or math.isfinite(value) for value in ranking.strengths.values())


def test_mixed_propensities_are_told():
    warnings = fit([Battle("x", "y", "a", 0.5), Battle("x", "y", "b")], resamples=0).warnings
    assert warnings == ("1 of 2 battles have no propensity and weigh as if it were 1",)


def simulated(count, weighted):
    rng = np.random.default_rng(5)
    theta = np.array([0.9, 0.3, 0.0, -1.2])
    battles = []
    for _ in range(count):
        i, j = sorted(rng.choice(4, 2, replace=False).tolist())
        won = rng.random() < 1 / (1 + np.exp(theta[j] - theta[i]))
        propensity = rng.uniform(0.1, 0.2) if weighted else None
        battles.append(Battle(f"m{i}", f"m{j}", "a" if won else "b", propensity))
    return battles, theta


@pytest.mark.parametrize("weighted", [False, True])
def test_bootstrap_and_sandwich_tell_the_same_of_many_battles(weighted):
    battles, theta = simulated(3000, weighted)
    table = tabulate(battles)
    fitted = scores(table.wins, table.total, table.pairs, 4)
    errors = np.sqrt(np.diagonal(sandwich(table, fitted, 1e-6)))
    drawn = bootstrap(table, 2000, 1e-6, 0)
    assert drawn.theta.std(0) == pytest.approx(errors, rel=0.08)
    assert np.abs(fitted - theta).max() < 4 * errors.max()


def test_kinds_of_battles_are_drawn_as_single_battles_are():
    battles, _ = simulated(2000, weighted=False)
    jitter = np.random.default_rng(1).uniform(0.5, 0.5 + 1e-9, len(battles))
    single = tabulate([Battle(b.a, b.b, b.winner, p) for b, p in zip(battles, jitter.tolist(), strict=True)])
    kinds = tabulate(battles)
    one, other = (bootstrap(table, 2000, 1e-6, 3).theta for table in (single, kinds))
    assert one.mean(0) == pytest.approx(other.mean(0), abs=0.01)
    assert one.std(0) == pytest.approx(other.std(0), rel=0.07)


names = st.sampled_from(["a-1", "b-2", "c-3", "d-4"])
battle = st.builds(
    lambda pair, winner, propensity: Battle(*pair, winner, propensity),
    st.sampled_from(list(combinations(["a-1", "b-2", "c-3", "d-4"], 2))),
    st.sampled_from(WINNERS),
    st.sampled_from([None, 0.1, 0.5, 1.0]),
)


@given(st.lists(battle, min_size=1, max_size=30), st.data())
def test_neither_order_nor_sides_nor_names_matter(battles, data):
    before = fit(battles, resamples=20)
    swapped = [
        Battle(each.b, each.a, MIRRORED[each.winner], each.propensity) if data.draw(st.booleans()) else each
        for each in data.draw(st.permutations(battles))
    ]
    after = fit(swapped, resamples=20)
    assert after.strengths == near(before.strengths)
    assert after.tiers == before.tiers
    assert after.bootstrap == near(before.bootstrap)
    assert after.sandwich == near(before.sandwich)
    other = {"a-1": "z", "b-2": "y", "c-3": "x", "d-4": "w"}
    renamed = fit([Battle(other[b.a], other[b.b], b.winner, b.propensity) for b in battles], resamples=0)
    if len(before.components) == 1 or len(before.components[0]) > len(before.components[1]):
        assert renamed.strengths == near({other[name]: value for name, value in before.strengths.items()})


def near(values):
    """The same numbers but for rounding, and None where None stands."""
    return {name: value if value is None else pytest.approx(value, rel=1e-6) for name, value in values.items()}


@given(st.lists(battle, min_size=1, max_size=40))
def test_the_fit_is_a_maximum_and_its_mean_is_zero(battles):
    table = tabulate(battles)
    theta = scores(table.wins, table.total, table.pairs, len(table.models), 1e-3)
    assert theta.sum() == pytest.approx(0, abs=1e-9)
    chance = probability(theta, table.pairs)
    slope = np.zeros(len(theta))
    np.add.at(slope, table.pairs[:, 0], table.total * chance - table.wins)
    np.add.at(slope, table.pairs[:, 1], table.wins - table.total * chance)
    assert slope + 1e-3 * theta == pytest.approx(np.zeros_like(theta), abs=1e-7)
