"""What is left of a sentence that compares, where no earlier film is given."""

import pytest

from radtrace.metrics.clinical.priors import compares
from radtrace.records import Report, Step, Trace, View
from radtrace.train.sft.data.alone import alone

VIEW = View(id="v", uri="film.png", width=100, height=100)


def told(words: str) -> str:
    trace = Trace(study_id="s", view=VIEW, steps=(Step(domain="lung", rationale=words),), report=Report(findings=words))
    left = alone(trace)
    assert left.report is not None
    assert [step.rationale for step in left.steps] == ([left.report.findings] if left.report.findings else [])
    assert not compares(left.report.findings)
    return left.report.findings


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Stable small granuloma at the left base.", "Small granuloma at the left base."),
        ("There is an unchanged right pleural effusion.", "There is a right pleural effusion."),
        ("A stable opacity is seen at the right base.", "An opacity is seen at the right base."),
        ("The heart is enlarged but unchanged from the prior exam.", "The heart is enlarged."),
        ("Right basilar scarring, which is stable compared to the previous study.", "Right basilar scarring."),
        ("Sternal wires are again noted.", "Sternal wires are noted."),
        ("Again noted is a large hiatal hernia.", "Large hiatal hernia."),
        ("Redemonstration of the left effusion, unchanged.", "Left effusion."),
        ("No new consolidation.", "No consolidation."),
        ("Nodules suggest a previous granulomatous infection.", "Nodules suggest an old granulomatous infection."),
        ("Prior median sternotomy and mild cardiomegaly.", "Past median sternotomy and mild cardiomegaly."),
        ("The left hemidiaphragm remains elevated.", "The left hemidiaphragm is elevated."),
        ("The aorta is stable and within normal limits.", "The aorta is within normal limits."),
    ],
)  # fmt: skip
def test_the_finding_stays_and_the_comparison_goes(words: str, left: str) -> None:
    assert told(words) == left


@pytest.mark.parametrize(
    "words",
    [
        "The heart size is unchanged.",
        "Stable mediastinal contours.",
        "Interval development of a right effusion.",
        "The opacity has decreased since the prior film.",
    ],
)
def test_nothing_is_left_of_what_only_compares(words: str) -> None:
    assert told(words) == ""
    assert told(f"The lungs are clear. {words}") == "The lungs are clear."
