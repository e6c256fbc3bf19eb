import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from radtrace.geometry import FRAMES, Box, centre_crop, covered, fitted, grid, letterbox, squash

SIDE = st.integers(40, 5000)
EDGE = st.floats(0, 1, allow_nan=False)


@st.composite
def boxes(draw):
    x1, x2 = sorted((draw(EDGE), draw(EDGE)))
    y1, y2 = sorted((draw(EDGE), draw(EDGE)))
    assume(x1 < x2 and y1 < y2 and (x2 - x1) * (y2 - y1) > 0)
    return Box.of((x1, y1, x2, y2))


@pytest.mark.parametrize(
    "numbers",
    [
        (0.5, 0.1, 0.2, 0.9),  # inverted in x
        (0.1, 0.9, 0.2, 0.1),  # inverted in y
        (0.1, 0.1, 0.1, 0.9),  # no width
        (0.0, 0.0, 5e-191, 1e-308),  # an area that no number holds: its IoU with itself would be 0 / 0
        (-0.1, 0.1, 0.5, 0.9),  # left of the view
        (0.1, 0.1, 1.2, 0.9),  # right of the view
        (math.nan, 0.1, 0.5, 0.9),
        (0.1, 0.1, math.inf, 0.9),
    ],
)
def test_what_is_no_box_is_refused(numbers):
    with pytest.raises(ValidationError):
        Box.of(numbers)


def test_a_box_has_four_numbers():
    with pytest.raises(ValueError, match="4 coordinates, not 3"):
        Box.of((0.1, 0.2, 0.3))


def test_rounding_of_a_source_is_no_error():
    assert Box.of((-1e-9, 0.0, 1 + 1e-9, 1.0)) == Box.of((0, 0, 1, 1))


def test_iou_by_hand():
    # Intersection 0.2 x 0.4 = 0.08; union 0.16 + 0.24 - 0.08 = 0.32.
    assert Box.of((0.0, 0.0, 0.4, 0.4)).iou(Box.of((0.2, 0.0, 0.8, 0.4))) == pytest.approx(0.25)
    assert Box.of((0.0, 0.0, 0.1, 0.1)).iou(Box.of((0.1, 0.0, 0.2, 0.1))) == 0.0


@given(boxes(), boxes())
def test_iou_is_symmetric_and_the_hull_contains_both(a, b):
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-12
    hull = Box.hull([a, b])
    assert hull.intersection(a) == pytest.approx(a.area)
    assert hull.intersection(b) == pytest.approx(b.area)


def test_turning_by_hand():
    # A box at the view's right edge stands at the top after a quarter turn counter-clockwise.
    assert Box.of((0.8, 0.2, 1.0, 0.5)).turned(90).xyxy == pytest.approx((0.2, 0.0, 0.5, 0.2))
    assert Box.of((0.8, 0.2, 1.0, 0.5)).turned(180).xyxy == pytest.approx((0.0, 0.5, 0.2, 0.8))


@given(boxes(), st.sampled_from([0, 90, 180, 270]))
def test_turning_back_gives_the_box(box, degrees):
    wide = box.padded(0.01)  # a hair-thin box may vanish in 1 - x
    assume(min(wide.x2 - wide.x1, wide.y2 - wide.y1) > 1e-9)
    assert wide.turned(degrees).turned(-degrees % 360).xyxy == pytest.approx(wide.xyxy, abs=1e-12)


@given(boxes())
def test_a_mirrored_box_keeps_its_rows_and_comes_back(box):
    assert Box.of((0.1, 0.2, 0.3, 0.9)).mirrored().xyxy == pytest.approx((0.7, 0.2, 0.9, 0.9))
    wide = box.padded(0.01)
    assume(wide.x2 - wide.x1 > 1e-9)
    assert wide.mirrored().mirrored().xyxy == pytest.approx(wide.xyxy, abs=1e-12)


def test_turning_by_other_angles_is_refused():
    with pytest.raises(ValueError, match="not 45"):
        Box.of((0, 0, 1, 1)).turned(45)


@given(boxes(), SIDE, SIDE)
def test_pixel_slices_cover_the_box_and_stay_in_the_view(box, width, height):
    rows, columns = box.pixel_slices(width, height)
    assert 0 <= columns.start < columns.stop <= width
    assert 0 <= rows.start < rows.stop <= height
    assert columns.start <= box.x1 * width
    assert columns.stop >= box.x2 * width - 1e-5
    assert columns.stop - columns.start <= (box.x2 - box.x1) * width + 2


