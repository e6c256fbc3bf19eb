"""What is no pair of lungs is refused, with the reason."""

import numpy as np
import pytest

from radtrace.localize.chest import judge

VIEW = (0.0, 0.0, 100.0, 100.0)


Corners = tuple[int, int, int, int]
HEART = (40, 50, 65, 85)


def masks(right: Corners | None, left: Corners | None, heart: Corners | None = HEART) -> np.ndarray:
    """Logits: 4 in the right lung, 2 in the left, so that the right wins where they overlap."""
    drawn = np.full((4, 100, 100), -5.0, np.float32)
    for mask, (box, logit) in enumerate(((right, 4.0), (left, 2.0), (heart, 3.0), (heart, 3.0))):
        if box is not None:
            x1, y1, x2, y2 = box
            drawn[mask, y1:y2, x1:x2] = logit
    return drawn


def test_two_lungs_are_accepted_without_a_word() -> None:
    verdict = judge(masks((10, 20, 40, 80), (60, 20, 90, 80)), VIEW)
    assert verdict.chest is not None
    assert verdict.warnings == ()
    assert verdict.chest.heart is not None
    x1, y1, x2, y2 = verdict.chest.heart_box
    assert (round(x1), round(y1), round(x2)) == HEART[:3]
    assert y2 == pytest.approx(85 + 3.5, abs=0.5)  # a tenth of its height lies hidden


@pytest.mark.parametrize(
    ("right", "left", "reason"),
    [
        (None, None, "the right and the left lung cannot be made out"),
        ((10, 20, 40, 80), None, "the left lung cannot be made out"),
        ((10, 20, 14, 24), (60, 20, 90, 80), "the right lung cannot be made out"),  # 16 of 10,000 pixels
        ((60, 20, 90, 80), (10, 20, 40, 80), "not on the image's left"),
        ((20, 20, 60, 80), (25, 40, 65, 90), "overlap"),  # left is what the right leaves: an L below and beside it
        ((10, 5, 40, 45), (60, 55, 90, 95), "not beside each other"),
    ],
)
def test_what_is_no_pair_is_refused_with_the_reason(
    right: tuple[int, int, int, int] | None, left: tuple[int, int, int, int] | None, reason: str
) -> None:
    verdict = judge(masks(right, left), VIEW)
    assert verdict.chest is None
    assert len(verdict.warnings) == 1
    assert reason in verdict.warnings[0]


def test_a_pixel_belongs_to_the_likelier_lung() -> None:
    verdict = judge(masks((10, 20, 50, 80), (40, 20, 90, 80)), VIEW)
    assert verdict.chest is not None
    right, left = verdict.chest.right_lung.mask, verdict.chest.left_lung.mask
    assert not (right & left).any()
    assert right[50, 45]


def test_a_lung_at_the_edge_and_a_small_one_are_doubted() -> None:
    verdict = judge(masks((0, 20, 40, 80), (60, 30, 70, 75)), VIEW)
    assert verdict.chest is not None
    assert [warning.partition(" lung ")[0] for warning in verdict.warnings] == ["the left", "the right"]


def test_lungs_of_unlike_height_are_doubted() -> None:
    verdict = judge(masks((10, 10, 40, 95), (60, 20, 90, 60)), VIEW)
    assert verdict.chest is not None
    assert "the lungs differ much in height: boxes near the left one are doubtful" in verdict.warnings


@pytest.mark.parametrize("heart", [None, (40, 50, 44, 85), (10, 30, 30, 70), (5, 50, 65, 85)])
def test_a_heart_that_is_none_is_not_believed(heart: Corners | None) -> None:
    # Absent, a sliver, beside the lungs' middle, wider than the lungs: the lungs' borders tell instead, with a warning.
    verdict = judge(masks((10, 20, 40, 80), (60, 20, 90, 80), heart), VIEW)
    assert verdict.chest is not None
    assert verdict.chest.heart is None
    assert verdict.warnings == ("the heart cannot be made out: boxes near it are doubtful",)
    x1, y1, x2, y2 = verdict.chest.heart_box
    assert 30 <= x1 < 50 < x2 <= 75
    assert 40 < y1 < y2 <= 85
