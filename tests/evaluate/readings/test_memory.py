from hypothesis import given
from hypothesis import strategies as st

from radtrace.evaluate.readings.memory import Reports, repeated

WORDS = st.lists(st.sampled_from("ab"), max_size=8).map(" ".join)


def brute(text, reports):
    """The longest runs by trying all."""
    said, old = text.split(), [report.split() for report in reports]
    longest = alone = 0
    for start in range(len(said)):
        for end in range(start + 1, len(said) + 1):
            run = said[start:end]
            having = sum(any(each[at : at + len(run)] == run for at in range(len(each) - len(run) + 1)) for each in old)
            if having:
                longest = max(longest, len(run))
            if having == 1:
                alone = max(alone, len(run))
    return longest, alone


@given(st.lists(WORDS, max_size=4), WORDS)
def test_runs_are_the_longest_there_are(reports, text):
    run = Reports(reports).run(text)
    assert (run.longest, run.alone) == brute(text, reports)


def test_a_repeated_report_is_told_from_a_usual_sentence():
    train = Reports(
        ["The lungs are clear.", "The lungs are clear. A drain lies at the left base.", "Heart size normal."]
    )
    found = repeated({"1": "the lungs are clear", "2": "A drain lies at the left base.", "3": "Bones intact."}, train)
    assert found.identical == ("1",)
    assert [(run.longest, run.alone) for run in found.runs.values()] == [(4, 0), (7, 7), (0, 0)]
    said = found.to_json()
    assert (said["identical"], said["reports"], said["longest_run"]) == (1, 3, 7)
