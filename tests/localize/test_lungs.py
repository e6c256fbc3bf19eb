"""What is no pair of lungs is refused, with the reason."""

import numpy as np
import pytest

from radtrace.localize.lungs import judge

VIEW = (0, 0, 100, 100)


def masks(right: tuple[int, int, int, int] | None, left: tuple[int, int, int, int] | None) -> np.ndarray:
    """Probabilities: 0.99 in the right lung, 0.9 in the left, so that the right wins where they overlap."""
    drawn = np.zeros((2, 100, 100), np.float32)
    for side, (box, probability) in enumerate(((right, 0.99), (left, 0.9))):
        if box is not None:
            x1, y1, x2, y2 = box
            drawn[side, y1:y2, x1:x2] = probability
    return drawn


def test_two_lungs_are_accepted_without_a_word() -> None:
    verdict = judge(masks((10, 20, 40, 80), (60, 20, 90, 80)), VIEW)
    assert verdict.lungs is not None
    assert verdict.warnings == ()


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
    assert verdict.lungs is None
    assert len(verdict.warnings) == 1
    assert reason in verdict.warnings[0]


def test_a_pixel_belongs_to_the_likelier_lung() -> None:
    verdict = judge(masks((10, 20, 50, 80), (40, 20, 90, 80)), VIEW)
    assert verdict.lungs is not None
    right, left = verdict.lungs
    assert not (right & left).any()
    assert right[50, 45]


def test_a_lung_at_the_edge_and_a_small_one_are_doubted() -> None:
    verdict = judge(masks((0, 20, 40, 80), (60, 30, 80, 60)), VIEW)
    assert verdict.lungs is not None
    assert [warning.partition(" lung ")[0] for warning in verdict.warnings] == ["the left", "the right"]
