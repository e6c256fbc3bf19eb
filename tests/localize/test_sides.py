"""What header, side marker and heart say together about the way round of a film."""

import pytest

from radtrace.geometry import Box
from radtrace.images.film import Orientation
from radtrace.localize.markers import Marker
from radtrace.localize.sides import UNVERIFIED, verified

USUAL, MIRRORED = Orientation("L", "F"), Orientation("R", "F")
L_ON_RIGHT = Marker("L", False, Box.of((0.85, 0.1, 0.9, 0.15)), 0.99)
L_ON_LEFT = Marker("L", True, Box.of((0.1, 0.1, 0.15, 0.15)), 0.99)
L_IN_THE_MIDDLE = Marker("L", False, Box.of((0.48, 0.1, 0.52, 0.15)), 0.99)


@pytest.mark.parametrize(
    ("network", "header", "marker", "mirrored", "told_by"),
    [
        # network: how probably the heart points to the image's left
        (0.0, None, None, False, None),
        (0.0, USUAL, None, False, "header"),
        (0.0, None, L_ON_RIGHT, False, "marker"),
        (0.0, USUAL, L_ON_RIGHT, False, "marker"),
        (0.0, None, L_IN_THE_MIDDLE, False, None),
        # a film that says it is mirrored, and looks so, or may
        (0.9, MIRRORED, None, True, "header"),
        (0.5, None, L_ON_LEFT, True, "marker"),
        (0.9, MIRRORED, L_ON_LEFT, True, "marker"),
        # says so, but the heart denies it
        (0.1, MIRRORED, None, False, None),
        (0.1, None, L_ON_LEFT, False, None),
        # header against marker
        (0.0, MIRRORED, L_ON_RIGHT, False, None),
        (0.9, USUAL, L_ON_LEFT, False, None),
        # a heart on the wrong side: a preset header does not outweigh it, a marker does
        (0.9, None, None, False, None),
        (0.9, USUAL, None, False, None),
        (0.9, None, L_ON_RIGHT, False, "marker"),
        (0.9, USUAL, L_ON_RIGHT, False, "marker"),
    ],
)
def test_evidence(
    network: float, header: Orientation | None, marker: Marker | None, mirrored: bool, told_by: str | None
) -> None:
    sides = verified(network, 0, header, marker)
    assert (sides.mirrored, sides.told_by) == (mirrored, told_by)
    assert (UNVERIFIED in sides.warnings) == (told_by is None)
    if network >= 0.8 and not mirrored and not (header and marker and told_by is None):
        assert any("heart" in warning for warning in sides.warnings)


def test_a_header_of_another_turn_is_not_believed_and_that_is_said() -> None:
    sides = verified(0.0, 90, USUAL, None)
    assert sides.told_by is None
    assert any("contradicts" in warning for warning in sides.warnings)
    beside = verified(0.0, 90, USUAL, L_ON_RIGHT)
    assert (beside.told_by, UNVERIFIED in beside.warnings) == ("marker", False)
    assert any("contradicts" in warning for warning in beside.warnings)
