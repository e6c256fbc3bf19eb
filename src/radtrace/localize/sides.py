"""Whether a film is mirrored, and what tells so: its header, a side marker, or nothing but the usual display."""

from dataclasses import dataclass
from typing import Literal

from radtrace.images.film import Orientation
from radtrace.localize.markers import Marker

ToldBy = Literal["header", "marker"]

UNVERIFIED = "orientation unverified"
"""The warning that the patient's left and right rest on the usual display alone."""
MAYBE_MIRRORED = 0.05
"""From this probability on, by the network, a film is not surely the usual way round."""
_USUAL = 0.2
_MIRRORED = 0.8
"""Of held-out films that are not mirrored at most 0.3% reach it; of their mirror images 88 to 100%."""


@dataclass(frozen=True, slots=True)
class Sides:
    """mirrored: whether the patient's right is on the right of the upright film; told_by: None where unverified."""

    mirrored: bool
    told_by: ToldBy | None
    warnings: tuple[str, ...] = ()


def verified(network: float, rotation: int, orientation: Orientation | None, marker: Marker | None) -> Sides:
    """What header, marker and heart say together.

    A header is believed where it names the quarter turns that the film was found to have; devices write it by preset,
    so that it does not outweigh the heart. A marker does: with it, a heart on the wrong side is dextrocardia. That a
    film is mirrored is believed only where the heart does not deny it.

    Args:    network: probability that the film is mirrored; rotation: degrees counter-clockwise that were found;
             orientation: the header's; marker: on the upright film.
    """
    told, said = _told(rotation, orientation, marker)
    heart_on_left = "the heart points to the image's left: a mirrored film, or dextrocardia"
    if len(set(told.values())) > 1:
        return Sides(False, None, (UNVERIFIED, "header and side marker contradict each other"))
    if not told:
        return Sides(False, None, (UNVERIFIED, *said, *((heart_on_left,) if network >= _MIRRORED else ())))
    by: ToldBy = "marker" if "marker" in told else "header"
    if told[by]:
        if network <= _USUAL:
            return Sides(False, None, (UNVERIFIED, f"the {by} says that the film is mirrored, but the heart does not"))
        return Sides(True, by, ("the film is mirrored", *said))
    if network >= _MIRRORED:
        return (
            Sides(False, "marker", (*said, heart_on_left))
            if by == "marker"
            else Sides(False, None, (UNVERIFIED, heart_on_left))
        )
    return Sides(False, by, said)


def _told(
    rotation: int, orientation: Orientation | None, marker: Marker | None
) -> tuple[dict[ToldBy, bool], tuple[str, ...]]:
    """Whether the film is mirrored, by who says so; and what of the header is not believed."""
    told: dict[ToldBy, bool] = {}
    said = []
    if orientation is not None:
        if orientation.rotation == rotation and orientation.mirrored is not None:
            told["header"] = orientation.mirrored
        else:
            said.append("the header's patient orientation contradicts what the film shows")
    if marker is not None and marker.image_right_is is not None:
        told["marker"] = marker.image_right_is == "right"
    return told, tuple(said)
