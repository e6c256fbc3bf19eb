from functools import partial

import numpy as np
import pytest

from radtrace.build.reading import Found
from radtrace.build.shards import Row
from radtrace.evaluate.floors.films import Looks, look_at, nearest, thumbnail
from radtrace.evaluate.floors.traces import (
    mean_boxes,
    mean_crops,
    on_the_film_of,
    reconstructions,
    usual_boxes,
)
from radtrace.geometry import Box
from radtrace.images import crop, encode_png
from radtrace.metrics import PRESETS, score
from radtrace.metrics.grounding import trace_pair
from radtrace.records import LocalizedImage, Report, Step, Trace, View

WHOLE, LEFT, RIGHT = Box.of((0, 0, 1, 1)), Box.of((0, 0, 0.5, 1)), Box.of((0.5, 0, 1, 1))


def film(seed):
    """Clouds, so that a thumbnail still shows which film it is."""
    coarse = np.random.default_rng(seed).random((8, 8))
    return np.kron(coarse, np.ones((12, 12))).astype(np.float32)


def row(name, pixels, *steps):
    """A study whose steps are (domain, box), with their crops."""
    made = tuple(
        Step(domain=domain, rationale="x", box=box, image=LocalizedImage(kind="crop", uri="x", box=box))
        for domain, box in steps
    )
    view = View(id=f"view-{name}", uri="f", projection="PA", width=96, height=96)
    trace = Trace(study_id=name, view=view, steps=made, report=Report(findings="Clear."))
    return Row(trace, encode_png(pixels), tuple(encode_png(crop(pixels, box)) for _, box in steps))


class Rows(Found):
    """Traces that need no file."""

    def __init__(self, *rows):
        object.__setattr__(self, "places", ())
        object.__setattr__(self, "made", rows)

    @property
    def count(self):
        return len(self.made)

    def rows(self):
        return iter(self.made)


def grounding(predict, reference):
    pair = partial(trace_pair, pictures=True)(predict(reference), reference)
    return score([[pair]], ["grd", "gen"], PRESETS["strict"]).scores


def test_the_nearest_film_is_the_one_that_looks_alike():
    looks = look_at(Rows(*(row(f"t{seed}", film(seed)) for seed in range(5))), films=True, pictures=False, seed=0)
    brighter = np.clip(film(3) * 0.8 + 0.1, 0, 1).astype(np.float32)
    damaged = Row(row("y", film(0)).trace, b"no picture", ())
    assert nearest(looks, [row("x", brighter), damaged], 2) == {"x": "t3", "y": None}


def test_a_black_film_has_a_thumbnail():
    assert not thumbnail(encode_png(np.zeros((40, 40), np.float32))).any()


def test_mean_boxes_by_hand():
    """The mean of the left half and the whole film reaches to 3/4; IoU with the whole 3/4, with the left half 2/3."""
    train = Rows(
        row("a", film(0), ("lung", LEFT)), row("b", film(1), ("lung", WHOLE), ("bone", RIGHT)), row("c", film(2))
    )
    looks = look_at(train, films=False, pictures=False, seed=0)
    boxes = looks.mean_boxes()
    assert boxes["lung"].xyxy == pytest.approx((0, 0, 0.75, 1))
    assert looks.thumbs == []
    assert grounding(mean_boxes(boxes), row("x", film(3), ("lung", WHOLE)))["grd"] == pytest.approx(3 / 4)
    # A domain that training never grounds is missing: 0.
    both = row("x", film(3), ("lung", LEFT), ("other", WHOLE))
    assert grounding(mean_boxes(boxes), both)["grd"] == pytest.approx((2 / 3 + 0) / 2)


def test_usual_boxes_do_not_know_what_the_reference_grounds():
    train = Rows(*(row(str(number), film(number), ("lung", WHOLE), ("bone", RIGHT)) for number in range(2)))
    looks = look_at(train, films=False, pictures=False, seed=0)
    laying = usual_boxes(looks.mean_boxes(), looks.usual_domains())
    assert looks.usual_domains() == ("lung", "bone")
    # lung as it should be, bone one too many.
    assert grounding(laying, row("x", film(3), ("lung", WHOLE)))["grd"] == pytest.approx(1 / 2)


def test_mean_crops_stand_at_the_references_boxes():
    train = Rows(*(row(str(number), film(number), ("lung", WHOLE)) for number in (1, 1)))
    crops = look_at(train, films=False, pictures=True, seed=0).mean_crops()
    assert crops["lung"].shape == (256, 256)
    same = grounding(mean_crops(crops), row("x", film(1), ("lung", WHOLE)))
    other = grounding(mean_crops(crops), row("x", film(2), ("lung", WHOLE)))
    assert same["gen"] == pytest.approx(1, abs=1e-3)  # but for the grey levels of a PNG
    assert other["gen"] < 0.5
    # A domain without a mean picture draws nothing.
    assert grounding(mean_crops(crops), row("x", film(1), ("bone", LEFT)))["gen"] == 0


class Coarse:
    """A tokenizer that keeps so many grey levels."""

    sha256 = "0" * 64

    def __init__(self, levels):
        self.levels = levels

    def reconstruct(self, picture):
        return (np.rint(picture * self.levels) / self.levels).astype(np.float32)


def test_the_tokenizer_is_a_ceiling():
    reference = row("x", film(1), ("lung", WHOLE), ("bone", LEFT))
    fine, coarse = (grounding(reconstructions(Coarse(levels)), reference)["gen"] for levels in (255, 1))
    assert fine == pytest.approx(1)
    assert 0 < coarse < 0.9
    bare = Row(reference.trace, reference.film_png, (None, None))
    assert grounding(reconstructions(Coarse(255)), bare)["gen"] == pytest.approx(1)


def test_a_trace_of_another_study_counts_on_the_references_film():
    mine, other = row("x", film(1), ("lung", WHOLE)), row("y", film(2), ("lung", LEFT))
    pair = trace_pair(on_the_film_of(other, mine), mine, pictures=False)
    assert (pair.id, [step.iou for step in pair.steps]) == ("x", [pytest.approx(0.5)])


def test_traces_without_steps_have_no_boxes():
    looks = look_at(Rows(row("a", film(0))), films=False, pictures=True, seed=0)
    assert (looks.mean_boxes(), looks.mean_crops(), looks.usual_domains()) == ({}, {}, ())
    assert Looks().thumbs == []
