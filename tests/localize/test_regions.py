"""Geometry of the 35 regions, from lungs drawn by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radtrace.anatomy import REGIONS
from radtrace.geometry import Box
from radtrace.localize.outlines import Corners, Lung, Outline, clean
from radtrace.localize.regions import Chest, boxes

SIDE = 200
VIEW = (0.0, 0.0, float(SIDE), float(SIDE))


def drawn(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def chest() -> Chest:
    """A right lung in columns 30-80, a left one in 120-170, rows 40-160: 50 wide, 120 high, midline at 100.

    The heart is cut out of both from row 100 on: it reaches from column 70 to column 150.
    """
    right, left = drawn(30, 40, 80, 160), drawn(120, 40, 170, 160)
    right[100:, 70:] = False
    left[100:, :150] = False
    return Chest(Lung(right), Lung(left), VIEW)


@pytest.fixture(scope="module")
def found() -> dict[str, Corners]:
    return boxes(chest())


def test_every_region_is_there_and_a_valid_box(found: dict[str, Corners]) -> None:
    assert sorted(found) == sorted(REGIONS)
    for corners in found.values():
        Box.of(value / SIDE for value in corners)


def test_lungs_are_their_masks(found: dict[str, Corners]) -> None:
    assert found["right lung"] == (30, 40, 80, 160)
    assert found["left lung"] == (120, 40, 170, 160)


def test_zones_are_thirds_and_follow_the_mask(found: dict[str, Corners]) -> None:
    # 120 rows: thirds begin at 40, 80 and 120; below row 100 the right lung ends at column 70, the left begins at 150.
    assert found["right upper lung zone"] == pytest.approx((30, 40, 80, 80))
    assert found["right mid lung zone"] == pytest.approx((30, 80, 80, 120))
    assert found["right lower lung zone"] == pytest.approx((30, 120, 70, 160))
    assert found["left lower lung zone"] == pytest.approx((150, 120, 170, 160))


def test_heart_lies_between_the_receding_borders(found: dict[str, Corners]) -> None:
    x1, y1, x2, y2 = found["cardiac silhouette"]
    assert (x1, x2) == (70, 150)
    assert 80 < y1 < 100  # below the carina, around the level at which the borders begin to recede
    assert 155 < y2 <= 165


def test_a_hidden_base_does_not_draw_the_heart_to_the_chest_wall() -> None:
    # The right lung ends at column 40 from row 100 on; the chest is 140 wide, so the heart may reach 100 - 0.22 * 140.
    hidden = chest()
    hidden.right.mask[100:, 40:] = False
    assert boxes(hidden)["cardiac silhouette"][0] == pytest.approx(69.2)


def test_angles_lie_at_the_lower_corners(found: dict[str, Corners]) -> None:
    corners = {
        "right costophrenic angle": (30, 160),
        "left costophrenic angle": (170, 160),
        "right cardiophrenic angle": (70, 160),
        "left cardiophrenic angle": (150, 160),
    }
    for name, (x, y) in corners.items():
        x1, y1, x2, y2 = found[name]
        assert x1 < x < x2, name
        assert y1 < y < y2, name
        assert (x2 - x1) * (y2 - y1) < 50 * 120 / 8, name


def test_midline_structures_stand_on_the_midline(found: dict[str, Corners]) -> None:
    for name in ("trachea", "carina", "spine"):
        x1, _, x2, _ = found[name]
        assert (x1 + x2) / 2 == pytest.approx(100), name
    assert found["spine"][1::2] == (0, SIDE)
    assert found["trachea"][1] < 40 < found["carina"][1] < found["trachea"][3] < found["carina"][3]


def test_sides_of_the_mediastinum(found: dict[str, Corners]) -> None:
    for name in ("svc", "cavoatrial junction", "right atrium"):
        assert sum(found[name][::2]) / 2 < 100, name
    for name in ("aortic arch", "descending aorta"):
        assert sum(found[name][::2]) / 2 > 100, name
    assert found["aortic arch"][1] < found["svc"][3] < found["right atrium"][3]


def test_the_abdomen_begins_at_the_dome_and_clavicles_at_the_apex(found: dict[str, Corners]) -> None:
    assert found["right upper abdomen"][1] == pytest.approx(160)
    assert found["right upper abdomen"][3] == SIDE
    assert found["right clavicle"][1] < 40 < found["right clavicle"][3] < 80


def test_the_left_is_the_mirror_of_the_right() -> None:
    # A chest without a heart is symmetric about column 100, so every sided region has its mirror image.
    found = boxes(Chest(Lung(drawn(30, 40, 80, 160)), Lung(drawn(120, 40, 170, 160)), VIEW))
    for name in REGIONS:
        if name.startswith("right ") and f"left {name[6:]}" in found and "hilar" not in name:
            x1, y1, x2, y2 = found[name]
            assert found[f"left {name[6:]}"] == pytest.approx((SIDE - x2, y1, SIDE - x1, y2)), name


def test_a_tilted_chest_has_a_tilted_midline() -> None:
    # Sheared by 0.1 columns a row: the midline moves 12 columns over the lungs' 120 rows.
    shifts = (np.arange(SIDE) // 10).tolist()
    right, left = (
        np.stack([np.roll(line, shift) for line, shift in zip(mask, shifts, strict=True)])
        for mask in (drawn(30, 40, 80, 160), drawn(100, 40, 150, 160))
    )
    tilted = Chest(Lung(right), Lung(left), VIEW)
    assert tilted.midline(140) - tilted.midline(40) == pytest.approx(10, abs=1.5)


def test_the_dome_is_the_top_of_the_lower_border() -> None:
    # A right lung whose base rises from row 160 at its outer edge to row 140 in the middle.
    mask = drawn(30, 40, 80, 160)
    columns = np.arange(30, 80)
    for column, low in zip(columns, 160 - 20 * np.sin(np.pi * (columns - 30) / 50), strict=True):
        mask[int(low) :, column] = False
    assert Lung(mask).dome == pytest.approx(140, abs=2)


@given(
    st.tuples(st.integers(2, 60), st.integers(2, 100), st.integers(20, 60), st.integers(30, 95)),
    st.tuples(st.integers(100, 130), st.integers(2, 100), st.integers(20, 60), st.integers(30, 95)),
)
def test_any_pair_of_lungs_gives_35_boxes_inside_the_view(right: tuple[int, ...], left: tuple[int, ...]) -> None:
    masks = [drawn(x, y, x + width, y + height) for x, y, width, height in (right, left)]
    found = boxes(Chest(Lung(masks[0]), Lung(masks[1]), VIEW))
    assert len(found) == 35
    for corners in found.values():
        Box.of(value / SIDE for value in corners)


def test_heart_and_mediastinum_that_were_seen_come_before_the_lungs_borders() -> None:
    heart, mediastinum = Outline(drawn(75, 95, 140, 150)), Outline(drawn(85, 40, 120, 150))
    lungs = chest()
    found = boxes(Chest(lungs.right_lung, lungs.left_lung, VIEW, heart, mediastinum))
    assert found["cardiac silhouette"] == pytest.approx((75, 95, 140, 155.5))  # a tenth is hidden below the corners
    x1, _, x2, _ = found["upper mediastinum"]
    assert (x1, x2) == (85, 120)
    x1, _, x2, y2 = found["mediastinum"]
    assert (x1, x2, y2) == pytest.approx((75, 140, 155.5))


def test_depths_put_the_edge_between_pixels() -> None:
    # Depth falls by 1 a pixel from the mask's centre (50, 60): nought at 50 +- 20.25 columns and 60 +- 30.75 rows.
    centres = np.arange(SIDE) + 0.5
    across, down = 20.25 - np.abs(centres - 50), 30.75 - np.abs(centres - 60)
    depth = np.minimum(across[None, :], down[:, None]).astype(np.float32)
    lung = Lung(depth > 0, depth)
    assert lung.box == pytest.approx((29.75, 29.25, 70.25, 90.75), abs=1e-4)
    assert lung.mirrored().box == pytest.approx((129.75, 29.25, 170.25, 90.75), abs=1e-4)
    assert Lung(depth > 0).box == (30, 29, 70, 91)


def test_an_edge_at_the_picture_s_border_stays_there() -> None:
    depth = np.full((SIDE, SIDE), 2.0, np.float32)
    assert Lung(depth > 0, depth).box == (0, 0, SIDE, SIDE)


def test_clean_drops_specks_and_keeps_a_divided_lung() -> None:
    lung = drawn(30, 40, 80, 110)
    lung[120:160, 30:80] = True  # the lung goes on below a band
    lung[5:8, 5:8] = True  # a speck
    mask = clean(lung)
    assert mask[140, 50]
    assert not mask[6, 6]
    assert not mask[115, 50]
    assert not clean(np.zeros((SIDE, SIDE), bool)).any()


def test_clean_drops_the_air_between_arm_and_body() -> None:
    lung, air = drawn(60, 40, 110, 120), drawn(10, 110, 40, 195)
    assert (clean(lung | air) == lung).all()
    assert (clean(lung | air, aside=True) == (lung | air)).all()
