"""Floors that look at training films: the report of the nearest one, mean boxes and mean crops of a domain."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from radtrace.build.reading import Found
from radtrace.build.shards import Row
from radtrace.geometry import Box
from radtrace.images import Pixels, resized
from radtrace.images.film import RefusalError
from radtrace.images.pictures import decode_picture
from radtrace.metrics.grounding.steps import SIDE
from radtrace.metrics.scores import FloatArray
from radtrace.records import Step
from radtrace.runs import progress

THUMB = 32
"""Pixels a side of the films that are compared."""
MOST_PICTURED = 1000
"""Traces whose pictures are averaged; of more, so many are drawn."""


@dataclass(slots=True)
class Looks:
    """What training films look like.

    studies: those whose film could be read; thumbs: (N, THUMB * THUMB) of unit length, in their order.
    boxes: domain -> the sum of its steps' corners and their number. domains: of the grounded steps of each trace.
    crops: domain -> the sum of its pictures at SIDE x SIDE and their number.
    """

    studies: list[str] = field(default_factory=list)
    thumbs: list[Pixels] = field(default_factory=list)
    boxes: dict[str, tuple[FloatArray, int]] = field(default_factory=dict)
    domains: Counter[tuple[str, ...]] = field(default_factory=Counter)
    crops: dict[str, tuple[FloatArray, int]] = field(default_factory=dict)

    def mean_boxes(self) -> dict[str, Box]:
        """Domain -> the box of mean corners."""
        return {domain: Box.of((total / count).tolist()) for domain, (total, count) in self.boxes.items()}

    def mean_crops(self) -> dict[str, Pixels]:
        """Domain -> the mean picture."""
        return {domain: (total / count).astype(np.float32) for domain, (total, count) in self.crops.items()}

    def usual_domains(self) -> tuple[str, ...]:
        """The domains of the steps that most traces have, in their order."""
        return self.domains.most_common(1)[0][0]


def look_at(traces: Found, *, films: bool, pictures: bool, seed: int) -> Looks:
    """Go through training traces once. films: whether they are read for `nearest`; pictures: whether crops are."""
    looks = Looks()
    drawn = _drawn(traces.count, seed) if pictures else set()
    with progress("floors: training films", traces.count) as advance:
        for number, row in enumerate(traces.rows()):
            _add_steps(looks, row, pictures=number in drawn)
            thumb = thumbnail(row.film_png) if films else None
            if thumb is not None:
                looks.studies.append(row.trace.study_id)
                looks.thumbs.append(thumb)
            advance()
    return looks


def _drawn(count: int, seed: int) -> set[int]:
    return set(random.Random(seed).sample(range(count), min(count, MOST_PICTURED)))  # noqa: S311


def _add_steps(looks: Looks, row: Row, *, pictures: bool) -> None:
    grounded = list(grounded_steps(row))
    looks.domains[tuple(step.domain for step, _, _ in grounded)] += 1
    for step, box, png in grounded:
        _add(looks.boxes, step.domain, np.array(box.xyxy))
        picture = decoded(png) if pictures and png else None
        if picture is not None:
            _add(looks.crops, step.domain, resized(picture, SIDE, SIDE).astype(np.float64))


def _add(sums: dict[str, tuple[FloatArray, int]], domain: str, values: FloatArray) -> None:
    total, count = sums.get(domain, (np.zeros(values.shape), 0))
    sums[domain] = total + values, count + 1


def grounded_steps(row: Row) -> Iterator[tuple[Step, Box, bytes | None]]:
    """Each step with a box, its picture's before its own, as `grd` takes it; and the picture."""
    for step, png in zip(row.trace.steps, row.step_pngs, strict=True):
        box = (step.image.box if step.image else None) or step.box
        if box:
            yield step, box, png


def decoded(png: bytes) -> Pixels | None:
    """The picture; None where it is damaged."""
    try:
        return decode_picture(png, min_side=1)
    except RefusalError:
        return None


def thumbnail(png: bytes) -> Pixels | None:
    """(THUMB * THUMB,) the film squeezed into a square, less its mean, of unit length; None where it is damaged."""
    film = decoded(png)
    if film is None:
        return None
    values = resized(film, THUMB, THUMB).ravel()
    values = values - values.mean()
    length = np.linalg.norm(values)
    unit: Pixels = (values / length if length > 0 else values).astype(np.float32)
    return unit


def nearest(looks: Looks, references: Iterable[Row], total: int) -> dict[str, str | None]:
    """Reference study -> the training study whose film has the greatest cosine; None where its film is damaged."""
    thumbs = np.stack(looks.thumbs)
    found: dict[str, str | None] = {}
    with progress("floors: nearest films", total) as advance:
        for row in references:
            thumb = thumbnail(row.film_png)
            found[row.trace.study_id] = None if thumb is None else looks.studies[int((thumbs @ thumb).argmax())]
            advance()
    return found
