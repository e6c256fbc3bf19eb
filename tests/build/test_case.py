"""Which film of a study is read, with a stated answer for each film in place of a localizer."""

from pathlib import Path

import numpy as np
import pytest

from radtrace.build.case import Case, make_cases
from radtrace.geometry import Box
from radtrace.images import encode_png
from radtrace.localize import Localization
from radtrace.records import Region, Rejected, Report, Study, View
from radtrace.sources.table import Table

LUNGS = {"right lung": Box.of((0.1, 0.1, 0.4, 0.8)), "left lung": Box.of((0.6, 0.1, 0.9, 0.8))}
FRONTAL = Localization(kind="frontal", rotation=0, regions=LUNGS, warnings=())
LATERAL = Localization(kind="lateral", rotation=0, regions={}, warnings=("a lateral film",))
OTHER = Localization(kind="other", rotation=0, regions={}, warnings=("no chest film",))
REPORT = Report(findings="The lungs are clear.")


@pytest.fixture
def source(tmp_path):
    """Films named by how bright they are, so that an answer can be given to each."""
    for name, grey in (("f", 0.25), ("l", 0.5), ("o", 0.75)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.full((100, 80), grey, np.float32)))
    return Table(kind="table", root=tmp_path, table=Path("t.csv"))


def locate(films):
    return [{0.25: FRONTAL, 0.5: LATERAL, 0.75: OTHER}[round(float(film.pixels.mean()) * 4) / 4] for film in films]


def study(*films, regions=(), report=REPORT):
    views = tuple(View(id=f"{name}{i}", uri=f"{name}.png", projection=side) for i, (name, side) in enumerate(films))
    return Study(id="s", source="table", views=views, report=report, regions=regions)


def made(source, one):
    (case,) = make_cases([one], source, locate)
    return case


def test_a_pa_film_comes_before_an_ap_film(source):
    assert made(source, study(("f", "AP"), ("f", "PA"))).trace.view.id == "f1"


def test_a_film_that_the_source_says_nothing_of_is_asked_what_it_is(source):
    case = made(source, study(("l", "unknown"), ("f", "unknown")))
    assert case.trace.view.id == "f1"
    assert case.trace.view.projection == "frontal"
    assert "taken for lateral: a lateral film" in case.trace.provenance[0].detail


def test_lateral_only_studies_are_rejected_whoever_says_so(source):
    for films in ([("l", "unknown"), ("l", "unknown")], [("l", "lateral")]):
        rejected = made(source, study(*films))
        assert isinstance(rejected, Rejected)
        assert rejected.stage == "view"
        assert rejected.reason.startswith("no frontal film")


def test_a_film_that_the_localizer_refuses_is_rejected(source):
    rejected = made(source, study(("o", "PA")))
    assert (rejected.stage, rejected.reason) == ("localize", "o0: taken for other: no chest film")


def test_the_sources_own_boxes_come_before_the_localizers(source):
    own = Region(name="left lung", box=Box.of((0.5, 0, 1, 1)), view_id="f0", origin="radiologist")
    of_another_view = Region(name="right lung", box=Box.of((0, 0, 1, 1)), view_id="x", origin="radiologist")
    (step,) = made(source, study(("f", "PA"), regions=(own, of_another_view))).trace.steps
    assert {region.name: (region.origin, region.box) for region in step.regions} == {
        "right lung": ("localizer", LUNGS["right lung"]),
        "left lung": ("radiologist", own.box),
    }


def test_the_view_gets_the_films_size_and_hash(source):
    case = made(source, study(("f", "PA")))
    assert isinstance(case, Case)
    assert (case.trace.view.width, case.trace.view.height) == (80, 100)
    assert len(case.trace.view.sha256) == 64


def test_each_case_of_many_gets_its_own_answer(source):
    rejected = Rejected(study_id="r", stage="source", reason="bad row")
    studies = [study(("f", "PA")), rejected, study(("o", "unknown")), study(("l", "unknown"), ("f", "AP"))]
    cases = list(make_cases(studies, source, locate))
    assert [isinstance(case, Case) for case in cases] == [True, False, False, True]
    assert cases[1] is rejected


@pytest.mark.parametrize("report", [None, Report(), Report(indication="Cough.")])
def test_a_study_without_words_is_rejected(source, report):
    assert made(source, study(("f", "PA"), report=report)).stage == "report"
