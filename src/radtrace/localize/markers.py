"""The letter that a technician put on the film, L or R: where it stands, and whether it reads mirrored.

A film that was stored mirrored shows its markers mirrored and on the other side. One small network finds what could be
a side letter, a second one reads it; what is not read surely is not read at all, for a letter that is missed costs a
warning and a letter that is misread costs more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import numpy as np
from PIL import Image

from radtrace.geometry import Box
from radtrace.images import Pixels
from radtrace.localize import weights

if TYPE_CHECKING:
    from radtrace.localize.marker_network import MarkerNet

ARCHITECTURE = "radtrace-markers-1"

Letter = Literal["L", "R"]
READINGS: tuple[tuple[Letter, bool], ...] = (("L", False), ("R", False), ("L", True), ("R", True))
"""(letter, whether it reads mirrored) of the reader's classes but the first, which is no marker."""
MIRRORED = (0, 3, 4, 1, 2)
"""The class of a class's mirror image."""

WORK = 512
"""Long edge in pixels of the film that close-ups are cut from."""
LOOK = 320
"""Long edge in pixels of the film that the finder sees."""
HEIGHTS = (4.0, 30.0)
"""A letter's height in pixels of the finder's film."""
AROUND = 2.3
"""A close-up's side in letter heights."""

_CANDIDATES = 4
_LIKELY = 0.3
"""Least probability of a candidate."""
_SURE = 0.9
"""Least confidence of a letter."""
_SURE_INSIDE = 0.97
"""Of one well inside a lung, where markers seldom stand and ribs cross."""
_SURE_AGAINST = 0.95
"""Of one by which the film is mirrored, which few films are."""
_MIDDLE = 0.06
"""Of the film's width: a letter closer to the middle stands on neither side."""
_CORNER = 0.06
"""Of the film's sides: in its lower corners, closer to both edges, the film's own edge looks like an L."""


@dataclass(frozen=True, slots=True)
class Marker:
    """One side letter on an upright film.

    mirrored: the letter reads mirrored. box: the letter, as fractions of the film. confidence: in [0, 1].
    middle: the body's middle as a fraction of the film's width. contradicted: another
    letter on the film says otherwise.
    """

    letter: Letter
    mirrored: bool
    box: Box
    confidence: float
    middle: float = 0.5
    contradicted: bool = False

    @property
    def image_right_is(self) -> Literal["left", "right"] | None:
        """The patient's side that the image's right half shows, by the letter and the half that it stands in.

        Not by whether it reads mirrored: one upright film in ten has a marker that was laid on back to front. And
        a mirrored film's letter moves with the side that it marks, so that this holds for mirrored letters too.
        None for a letter near the middle, or where two letters contradict each other.
        """
        offset = (self.box.x1 + self.box.x2) / 2 - self.middle
        if self.contradicted or abs(offset) < _MIDDLE:
            return None
        return "left" if (self.letter == "L") == (offset > 0) else "right"


class Candidate(NamedTuple):
    """Where a letter may stand: its centre and height in pixels of the film for close-ups, and how likely."""

    x: float
    y: float
    height: float
    likely: float


