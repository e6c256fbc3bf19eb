import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.metrics.clinical.radgraph_reward import Rewards, rewards

PRESENT, ABSENT, ANATOMY = "Observation::definitely present", "Observation::definitely absent", "Anatomy"


def graph(*entities):
    """Entities (tokens, label, relation, …), their keys counted from 1."""
    return {
        str(place): {"tokens": tokens, "label": label, "relations": relations}
        for place, (tokens, label, *relations) in enumerate(entities, 1)
    }


def test_rewards_by_hand():
    predicted = graph(
        ("effusion", PRESENT, ["located_at", "2"]), ("left", ANATOMY), ("heart", ANATOMY), ("edema", PRESENT)
    )
    wanted = graph(("effusion", PRESENT, ["located_at", "2"]), ("right", ANATOMY), ("heart", ANATOMY))
    # e: effusion and heart of 4 and of 3. er: the effusion has a relation on both sides: the same two.
    # ber: the effusion is elsewhere: heart alone.
    assert rewards(predicted, wanted) == Rewards(
        e=pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        er=pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3)),
        ber=pytest.approx(2 * (1 / 4) * (1 / 3) / (1 / 4 + 1 / 3)),
    )


def test_a_relation_that_one_side_lacks():
    predicted = graph(("effusion", PRESENT), ("left", ANATOMY))
    wanted = graph(("effusion", PRESENT, ["located_at", "2"]), ("left", ANATOMY))
    assert rewards(predicted, wanted) == Rewards(1.0, 0.5, 0.5)


def test_each_relation_of_an_entity_counts_in_ber():
    predicted = graph(("opacity", PRESENT, ["located_at", "2"]), ("left", ANATOMY), ("lung", ANATOMY))
    both = (["located_at", "2"], ["located_at", "3"])
    wanted = graph(("opacity", PRESENT, *both), ("left", ANATOMY), ("lung", ANATOMY))
    # ber: left, lung and opacity at left of 3 and of 4.
    assert rewards(predicted, wanted) == Rewards(1.0, 1.0, pytest.approx(2 * 1 * 0.75 / 1.75))


def test_the_label_belongs_to_an_entity_and_what_is_said_twice_counts_once():
    assert rewards(graph(("edema", PRESENT)), graph(("edema", ABSENT))) == Rewards(0, 0, 0)
    assert rewards(graph(("edema", PRESENT), ("edema", PRESENT)), graph(("edema", PRESENT))) == Rewards(1, 1, 1)


def test_the_cases_of_letters():
    upper = graph(("Large", PRESENT, ["modify", "2"]), ("Effusion", PRESENT))
    lower = graph(("large", PRESENT, ["modify", "2"]), ("effusion", PRESENT))
    assert rewards(upper, lower, "fixed") == Rewards(1, 1, 1)
    assert rewards(upper, lower) == Rewards(1, 1, 1)
    # As radgraph 0.1.18 has it, only the relation of ber is read in lower case: one fact of two.
    assert rewards(upper, lower, "legacy") == Rewards(0, 0, 0.5)
    assert rewards(upper, upper, "legacy") == Rewards(1, 1, 1)


@pytest.mark.parametrize("case", ["legacy", "fixed"])
def test_no_entity_on_either_side_is_nothing(case):
    some = graph(("edema", PRESENT))
    for one, other in ((some, {}), ({}, some), ({}, {})):
        assert rewards(one, other, case) == Rewards(0, 0, 0)


@st.composite
def graphs(draw):
    count = draw(st.integers(0, 5))
    relation = st.tuples(st.sampled_from(["modify", "located_at"]), st.integers(1, max(count, 1)).map(str)).map(list)
    tokens = st.sampled_from(["edema", "Edema", "left", "LEFT", "small  opacity"])
    entity = st.tuples(tokens, st.sampled_from([PRESENT, ABSENT]), st.lists(relation, max_size=2))
    drawn = draw(st.lists(entity, min_size=count, max_size=count))
    return graph(*((tokens, label, *relations) for tokens, label, relations in drawn))


@given(graphs(), graphs())
def test_bounds_symmetry_and_identity(one, other):
    for case in ("legacy", "fixed"):
        forth, back = rewards(one, other, case), rewards(other, one, case)
        for part in ("e", "er", "ber"):
            assert 0 <= getattr(forth, part) <= 1
            assert getattr(forth, part) == pytest.approx(getattr(back, part))
            assert getattr(rewards(one, one, case), part) == bool(one)


@given(graphs(), graphs())
def test_legacy_is_radgraph_0_1_18_to_the_bit(one, other):
    with warnings.catch_warnings(action="ignore"):  # the package's own, when it is compiled
        package = pytest.importorskip("radgraph.rewards")
    expected = package.compute_reward({"entities": one}, {"entities": other}, "all")
    assert rewards(one, other, "legacy") == Rewards(*expected)


@given(graphs(), graphs())
def test_fixed_is_legacy_of_words_in_lower_case(one, other):
    lowered = [
        {key: {**entity, "tokens": entity["tokens"].lower()} for key, entity in each.items()} for each in (one, other)
    ]
    assert rewards(one, other, "fixed") == rewards(*lowered, "legacy")