@given(st.lists(boxes(), min_size=1, max_size=5), SIDE, SIDE)
def test_many_boxes_are_read_as_one_is(some, width, height):
    import numpy as np

    frame = letterbox(224)
    wide = [box.padded(0.01) for box in some]  # a hair-thin box is not there
    assume(all(min(box.x2 - box.x1, box.y2 - box.y1) > 1e-9 for box in wide))
    written = np.array([frame.write(box, width, height).coords for box in wide], float)
    assert frame.read_all(written, width, height) == [frame.read(coords, width, height) for coords in written]
    with pytest.raises(ValueError, match="letterbox-224"):
        frame.read_all(written[:, [2, 1, 0, 3]], width, height)


# A view of 2000 x 1000 pixels, its box from (500, 250) to (1500, 750).
IN_FRAMES = {
    "pixels": (500, 250, 1500, 750),
    "pixels-xywh": (500, 250, 1000, 500),
    "quarter": (125, 63, 375, 188),  # 62.5 and 187.5 round up
    "squash-224": (56, 56, 168, 168),
    "squash-336": (84, 84, 252, 252),
    "squash-512": (128, 128, 384, 384),
    "centre-crop-512": (0, 128, 512, 384),  # scaled 0.512: x 256-768 in 1024, less 256
    "letterbox-512": (128, 192, 384, 320),  # scaled 0.256: y 64-192, plus 128 of padding
    "0-1000": (250, 250, 750, 750),
    "0-999": (250, 250, 749, 749),  # 249.75 and 749.25
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_by_hand(name):
    written = FRAMES[name].write(Box.of((0.25, 0.25, 0.75, 0.75)), 2000, 1000)
    assert written is not None
    assert written.coords == IN_FRAMES[name]
    assert written.visible == 1.0


def test_a_clipped_box_carries_its_visible_fraction():
    # Short edge 1000 -> 100, so the view is 200 x 100 and the crop shows x 50-150: of 0-100 the half 50-100.
    written = centre_crop(100).write(Box.of((0.0, 0.0, 0.5, 1.0)), 2000, 1000)
    assert written is not None
    assert written.coords == (0, 0, 50, 100)
    assert written.visible == pytest.approx(0.5)
    assert centre_crop(100).read(written.coords, 2000, 1000).xyxy == pytest.approx((0.25, 0.0, 0.5, 1.0))


def test_a_box_outside_the_crop_is_none():
    assert centre_crop(100).write(Box.of((0.0, 0.0, 0.2, 1.0)), 2000, 1000) is None


@given(boxes(), SIDE, SIDE, st.sampled_from(sorted(FRAMES)))
@example(Box.of((0.999, 0.999, 1.0, 1.0)), 41, 43, "quarter")
@example(Box.of((0.0, 0.0, 1.0, 1.1e-57)), 41, 40, "letterbox-512")
def test_what_is_written_reads_back_within_half_a_unit(box, width, height, name):
    frame = FRAMES[name]
    written = frame.write(box, width, height)
    if written is None:
        assert name.startswith("centre-crop")
        return
    assert 0 < written.visible <= 1
    again = frame.read(written.coords, width, height)
    unit_x, unit_y = units(name, width, height)
    shown = visible_part(box, name, width, height)
    wide = (shown[2] - shown[0]) / unit_x >= 1 and (shown[3] - shown[1]) / unit_y >= 1
    slack = 0.5 if wide else 1.0
    for value, expected, unit in zip(again.xyxy, shown, (unit_x, unit_y) * 2, strict=True):
        assert abs(value - expected) <= slack * unit + 1e-9


def units(name, width, height):
    """One unit of the frame, as a fraction of the view's sides; worked out apart from the module."""
    if name.startswith("pixels"):
        return 1 / width, 1 / height
    if name == "quarter":
        return 4 / width, 4 / height
    if name.startswith("centre-crop"):
        return min(width, height) / 512 / width, min(width, height) / 512 / height
    if name.startswith("letterbox"):
        return max(width, height) / 512 / width, max(width, height) / 512 / height
    number = int(name.split("-")[1])
    return 1 / number, 1 / number


def visible_part(box, name, width, height):
    if not name.startswith("centre-crop"):
        return box.xyxy
    side = min(width, height)
    x_margin, y_margin = (1 - side / width) / 2, (1 - side / height) / 2
    return (
        max(box.x1, x_margin),
        max(box.y1, y_margin),
        min(box.x2, 1 - x_margin),
        min(box.y2, 1 - y_margin),
    )


@pytest.mark.parametrize("coords", [(10, 10, 5, 20), (0, 0, 400, 20), (0, 0, math.nan, 20), (1, 2, 3)])
def test_numbers_that_are_no_box_of_the_frame_are_refused(coords):
    with pytest.raises(ValueError, match="squash-336"):
        squash(336).read(coords, 2000, 1000)


@pytest.mark.parametrize("frame", [squash(224), centre_crop(512), letterbox(256), grid(999)])
def test_a_view_without_pixels_is_refused(frame):
    with pytest.raises(ValueError, match="0x10"):
        frame.write(Box.of((0, 0, 1, 1)), 0, 10)


@given(boxes(), st.integers(1, 64))
def test_a_snapped_box_holds_the_box_and_ends_on_grid_lines(box, cells):
    snapped = box.snapped(cells)
    slack = 1e-6
    assert snapped.x1 <= box.x1 + slack
    assert snapped.y1 <= box.y1 + slack
    assert snapped.x2 >= box.x2 - slack
    assert snapped.y2 >= box.y2 - slack
    assert all(abs(value * cells - round(value * cells)) < 1e-9 for value in snapped.xyxy)
    assert box.x1 - snapped.x1 < 1 / cells + slack
    assert snapped.x2 - box.x2 < 1 / cells + slack
    assert snapped.snapped(cells) == snapped


def test_snapping_by_hand():
    assert Box.of((0.1, 0.26, 0.5, 0.74)).snapped(4) == Box.of((0.0, 0.25, 0.5, 0.75))
    assert Box.of((0.999, 0.5, 1.0, 0.5 + 1e-9)).snapped(2) == Box.of((0.5, 0.5, 1.0, 1.0))


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(16, 1024))
def test_a_fitted_picture_fills_the_square_on_one_axis_and_keeps_its_aspect(width, height, side):
    w, h, left, top = fitted(width, height, side)
    assert max(w, h) == side
    assert left >= 0
    assert top >= 0
    assert left + w <= side
    assert top + h <= side
    assert abs(side - w - 2 * left) <= 1
    assert abs(side - h - 2 * top) <= 1
    assert abs(w * height - h * width) <= max(width, height)


