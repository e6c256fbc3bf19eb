from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.build.shards import Row
from radtrace.errors import InputError, RecipeError
from radtrace.geometry import Box
from radtrace.images import crop, encode_png, letterboxed
from radtrace.metrics import PRESETS, Pair, metric, score
from radtrace.metrics.grounding import step_figures, trace_pair
from radtrace.records import LocalizedImage, Report, Step, Trace, View

PRESET = PRESETS["strict"]
FILM = np.rint(255 * np.random.default_rng(0).random((96, 128))).astype(np.float32) / np.float32(255)
LEFT, RIGHT, ALL = Box.of((0, 0, 0.5, 1)), Box.of((0.5, 0, 1, 1)), Box.of((0, 0, 1, 1))
BLACK = np.zeros((40, 40), np.float32)


def step(domain, box, picture=None, kind="generated", shown=None):
    """A step and the PNG of its picture."""
    image = None if picture is None else LocalizedImage(kind=kind, uri="x.png", box=shown)
    png = picture if picture is None or isinstance(picture, bytes) else encode_png(picture)
    return Step(domain=domain, rationale="Clear.", box=box, image=image), png


def cut(domain, box):
    return step(domain, box, crop(FILM, box), "crop", box)


def row(*steps, name="a", view="v", report="Clear."):
    trace = Trace(
        study_id=name,
        view=View(id=view, uri="f", projection="PA", width=128, height=96),
        steps=tuple(one for one, _ in steps),
        report=Report(findings=report),
    )
    return Row(trace, encode_png(FILM), tuple(png for _, png in steps))


def values(*pairs):
    return score([list(pairs)], ["grd", "gen"], PRESET).scores


def test_by_hand():
    reference = row(cut("lung", ALL), cut("bone", LEFT), cut("mediastinal", RIGHT))
    # lung: half of the box, IoU 1/2, and the film itself there; bone: no overlap, and it draws no picture;
    # mediastinal: missing; other: extra. Four steps in all.
    predicted = row(cut("lung", LEFT), step("bone", RIGHT), cut("other", ALL))
    result = values(trace_pair(predicted, reference))
    assert result["grd"] == pytest.approx((0.5 + 0 + 0 + 0) / 4)
    assert result["gen"] == pytest.approx((1 + 0 + 0 + 0) / 4)


def test_the_mean_is_over_steps_and_a_study_keeps_its_own():
    one = trace_pair(row(cut("lung", ALL)), row(cut("lung", ALL)))
    three = trace_pair(row(cut("lung", LEFT), name="b"), row(*(cut(d, ALL) for d in ("lung", "bone")), name="b"))
    (grd,) = metric("grd")([one, three], PRESET)
    assert grd.per_sample == (1, pytest.approx(0.25))
    assert grd.value == pytest.approx((1 + 0.5 + 0) / 3)
    assert grd.statistics.tolist() == [[1, 1], [0.5, 2]]
    assert grd.signature.startswith("grd|match:domain|missing:0|extra:0|mean:steps|")


def test_gen_signs_window_range_and_size():
    (gen,) = metric("gen")([], PRESET)
    assert (gen.value, gen.per_sample) == (None, ())
    assert {"ssim:gaussian1.5", "data_range:1", "side:256", "floor:0", "film:reference"} <= set(
        gen.signature.split("|")
    )


def test_a_failed_study_is_0_and_stays_in():
    reference = row(cut("lung", ALL), cut("bone", LEFT))
    pair = trace_pair(None, reference)
    assert pair.failed
    assert [(figures.iou, figures.ssim) for figures in pair.steps] == [(0, 0)] * 2
    assert values(pair, trace_pair(reference, reference)) == {"grd": pytest.approx(0.5), "gen": pytest.approx(0.5)}


def test_a_pair_has_the_words_of_both_sides():
    reference = row(cut("lung", ALL))
    report = Report(findings="Clear lungs.", impression="Normal.", indication="Cough.")
    reference = replace(reference, trace=reference.trace.model_copy(update={"report": report}))
    pair = trace_pair(row(cut("lung", ALL), step("bone", None)), reference)
    assert (pair.predicted_steps, pair.reference_steps) == (("Clear.", "Clear."), ("Clear.",))
    assert (pair.prediction, pair.reference, pair.report) == ("Clear.", "Clear lungs.", "Clear lungs.\nNormal.")
    nothing = replace(reference, trace=reference.trace.model_copy(update={"report": None}))
    assert trace_pair(None, nothing).predicted_steps is None
    assert trace_pair(None, nothing).report is None


