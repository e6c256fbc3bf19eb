"""What readers of boxes share: frames, vocabularies, finding names, and the check that the frame is the right one."""

import logging
import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from radtrace.anatomy import FINDINGS, REGIONS, regions_of
from radtrace.errors import InputError, did_you_mean
from radtrace.geometry import FRACTION, FRAMES, Box, Written
from radtrace.records import Origin, Region, View
from radtrace.sources import Source
from radtrace.sources.frame_check import frame_misfit

_log = logging.getLogger(__name__)

Vocabulary = Literal["radtrace", "chest_imagenome", "boxmed_rl"]
FrameCheck = Literal["error", "warn", "off"]
"""What to do where a dataset's boxes do not look as if they were in the stated frame."""


def _known_frame(frame: str) -> str:
    if frame != FRACTION and frame not in FRAMES:
        raise ValueError(f"unknown frame {frame!r}: {did_you_mean(frame, [FRACTION, *FRAMES])}")
    return frame


FrameName = Annotated[str, AfterValidator(_known_frame)]
""""fraction" or a name of `radtrace.geometry.FRAMES`."""


def read_box(numbers: Sequence[float], frame: str, size: tuple[int, int]) -> Box:
    """The box that four numbers mean. Raises ValueError where they lie outside the frame or are inverted."""
    return Box.of(numbers) if frame == FRACTION else FRAMES[frame].read(numbers, *size)


def view_size(source: Source, view: View, frame: str) -> tuple[int, int]:
    """A view's size in pixels as far as the frame needs it: the source's word, else the film's. Raises FilmError."""
    if view.width and view.height:
        return view.width, view.height
    if frame == FRACTION or not FRAMES[frame].sized:
        return 1, 1
    film = source.film(view)
    return film.width, film.height


def four_numbers(values: Any) -> tuple[float, ...]:
    """A list from JSON as four numbers. Raises ValueError."""
    if not isinstance(values, list) or len(values) != 4 or not all(_is_number(value) for value in values):
        raise ValueError("a box is four numbers")
    with suppress(OverflowError):
        numbers = tuple(float(value) for value in values)
        if all(map(math.isfinite, numbers)):
            return numbers
    raise ValueError("a box is four finite numbers")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_frame(frame: str, boxes: Iterable[Written], check: FrameCheck, where: str) -> None:
    """Compare all boxes of a dataset with the stated frame; see `radtrace.sources.frame_check.frame_misfit`.

    Raises:  InputError, naming the likely frame, where they do not fit and `check` is "error"; "warn" logs it.
    """
    problem = None if check == "off" else frame_misfit(frame, boxes)
    if problem is None:
        return
    message = f"{where}: {problem}; set source.frame"
    if check == "error":
        raise InputError(f'{message}, or source.frame_check to "warn" or "off"')
    _log.warning("%s", message)


_NAME = re.compile(r"[A-Za-z0-9 _/-]{1,40}")


def shown(name: str) -> str:
    """A name of the data for a message: only where it looks like one, since it may be a report's words."""
    return repr(name) if _NAME.fullmatch(name) else "(no name)"


def region_names(name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Our regions for a vocabulary's name; a union is several. Raises InputError where it is unknown."""
    if not _NAME.fullmatch(name):
        raise InputError("a region whose name is no name")
    if vocabulary != "radtrace":
        return regions_of(name, vocabulary)
    if name not in REGIONS:
        raise InputError(f"unknown region {name!r}: {did_you_mean(name, REGIONS)}")
    return (name,)


def one_box_each(
    written: Iterable[tuple[Hashable, tuple[str, ...], Box]], view_id: str, origin: Origin
) -> list[Region]:
    """The regions of one view, in our order, from (the name that is written, our regions for it, box).

    Several names of one region (the halves of the heart) give their hull; the box of a union ("whole lung") is that of
    the regions which have none of their own.

    Raises:  ValueError where a name has two boxes.
    """
    own: dict[str, list[Box]] = defaultdict(list)
    shared: dict[str, list[Box]] = defaultdict(list)
    seen: set[Hashable] = set()
    for name, regions, box in written:
        if name in seen:
            raise ValueError(f"region boxed twice: {', '.join(regions)}")
        seen.add(name)
        for region in regions:
            (own if len(regions) == 1 else shared)[region].append(box)
    boxes = {**shared, **own}
    return [
        Region(name=name, box=Box.hull(boxes[name]), view_id=view_id, origin=origin)
        for name in REGIONS
        if name in boxes
    ]


_FINDING_OF: Mapping[str, str] = {
    **{label.lower(): label for label in FINDINGS},
    "effusion": "Pleural Effusion",
    "infiltrate": "Infiltration",
    "hernia": "Hiatal Hernia",
    "pulmonary edema": "Edema",
    "airspace opacity": "Lung Opacity",
    "opacity": "Lung Opacity",
}
"""Names that datasets give to findings, in lower case with blanks -> our label."""


def finding_label(name: str) -> str:
    """Our label for a finding that a dataset names. Raises InputError where it is unknown."""
    label = _FINDING_OF.get(" ".join(name.replace("_", " ").lower().split()))
    if label is None:
        raise InputError(f"unknown finding {shown(name)}: {did_you_mean(name[:40], FINDINGS)}")
    return label
