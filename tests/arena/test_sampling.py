from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.arena.sampling import AdaptiveSampler, Meeting, pair_probabilities, uniform

MODELS = ("x", "y", "z")
IDS = tuple(map(str, range(40)))


def test_the_papers_equation_by_hand():
    # pair 1: one battle, won: mean (1 + .5) / 2 = .75, variance .75 - .75^2 = .1875, root .43301;
    #         x (1 - 1/sqrt 2) = .12683
    # pair 2: four battles, two won: variance .25, sqrt .5; x (1/2 - 1/sqrt 5) = .02639; shares .82775 and .17225
    found = pair_probabilities(np.array([1.0, 4]), np.array([1.0, 2]), np.array([1.0, 2]))
    assert found == pytest.approx(0.9 * np.array([0.82775, 0.17225]) + 0.05, abs=1e-4)


def test_pairs_that_never_met_come_first():
    counts = np.array([0.0, 3, 0, 5])
    found = pair_probabilities(counts, counts / 2, counts / 4)
    assert found == pytest.approx([0.475, 0.025, 0.475, 0.025])


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=1, max_size=20))
def test_probabilities_add_up_and_none_vanishes(pairs):
    counts = np.array([count for count, _ in pairs], float)
    points = np.array([count * share for count, share in pairs])
    found = pair_probabilities(counts, points, points)
    assert found.sum() == pytest.approx(1)
    assert found.min() >= 0.1 / len(pairs) - 1e-12


def test_uniform_draws_each_meeting_once_and_every_pair_alike():
    drawn = uniform(MODELS, IDS, 1000, 0)
    assert len(drawn) == len(set(drawn)) == 120
    assert {(meeting.a, meeting.b, meeting.propensity) for meeting in drawn} == {
        (a, b, 1 / 3) for a, b in combinations(MODELS, 2)
    }
    assert uniform(MODELS, IDS, 50, 0) == drawn[:50]
    assert uniform(MODELS[::-1], IDS, 50, 0) == drawn[:50]
    assert uniform(MODELS, IDS, 50, 1) != drawn[:50]


def test_adaptive_draws_follow_their_logged_propensities():
    sampler = AdaptiveSampler(MODELS, tuple(map(str, range(5000))), 0)
    met = [Meeting(str(number), *pair, 1.0) for number in range(6) for pair in combinations(MODELS, 2)]
    met += [Meeting(str(number), "x", "y", 1.0) for number in range(6, 60)]
    points = {index: float(index % 2) for index in range(len(met))}
    drawn = list(sampler.draw(2000, met, points))
    shares = Counter((meeting.a, meeting.b) for meeting in drawn)
    for meeting in {(each.a, each.b): each for each in drawn}.values():
        assert shares[meeting.a, meeting.b] / 2000 == pytest.approx(meeting.propensity, abs=0.04)
    assert shares["x", "y"] < shares["x", "z"]


def test_adaptive_draws_end_when_all_have_met_and_repeat_from_their_seed():
    sampler = AdaptiveSampler(MODELS, IDS[:5], 3)
    drawn = list(sampler.draw(100, [], {}))
    assert len({(meeting.id, meeting.a, meeting.b) for meeting in drawn}) == len(drawn) == 15
    assert drawn[-1].propensity == 1.0  # the others had met over every study
    assert list(sampler.draw(100, [], {})) == drawn
    assert list(sampler.draw(5, drawn, {})) == []