def test_a_study_without_places_is_not_scored():
    (grd,) = metric("grd")([trace_pair(row(step("other", None)), row(step("other", None)))], PRESET)
    assert (grd.value, grd.per_sample) == (None, (None,))
    # But a box where the reference has none is an extra one.
    assert values(trace_pair(row(cut("other", ALL)), row(step("other", None)))) == {"grd": 0, "gen": 0}


@pytest.mark.parametrize("picture", [b"", b"no picture", BLACK, 1 - crop(FILM, LEFT)])
def test_damaged_blank_and_opposite_pictures_are_no_good_score(picture):
    (figures,) = step_figures(row(step("lung", LEFT, picture)), row(cut("lung", LEFT)), True)
    assert figures.iou == 1
    assert figures.ssim < 0.05


def test_part_of_a_film_may_be_smaller_than_a_film():
    tiny = row(cut("bone", Box.of((0, 0, 1 / 128, 1 / 96))))  # one pixel
    assert values(trace_pair(tiny, tiny)) == {"grd": 1, "gen": pytest.approx(1)}


def test_a_picture_without_a_box_and_a_box_without_a_picture_are_0():
    for predicted in (step("lung", None, crop(FILM, ALL)), step("lung", ALL)):
        (figures,) = step_figures(row(predicted), row(cut("lung", ALL)), True)
        assert figures.ssim == 0
        assert figures.iou == (predicted[0].box is not None)


def test_the_film_is_the_references_and_pictures_may_have_any_size():
    reference, predicted = row(cut("lung", LEFT)), row(step("lung", LEFT, BLACK))
    black = replace(predicted, film_png=encode_png(BLACK))
    (figures,) = step_figures(black, reference, True)
    assert figures.ssim < 0.05
    larger = np.repeat(np.repeat(crop(FILM, LEFT), 4, axis=0), 4, axis=1)
    (figures,) = step_figures(row(step("lung", LEFT, larger)), reference, True)
    assert figures.ssim > 0.8


def test_pictures_learned_from_letterboxed_ones_are_compared_letterboxed():
    half = Box.of((0, 0, 1, 0.5))
    zoom = letterboxed(crop(FILM, half), 128)
    reference = row(step("lung", half, zoom, "zoom", half))
    for kind in ("zoom", "generated"):
        for drawn in (zoom, crop(FILM, half)):  # a reader's pictures have their box's shape
            (figures,) = step_figures(row(step("lung", half, drawn, kind, half)), reference, True)
            assert figures.ssim > 0.99


def test_the_box_that_a_picture_shows_goes_before_the_steps():
    grown = Box.of((0, 0, 0.75, 1))
    gridded = row(step("lung", LEFT, crop(FILM, grown), "grid", grown))
    (figures,) = step_figures(gridded, gridded, True)
    assert (figures.iou, figures.ssim) == (1, pytest.approx(1))


def test_steps_of_one_domain_are_matched_in_their_order():
    reference = row(cut("lung", LEFT), cut("lung", RIGHT))
    sprayed = row(cut("lung", LEFT), cut("lung", RIGHT), cut("lung", ALL))
    assert [figures.iou for figures in step_figures(sprayed, reference, False)] == [1, 1, 0]
    assert all(figures.ssim is None for figures in step_figures(sprayed, reference, False))


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(InputError, match="study 'a': predicted on the view 'w'"):
        trace_pair(row(cut("lung", ALL), view="w"), row(cut("lung", ALL)))
    with pytest.raises(InputError, match="study 'a': the reference's film"):
        trace_pair(row(cut("lung", ALL)), replace(row(cut("lung", ALL)), film_png=b""))
    with pytest.raises(RecipeError, match="trace datasets"):
        metric("grd")([Pair("a", "Clear.", "Clear.")], PRESET)
    with pytest.raises(RecipeError, match="without comparing pictures"):
        metric("gen")([trace_pair(None, row(cut("lung", ALL)), pictures=False)], PRESET)


corners = st.tuples(*[st.integers(0, 6), st.integers(1, 4)] * 2)
boxes = corners.map(lambda c: Box.of((c[0] / 10, c[2] / 10, (c[0] + c[1]) / 10, (c[2] + c[3]) / 10)))
placed = st.dictionaries(st.sampled_from(["lung", "bone", "mediastinal"]), boxes, min_size=1)


@given(placed, placed)
def test_identity_bounds_and_the_order_of_steps(mine, theirs):
    first, second = (row(*(cut(*place) for place in places.items())) for places in (mine, theirs))
    assert values(trace_pair(first, first)) == {"grd": pytest.approx(1), "gen": pytest.approx(1)}
    forward = values(trace_pair(first, second))
    assert all(0 <= value <= 1 for value in forward.values())
    backward = row(*(cut(*place) for place in reversed(mine.items())))
    assert values(trace_pair(backward, second)) == pytest.approx(forward)