LEFT, RIGHT, TOP, ALL = (Box.of(each) for each in ((0, 0, 0.5, 1), (0.5, 0, 1, 1), (0, 0, 1, 0.5), (0, 0, 1, 1)))


@pytest.mark.parametrize(
    ("boxes", "others", "share"),
    [
        ([LEFT], [LEFT], 1),
        ([LEFT], [RIGHT], 0),
        ([LEFT], [], 0),
        ([ALL], [LEFT, TOP], 3 / 4),  # the union, not the sum
        ([LEFT, LEFT], [TOP], 1 / 2),  # the same box twice is one area
        ([LEFT, TOP], [ALL], 1),
        ([LEFT, TOP], [Box.of((0, 0, 0.25, 0.25))], (1 / 16) / (3 / 4)),
    ],
)
def test_covered_by_hand(boxes, others, share):
    assert covered(boxes, others) == pytest.approx(share, abs=1e-12)


CELLS = st.lists(st.integers(0, 8), min_size=2, max_size=2, unique=True).map(sorted)
CELL_BOXES = st.builds(lambda xs, ys: Box.of((xs[0] / 8, ys[0] / 8, xs[1] / 8, ys[1] / 8)), CELLS, CELLS)


@given(st.lists(CELL_BOXES, min_size=1, max_size=4), st.lists(CELL_BOXES, max_size=4))
def test_covered_counts_pixels(boxes, others):
    masks = np.zeros((2, 8, 8), bool)
    for mask, each in zip(masks, (boxes, others), strict=True):
        for box in each:
            mask[box.pixel_slices(8, 8)] = True
    assert covered(boxes, others) == pytest.approx((masks[0] & masks[1]).sum() / masks[0].sum())


def test_covered_needs_a_box():
    with pytest.raises(ValueError, match="no boxes"):
        covered([], [ALL])
