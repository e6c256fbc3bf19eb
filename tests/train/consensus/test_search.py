"""The text that says what was decided and is most like the reports."""

from itertools import combinations, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from radtrace.decode.choosing.told import Told
from radtrace.train.consensus.search import Search, Text, crowd_of, told_as
from radtrace.train.consensus.sentences import pool_of

NORMAL = ["The heart is normal in size.", "The lungs are clear.", "No pleural effusion or pneumothorax."]
FOUND = ["The heart is enlarged.", "There is a left pleural effusion."]
POOL = [each for each in pool_of([" ".join([*NORMAL, *FOUND, "There is no pneumothorax."])] * 3) if each.count]


def best(columns: list[str], reports: list[str], again: int = 4) -> list[str]:
    return [each.text for each in Search(POOL).best(Told.of(columns), reports, (), again, 0)]


def test_a_normal_study_is_told_as_most_are() -> None:
    assert best([], [" ".join(NORMAL), "The lungs are clear. The heart is normal in size."]) == NORMAL


def test_what_was_decided_is_said_and_what_it_belies_is_not() -> None:
    effusion = ["Pleural Effusion", "Pleural Effusion, left"]
    said = best(["Cardiomegaly", *effusion], [" ".join(NORMAL)])
    assert said == [
        "The heart is enlarged.",
        "There is a left pleural effusion.",
        "The lungs are clear.",
        "There is no pneumothorax.",
    ]


def test_normal_lungs_are_told_once() -> None:
    texts = ["The heart is normal in size.", "The lungs are clear.", "The lungs are well-aerated."]
    pool = pool_of([" ".join(texts)] * 3)
    said = Search(pool).best(Told.of([]), [" ".join(texts)], (), 4, 0)
    assert len({*texts[1:]} & {each.text for each in said}) == 1


def test_a_finding_nobody_wrote_of_has_a_plain_sentence() -> None:
    search = Search(pool_of([" ".join(NORMAL)] * 3))
    text = search.best(Told.of(["Scoliosis"]), [" ".join(NORMAL)], (), 0, 0)
    assert "There is scoliosis." in told_as(text)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*NORMAL, *FOUND]), max_size=4).map(" ".join), min_size=1, max_size=5))
def test_no_other_text_is_more_like_the_reports(reports: list[str]) -> None:
    crowd = crowd_of(reports)
    normal = [each for each in POOL if not each.present]
    every: list[Text] = [
        order
        for count in range(1, len(normal) + 1)
        for some in combinations(normal, count)
        for order in permutations(some)
        if [each.rank for each in order] == sorted(each.rank for each in order)
        and sum(len(each.about) for each in order) == len(frozenset().union(*(each.about for each in order)))
    ]
    most = max(crowd.likeness(told_as(text)) for text in every)
    assert crowd.likeness(" ".join(best([], reports, again=20))) >= most - 1e-9
