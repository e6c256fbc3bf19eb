import numpy as np
import pytest

from radtrace.evaluate.readings.places import drawing, grounding, likenesses, placed
from radtrace.evaluate.readings.predictions import Predicted
from radtrace.geometry import Box
from radtrace.images import encode_png
from radtrace.images.pictures import decode_picture
from radtrace.metrics import PRESETS
from radtrace.records import LocalizedImage

WHOLE = Box.of((0.0, 0.0, 1.0, 1.0))
MEAN = {"lung": WHOLE, "mediastinal": WHOLE, "bone": WHOLE, "other": WHOLE}
PRESET = PRESETS["r2gen"]


def reading(row, **update):
    return Predicted(row.trace.study_id, "Words.", "", row.trace.model_copy(update=update), row.step_pngs)


def test_the_reference_beside_itself_is_whole_and_the_mean_box_is_not(rows):
    said = grounding([placed(row, reading(row), MEAN, ("lung",)) for row in rows], PRESET)
    assert said["grd"]["value"] == pytest.approx(1)
    assert said["grd"]["floors"]["mean_box"]["value"] < 1
    assert all(each["value"] == pytest.approx(1) for each in said["by_domain"].values())
    assert "circular" in said["note"]


def test_a_missing_step_costs_grd_but_not_the_steps_that_both_have(rows):
    row = next(row for row in rows if sum(step.box is not None for step in row.trace.steps) > 1)
    kept = next(step for step in row.trace.steps if step.box)
    at = row.trace.steps.index(kept)
    one = Predicted(row.trace.study_id, "", "", row.trace.model_copy(update={"steps": (kept,)}), (row.step_pngs[at],))
    said = grounding([placed(row, one, MEAN, ("lung",))], PRESET)
    assert said["grd"]["value"] < 1
    assert said["by_domain"][kept.domain]["value"] == pytest.approx(1)


def test_no_reading_and_a_reading_of_another_film_have_failed(rows):
    other = rows[0].trace.view.model_copy(update={"id": "another"})
    found = [placed(rows[0], reading(rows[0], view=other), MEAN, ("lung",)), placed(rows[1], None, MEAN, ("lung",))]
    said = grounding(found, PRESET)
    assert (said["grd"]["value"], said["other_view"]) == (0, 1)


class Blur:
    """A tokenizer that keeps the mean of every block of 8 x 8 pixels."""

    def reconstruct(self, picture):
        height, width = picture.shape
        small = picture[: height // 8 * 8, : width // 8 * 8].reshape(height // 8, 8, width // 8, 8).mean((1, 3))
        whole = np.pad(np.kron(small, np.ones((8, 8))), ((0, height % 8), (0, width % 8)), "edge")
        return whole.astype(np.float32)


def drawn(row, draw):
    """A reading whose pictures are what `draw` makes of the film's crops."""
    steps, pngs = [], []
    for step, png in zip(row.trace.steps, row.step_pngs, strict=True):
        image = step.image and LocalizedImage(kind="generated", uri="", box=step.image.box)
        steps.append(step.model_copy(update={"image": image}))
        pngs.append(png and encode_png(draw(step, decode_picture(png, min_side=1))))
    return Predicted(row.trace.study_id, "", "", row.trace.model_copy(update={"steps": tuple(steps)}), tuple(pngs))


def test_drawn_pictures_lie_between_the_mean_crop_and_the_tokenizers_own(rows):
    flat = {domain: np.full((64, 64), 0.5, np.float32) for domain in MEAN}

    def share(draw):
        studies = [list(likenesses(decode_picture(row.film_png), drawn(row, draw), flat, Blur())) for row in rows]
        return drawing(studies)["share_of_way"]["value"]

    assert share(lambda _, crop: Blur().reconstruct(crop)) == pytest.approx(1, abs=0.05)
    assert share(lambda step, _: flat[step.domain]) == pytest.approx(0, abs=0.05)


def test_pictures_of_the_film_say_nothing_of_drawing(rows):
    found = [list(likenesses(decode_picture(row.film_png), reading(row), {}, Blur())) for row in rows]
    assert drawing(found)["pictures"] == 0