class MarkerReader:
    """Reads the side letter of upright frontal films."""

    def __init__(self, network: "MarkerNet") -> None:
        from radtrace.localize.marker_network import fused

        self._finder, self._reader = fused(network.finder.layers), fused(network.reader.layers)

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the weights at `path`, else those beside the localizer's.

        Raises:  InputError where they are missing, damaged or of another version; MissingExtraError without torch.
        """
        return cls(load(path or weights.find().with_name(weights.MARKERS)))

    def __call__(self, film: Pixels, lungs: tuple[Box, Box] | None) -> Marker | None:
        """The film's surest side letter; None where none is sure.

        Args:    film: upright; lungs: boxes of the two lungs, in any order, where they are known.
        """
        work = shrunk(film, WORK)
        middle = 0.5 if lungs is None else _between(*lungs)
        found = [marker for marker in self.read(work, self.find(work), middle) if _credible(marker, lungs or ())]
        if not found:
            return None
        best = max(found, key=lambda marker: marker.confidence)
        if len({marker.image_right_is for marker in found} - {None}) > 1:
            return replace(best, contradicted=True)
        return None if best.image_right_is == "right" and best.confidence < _SURE_AGAINST else best

    def find(self, work: Pixels) -> list[Candidate]:
        """The likeliest places, best first; `work` is a film that `shrunk` gave."""
        import torch

        look = shrunk(work, LOOK)
        scale = work.shape[0] / look.shape[0]
        with torch.inference_mode():
            output = self._finder(torch.from_numpy(prepared(look))[None, None])[0]
        return [spot._replace(x=spot.x * scale, y=spot.y * scale, height=spot.height * scale) for spot in peaks(output)]

    def read(self, work: Pixels, candidates: list[Candidate], middle: float) -> Iterator[Marker]:
        """What letter each candidate is likeliest to be, by its close-up and the mirror image of that."""
        if not candidates:
            return
        views = np.stack([closeup(work, *candidate[:3]) for candidate in candidates])
        read = self._chances(views)
        doubted = read[:, 1:].max(1) >= 2 * _SURE - 1  # the others cannot reach _SURE as the mean of two looks
        if doubted.any():
            again = self._chances(np.ascontiguousarray(views[doubted, :, ::-1]))[:, MIRRORED]
            read[doubted] = (read[doubted] + again) / 2
        for candidate, chances in zip(candidates, read, strict=True):
            best = int(chances[1:].argmax())
            letter, mirrored = READINGS[best]
            yield Marker(letter, mirrored, _box(candidate, work), round(float(chances[1 + best]), 4), middle)

    def _chances(self, views: Pixels) -> Pixels:
        """(N, CLASSES) probabilities of close-ups (N, CROP, CROP)."""
        import torch

        with torch.inference_mode():
            chances: Pixels = self._reader(torch.from_numpy(views)[:, None]).softmax(1).numpy()
        return chances


def _credible(marker: Marker, lungs: tuple[Box, ...]) -> bool:
    x, y = (marker.box.x1 + marker.box.x2) / 2, (marker.box.y1 + marker.box.y2) / 2
    if y > 1 - _CORNER and not _CORNER < x < 1 - _CORNER:
        return False
    inside = any(lung.padded(-0.15).contains(x, y) for lung in lungs)
    return marker.confidence >= (_SURE_INSIDE if inside else _SURE)


def _between(one: Box, other: Box) -> float:
    left, right = sorted((one, other), key=lambda lung: lung.x1 + lung.x2)
    return (left.x2 + right.x1) / 2


def _box(candidate: Candidate, work: Pixels) -> Box:
    """About the letter: the finder tells its height only, and a letter is three quarters as wide."""
    height, width = work.shape
    half, across = candidate.height / 2, candidate.height * 3 / 8
    return Box(
        x1=max(0.0, (candidate.x - across) / width),
        y1=max(0.0, (candidate.y - half) / height),
        x2=min(1.0, (candidate.x + across) / width),
        y2=min(1.0, (candidate.y + half) / height),
    )


def shrunk(film: Pixels, long_edge: int) -> Pixels:
    """The film with at most that many pixels along its long edge."""
    height, width = film.shape
    scale = long_edge / max(height, width)
    if scale >= 1:
        return film
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(np.ascontiguousarray(film)).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image, np.float32)


def prepared(look: Pixels) -> Pixels:
    """The finder's input: grays about zero, sides padded to whole cells."""
    from radtrace.localize.marker_network import STRIDE

    sample = look[::6, ::6]
    low, high = np.quantile(sample, (0.02, 0.98))
    height, width = look.shape
    gray = np.clip((look - low) / max(high - low, 1e-3), -0.5, 1.2) - 0.5
    return np.pad(gray.astype(np.float32), ((0, -height % STRIDE), (0, -width % STRIDE)), mode="edge")


def peaks(output: Any) -> list[Candidate]:
    """The local maxima of a finder's map (2, h, w) that are likely enough, best first, in pixels of its film."""
    from torch.nn import functional

    from radtrace.localize.marker_network import STRIDE

    chance = output[:1].sigmoid()
    highest = functional.max_pool2d(chance, 5, 1, 2)
    flat = ((chance == highest) & (chance > _LIKELY)).flatten().nonzero().flatten().tolist()
    likely, heights, width = chance.flatten(), output[1].flatten(), output.shape[2]
    spots = [
        Candidate(
            STRIDE * (index % width + 0.5),
            STRIDE * (index // width + 0.5),
            float(np.clip(np.exp(float(heights[index])), *HEIGHTS)),
            float(likely[index]),
        )
        for index in flat
    ]
    return sorted(spots, key=lambda spot: -spot.likely)[:_CANDIDATES]


def closeup(work: Pixels, x: float, y: float, height: float) -> Pixels:
    """The reader's input (CROP, CROP) about a letter, mean 0 and deviation 1; the film's edge goes on outside it."""
    from radtrace.localize.marker_network import CROP

    half = AROUND * height / 2
    x1, y1, x2, y2 = x - half, y - half, x + half, y + half
    rows = np.arange(int(np.floor(y1)) - 2, int(np.ceil(y2)) + 3)
    columns = np.arange(int(np.floor(x1)) - 2, int(np.ceil(x2)) + 3)
    part = work[np.clip(rows, 0, work.shape[0] - 1)[:, None], np.clip(columns, 0, work.shape[1] - 1)]
    box = (x1 - columns[0], y1 - rows[0], x2 - columns[0], y2 - rows[0])
    view = np.asarray(Image.fromarray(part).resize((CROP, CROP), Image.Resampling.BILINEAR, box=box), np.float32)
    normalised: Pixels = (view - view.mean()) / max(float(view.std()), 1e-3)
    return normalised


def load(path: Path) -> "MarkerNet":
    """The networks, in single precision and ready for use; raises as `weights.load`."""
    _, tensors = weights.read(path, ARCHITECTURE, "reading side markers")
    from radtrace.localize.marker_network import MarkerNet

    return weights.fill(MarkerNet(), tensors, path)


def save(network: "MarkerNet", path: Path) -> None:
    """Write the weights in half precision."""
    weights.write(network, path, {"architecture": ARCHITECTURE})
