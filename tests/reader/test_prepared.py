"""What a model is given of a study, with a stated answer for each film in place of a localizer."""

from pathlib import Path

import numpy as np
import pytest
from tests.reader.conftest import FRONTAL, Write, locate

from radtrace.geometry import Box
from radtrace.images import Film, load_film
from radtrace.localize import Localization
from radtrace.reader import Prepared, prepare
from radtrace.records import Label, LocalizedImage, Region, Rejected, Report, Step, Study, Trace, View

CORNER = Box.of((0, 0, 0.5, 0.25))


def show(view: View) -> Film:
    return load_film(Path(view.uri))


def study(paths: list[Path], *projections: str, prior: str | None = None) -> Study:
    known = projections or ("unknown",) * len(paths)
    views = tuple(
        View(id=path.name, uri=str(path), projection=projection) for path, projection in zip(paths, known, strict=True)
    )
    own = Region(name="left lung", box=CORNER, view_id=views[0].id, origin="radiologist") if views else None
    label = Label(label="Cyst", view_id="v", origin="dataset")
    report = Report(findings="A cyst.")
    return Study(
        id="s", source="t", views=views, report=report, regions=(own,) if own else (), labels=(label,), prior=prior
    )


def made(one: Study) -> Prepared:
    prepared = prepare(one, show, locate)
    assert isinstance(prepared, Prepared)
    return prepared


def test_the_lateral_film_is_found_beside_the_frontal_one(films: Write) -> None:
    for names, projections in (("lf", ()), ("fol", ()), ("fl", ("PA", "lateral")), ("ffl", ("AP", "PA", "lateral"))):
        prepared = made(study(films(names), *projections))
        assert prepared.lateral is not None
        assert prepared.lateral.pixels.shape == (60, 80)  # it was turned by 90 degrees
        assert "; lateral" in next(stage.detail for stage in prepared.stages if stage.name == "view")
    assert made(study(films("f"))).lateral is None
    assert made(study(films("fo"), "PA", "lateral")).lateral is None


def test_a_reader_sees_no_answer(films: Write) -> None:
    blind = made(study(films("f"))).study
    assert (blind.report, blind.labels, blind.regions) == (None, (), ())


@pytest.mark.parametrize(
    ("names", "stage", "reason"),
    [("ll", "view", "no frontal film"), ("o", "localize", "not a chest film"), ("", "view", "no film")],
)
def test_a_study_without_a_frontal_film_is_refused(films: Write, names: str, stage: str, reason: str) -> None:
    rejected = prepare(study(films(names)), show, locate)
    assert isinstance(rejected, Rejected)
    assert rejected.stage == stage
    assert reason in rejected.reason


def test_an_earlier_film_is_said_and_not_used(films: Write) -> None:
    prepared = made(study(films("f"), prior="old.png"))
    assert prepared.prior == "old.png"
    (said,) = [stage.detail for stage in prepared.stages if stage.name == "prior"]
    assert "old.png" in said
    assert "not used" in said


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_film_is_turned_upright_and_its_trace_back(rotation: int, mirrored: bool, inverted: bool) -> None:
    """The upright film is bright in the upper left quarter only; it is given turned, mirrored and inverted."""
    upright = np.zeros((80, 60), np.float32)
    upright[:20, :30] = 1
    given = np.ascontiguousarray(np.rot90(upright[:, ::-1] if mirrored else upright, rotation // 90))
    given = 1 - given if inverted else given
    box = (CORNER.mirrored() if mirrored else CORNER).turned(rotation)
    found = Localization(
        "frontal", rotation=rotation, mirrored=mirrored, inverted=inverted, regions=dict.fromkeys(FRONTAL.regions, box)
    )
    one = Study(id="s", source="t", views=(View(id="v", uri="v"),))
    prepared = prepare(one, lambda view: Film(given, "0" * 64), lambda films: [found] * len(films))
    assert isinstance(prepared, Prepared)
    assert np.array_equal(prepared.film.pixels, upright)
    assert prepared.given.pixels is given
    assert (prepared.view.width, prepared.view.height) == given.shape[::-1]
    assert set(prepared.localization.regions.values()) == {CORNER}
    step = Step(
        domain="lung",
        regions=(Region(name="left lung", box=CORNER, view_id="v", origin="model"),),
        rationale="Bright.",
        box=CORNER,
        image=LocalizedImage(kind="generated", uri="p", box=CORNER),
    )
    back = prepared.as_given(Trace(study_id="s", view=prepared.view, steps=(step,))).steps[0]
    assert back.box == back.regions[0].box == box
    assert back.image is not None
    assert back.image.box == box
    assert prepared.upright(box) == CORNER
