from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from radtrace.build.split import Member, assign

FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}


def test_each_number_of_steps_is_shared_out_alike():
    members = [Member(f"{steps}-{number}", None, steps, None) for steps in (1, 2, 3) for number in range(200)]
    sides, conflicts = assign(members, FRACTIONS, seed=0)
    assert not conflicts
    for steps in (1, 2, 3):
        counts = Counter(side for name, side in sides.items() if name.startswith(f"{steps}-"))
        assert abs(counts["train"] - 160) <= 1
        assert abs(counts["val"] - 20) <= 1
        assert abs(counts["test"] - 20) <= 1


def test_the_split_depends_on_the_seed_and_on_nothing_else():
    members = [Member(str(number), None, number % 3, None) for number in range(100)]
    assert assign(members, FRACTIONS, 0) == assign(members[::-1], FRACTIONS, 0)
    assert assign(members, FRACTIONS, 0) != assign(members, FRACTIONS, 1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("pqrs") | st.none(), st.integers(1, 4), st.sampled_from(["train", "val"]) | st.none()
        ),
        max_size=40,
    )
)
def test_no_patient_stands_on_two_sides_and_the_sources_split_is_kept(rows):
    members = [Member(str(number), *row) for number, row in enumerate(rows)]
    sides, conflicts = assign(members, FRACTIONS, 0)
    assert sides.keys() | conflicts.keys() == {member.study_id for member in members}
    assert not sides.keys() & conflicts.keys()
    seen: dict[str, set[str]] = {}
    for member in members:
        if member.study_id in sides:
            assert member.split in (None, sides[member.study_id])
            if member.patient_id:
                seen.setdefault(member.patient_id, set()).add(sides[member.study_id])
    assert all(len(found) == 1 for found in seen.values())


def test_a_patient_whom_the_source_puts_on_both_sides_is_refused():
    members = [Member("1", "p", 2, "train"), Member("2", "p", 2, "val"), Member("3", "q", 2, "val")]
    sides, conflicts = assign(members, FRACTIONS, 0)
    assert sides == {"3": "val"}
    assert conflicts == dict.fromkeys(["1", "2"], "the source has the patient's studies in train and val")


def test_a_side_without_a_fraction_stays_empty():
    members = [Member(str(number), None, 2, None) for number in range(50)]
    assert set(assign(members, {"train": 1.0, "val": 0.0, "test": 0.0}, 0)[0].values()) == {"train"}
