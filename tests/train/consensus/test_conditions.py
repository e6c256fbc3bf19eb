"""What is decided of the studies that are learnt from, and whose reports are of studies decided alike."""

import numpy as np

from radtrace.decode.choosing.told import Told
from radtrace.reader.bundle import Policy
from radtrace.records import Report
from radtrace.train.consensus.conditions import Conditions, conditions_of
from radtrace.train.encoder.skill import Skill

LABELS = ("Abnormal", "Cardiomegaly", "Scoliosis")
NORMAL, LARGE, BENT = (
    Report(findings="The heart is normal in size."),
    Report(findings="The heart is enlarged."),
    Report(findings="There is scoliosis."),
)


def conditions(auroc: float, draws: int) -> Conditions:
    skill = Skill(LABELS, (auroc,) * 3, tuple(map(tuple, np.eye(3).tolist())))
    return conditions_of([NORMAL, LARGE, BENT] * 20, skill, Policy(present={"Cardiomegaly": 0.2}), draws, 0)


def test_one_half_is_told_what_is_shown_and_only_what_a_reader_assesses() -> None:
    found = conditions(0.9, 2)
    assert (len(found.shown), len(found.drawn)) == (60, 120)
    assert [sorted(each.columns) for each in found.shown[:3]] == [[], ["Cardiomegaly"], []]
    assert found.of(1) is found.shown[1]
    assert found.of(2) is found.drawn[2]


def test_an_encoder_of_little_skill_is_wrong_more_often() -> None:
    def wrong(found: Conditions) -> int:
        return sum(drawn != found.shown[number % 60] for number, drawn in enumerate(found.drawn))

    assert wrong(conditions(0.98, 4)) < wrong(conditions(0.7, 4))


def test_reports_of_studies_decided_alike_come_first() -> None:
    heart = Told.of(["Cardiomegaly"])
    found = Conditions([NORMAL, LARGE], [], [Told.of([]), heart, Told.of([]), heart])
    reports, alike = found.alike(heart, 10, 3, np.random.default_rng(0))
    assert (reports[:2], len(reports), alike) == ([LARGE, LARGE], 3, 2)
    assert found.alike(heart, 1, 1, np.random.default_rng(0)) == ([LARGE], 1)
