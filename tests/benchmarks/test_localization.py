"""The figures of benchmarks/localize.py, on cases worked by hand."""

import math

import numpy as np
import pytest

from localization.drawn import Drawn
from localization.floors import best_constant, ious
from localization.kinds import told
from localization.located import Shot, size, upright
from localization.pointing import compared, emitted, targets
from localization.stats import auc, holm, interval, p_no_better
from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.localize import Localization

WHOLE = dict.fromkeys(REGIONS, Box.of((0.0, 0.0, 1.0, 1.0)))


def drawn(label, *xyxy, film="a"):
    from pathlib import Path

    return Drawn("1", Shot(Path(film)), label, Box.of(xyxy))


def test_auc_counts_ties_half():
    # Of the 4 pairs, 2 are won (0.9 > 0.1, 0.9 > 0.5), 1 is won (0.5 > 0.1) and 1 is tied: 3.5 / 4.
    scores, positive = np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, False, True, True])
    assert auc(scores, positive) == pytest.approx(3.5 / 4)
    assert math.isnan(auc(scores, np.ones(4, bool)))


def test_holm_multiplies_by_what_is_left_and_never_falls():
    # Sorted: .01 x 3, .02 x 2, .03 x 1 -> .03, .04, and .03 raised to .04.
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])


def test_sign_flips_of_equal_scores_say_nothing_and_of_better_ones_reach_the_floor():
    same = np.full(20, 0.5)
    assert p_no_better(same, same) == 1.0
    # 2^-20 of the flips keep all 20 signs, so that hardly one of 9,999 draws does.
    assert p_no_better(same + 0.1, same) <= 2e-4
    assert p_no_better(same - 0.1, same) == 1.0


def test_the_interval_is_over_groups():
    # One patient with nine films of 1 and one with a film of 0: either may be drawn twice.
    values = np.array([1.0] * 9 + [0.0])
    mean, low, high = interval(["a"] * 9 + ["b"], lambda chosen: float(values[chosen].mean()), draws=200)
    assert (mean, low, high) == (pytest.approx(0.9), 0.0, 1.0)


def test_ious_and_the_best_constant_box():
    truth = np.array([[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]])
    assert ious(truth[0], truth) == pytest.approx([1, 1, 0])
    assert ious(truth, truth) == pytest.approx([1, 1, 1])
    assert best_constant(truth) == pytest.approx(truth[0])
    random = np.random.default_rng(0)
    low = random.uniform(0, 0.4, (40, 2))
    spread = np.hstack([low, low + random.uniform(0.1, 0.6, (40, 2))])
    assert ious(best_constant(spread), spread).mean() > ious(np.median(spread, axis=0), spread).mean()


def test_a_box_is_compared_by_centre_overlap_and_cover():
    truth = Box.of((0.0, 0.0, 0.4, 0.4))
    # The centre (.25, .25) lies in the finding, whose centre (.2, .2) lies in it; they share .3 x .3 of .16 + .09 + ...
    box = Box.of((0.1, 0.1, 0.4, 0.4))
    assert compared([box], truth) == pytest.approx((1, 1, 0.09 / 0.16, 0.09 / 0.16))
    far = Box.of((0.6, 0.6, 1.0, 1.0))
    assert compared([far, box], truth) == compared([box], truth)
    assert compared([far], truth) == (0, 0, 0, 0)
    assert compared([], truth) == (0, 0, 0, 0)


def test_a_sentence_names_the_sides_of_its_label_and_the_zone_of_its_box():
    boxes = [
        drawn("Lung Opacity", 0.1, 0.1, 0.3, 0.3),
        drawn("Lung Opacity", 0.7, 0.7, 0.9, 0.9),
        drawn("Effusion", 0.7, 0.7, 0.9, 0.9),
        drawn("Lung Opacity", 0.1, 0.4, 0.3, 0.6, film="b"),
        drawn("Cardiomegaly", 0.3, 0.4, 0.8, 0.8, film="b"),
    ]
    found = [(aim.sentence, aim.zoned_sentence) for aim in targets(boxes)]
    assert found == [
        ("Bilateral lung opacities.", "Opacity in the right upper lung."),
        ("Bilateral lung opacities.", "Opacity in the left lower lung."),
        ("Left pleural effusion.", "Left pleural effusion."),
        ("Right lung opacity.", "Opacity in the right mid lung."),
        ("Cardiomegaly.", "Cardiomegaly."),
    ]


@pytest.mark.parametrize(
    ("sentence", "count"),
    [
        ("Bilateral pneumonia.", 2),
        ("Left pneumothorax.", 1),
        ("Cardiomegaly.", 1),
        ("Mass in the right upper lung.", 1),
    ],
)
def test_a_sentence_emits_the_boxes_of_the_regions_that_the_build_gives_it(sentence, count):
    assert len(emitted(sentence, WHOLE)) == count
    assert emitted(sentence, {}) == ()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_are_turned_back(rotation):
    box = Box.of((0.1, 0.2, 0.3, 0.6))
    turned = Localization("frontal", rotation, {"carina": box.turned(rotation)})
    assert upright(turned)["carina"].xyxy == pytest.approx(box.xyxy)


def test_an_unknown_size_restores_no_aspect():
    assert size({"orig_width": "2048.0", "orig_height": "2500"}) == (2048, 2500)
    assert size({"orig_width": "", "orig_height": ""}) == (0, 0)


def test_a_shot_is_turned_and_inverted(tmp_path):
    from radtrace.images import encode_png

    film = np.linspace(0, 1, 40 * 50, dtype=np.float32).reshape(40, 50)
    path = tmp_path / "film.png"
    path.write_bytes(encode_png(film))
    assert Shot(path).pixels().shape == (40, 50)
    assert Shot(path, turns=1).pixels() == pytest.approx(np.rot90(Shot(path).pixels()))
    assert Shot(path, inverted=True).pixels() == pytest.approx(1 - Shot(path).pixels())
    assert Shot(path, true_size=(100, 40)).pixels().shape == (40, 100)


def test_projections_are_counted_over_all_films_and_over_those_that_were_told():
    # Two of three told are right, one of four is not told: 2/3 of the told, 2/4 of all.
    found = told(["AP", "PA", "PA", "unknown"], ["AP", "AP", "PA", "PA"])
    assert (found["films"], found["told"]) == (4, 0.75)
    assert found["accuracy_of_told"] == pytest.approx(2 / 3)
    assert found["right_of_all"] == 0.5
    assert (found["AP_right_of_told"], found["PA_right_of_told"]) == (0.5, 1.0)
