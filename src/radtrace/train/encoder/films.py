"""The studies that the encoder learns from, their films turned upright, and the anatomy on these by the localizer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BeforeValidator, SerializeAsAny
from torch.nn import functional

from radtrace.anatomy import REGIONS
from radtrace.config import Settings
from radtrace.errors import FilmError, InputError
from radtrace.geometry import Box, letterbox
from radtrace.images import Pixels
from radtrace.localize import Localization, Localizer, weights
from radtrace.localize.network import ChestNet
from radtrace.models.encoder import PROJECTIONS, prepared
from radtrace.records import Study, View
from radtrace.runs import progress
from radtrace.sources import Source, open_source

CANVAS = 256
"""Pixels a side of the prepared films that training keeps in memory."""
MASK_SIDE = 56
_BATCH = 32


class Pool(Settings):
    """Studies of one source.

    silent: what a report does not mention is "absent", or "unknown" where it names anything else.
    mined: the source's labels were mined from reports, so that what they do not name is likely absent.
    without_boxed: leave out the patients for whom finding boxes were drawn, which are for evaluation.
    """

    source: Annotated[SerializeAsAny[Source], BeforeValidator(open_source)]
    silent: Literal["absent", "unknown"] = "absent"
    mined: bool = False
    without_boxed: bool = False

    def studies(self) -> list[Study]:
        """Those with films, in the source's order."""
        found = [study for study in self.source.studies() if isinstance(study, Study) and study.views]
        boxed = {_patient(study) for study in found if any(label.box for label in study.labels)}
        return [study for study in found if not self.without_boxed or _patient(study) not in boxed]


def _patient(study: Study) -> str:
    return study.patient_id or study.id


@dataclass(frozen=True)
class Films:
    """N films of known kind, as they come out of `prepare`.

    asked: names of the studies that were prepared, whether or not a film came of them. studies: each film's study, by
    its place in `asked`. lateral: bool (N,).
    films: uint8 (N, CANVAS, CANVAS); masks: uint8 (N, 4, MASK_SIDE, MASK_SIDE), probabilities x 255.
    regions: float32 (N, 35, 4), boxes as fractions of the canvas, nan where unknown.
    ratios: cardiothoracic, nan where unknown.
    projections: place in `PROJECTIONS`, -1 unknown.
    """

    asked: npt.NDArray[np.str_]
    studies: npt.NDArray[np.int64]
    lateral: npt.NDArray[np.bool_]
    films: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    regions: npt.NDArray[np.float32]
    ratios: npt.NDArray[np.float64]
    projections: npt.NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Write the arrays, whole or not at all."""
        partial = path.with_suffix(".part.npz")
        np.savez(partial, **vars(self))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Films":
        """Read what `save` wrote."""
        with np.load(path) as saved:
            return cls(**{name: saved[name] for name in saved.files})


def studies_of(pools: Sequence[Pool]) -> tuple[list[Study], list[int]]:
    """The studies of all pools, and the place of each one's pool."""
    each = [pool.studies() for pool in pools]
    return [study for some in each for study in some], [pool for pool, some in enumerate(each) for _ in some]


def films_of(path: Path, pools: Sequence[Pool], studies: Sequence[Study], where: Sequence[int]) -> Films:
    """The prepared films of studies, from `path` where it holds just these, else made and written there."""
    names = np.array([f"{study.source} {study.id}" for study in studies])
    if path.exists():
        films = Films.load(path)
        if np.array_equal(films.asked, names):
            return films
    films = prepare(names, [pools[pool].source for pool in where], studies)
    films.save(path)
    return films


def prepare(names: npt.NDArray[np.str_], sources: Sequence[Source], studies: Sequence[Study]) -> Films:
    """Decode, judge and prepare every film; what is no chest film or cannot be read is left out."""
    localizer, network = Localizer.load(every_marker=False), weights.load(weights.find())
    views = [(number, view) for number, study in enumerate(studies) for view in study.views]
    rows: list[_Row] = []
    with progress("films", len(views)) as advance:
        for start in range(0, len(views), _BATCH):
            some = views[start : start + _BATCH]
            rows += _rows(some, sources, localizer, network)
            advance(len(some))
    if not rows:
        raise InputError("no chest film can be read in the sources of the recipe")
    return Films(names, *(np.array(column) for column in zip(*rows, strict=True)))


class _Row(NamedTuple):
    """One film, as in `Films`."""

    study: int
    lateral: bool
    film: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    regions: npt.NDArray[np.float32]
    ratio: float
    projection: int


def _rows(
    views: Iterable[tuple[int, View]], sources: Sequence[Source], localizer: Localizer, network: ChestNet
) -> Iterator[_Row]:
    decoded = [(number, view, film) for number, view in views if (film := _decoded(sources[number], view)) is not None]
    found = localizer([film for _, _, film in decoded])
    upright = [np.ascontiguousarray(np.rot90(e[2], -p.rotation // 90)) for e, p in zip(decoded, found, strict=True)]
    squares = [prepared(film, CANVAS) for film in upright]
    masks = _masks(squares, network)
    for (number, view, _), film, square, mask, place in zip(decoded, upright, squares, masks, found, strict=True):
        if place.kind == "other":
            continue
        lateral = view.projection == "lateral" if view.projection != "unknown" else place.kind == "lateral"
        told = view.projection if view.projection in PROJECTIONS else place.projection
        ratio = place.cardiothoracic_ratio
        yield _Row(
            number,
            lateral,
            np.rint(square * 255).astype(np.uint8),
            mask,
            _regions(place, film),
            float("nan") if ratio is None else ratio,
            PROJECTIONS.index(told) if told in PROJECTIONS and not lateral else -1,
        )


def _decoded(source: Source, view: View) -> Pixels | None:
    try:
        return source.film(view).pixels
    except FilmError:
        return None


def _masks(squares: Sequence[Pixels], network: ChestNet) -> npt.NDArray[np.uint8]:
    """The localizer's masks (N, 4, MASK_SIDE, MASK_SIDE) of prepared films."""
    films = torch.from_numpy(np.stack(squares))[:, None] if squares else torch.zeros(0, 1, CANVAS, CANVAS)
    side = network.side
    small = functional.interpolate(films, (side, side), mode="bilinear", align_corners=False, antialias=True)
    with torch.inference_mode():
        masks = torch.sigmoid(network(small).masks)
    shrunk = functional.adaptive_avg_pool2d(masks, MASK_SIDE)
    return (shrunk * 255).round().byte().numpy()


def _regions(place: Localization, upright: Pixels) -> npt.NDArray[np.float32]:
    """Boxes of the 35 regions on the canvas."""
    boxes = np.full((len(REGIONS), 4), np.nan, np.float32)
    for row, name in enumerate(REGIONS):
        box = place.regions.get(name)
        if box is not None:
            boxes[row] = _on_canvas(box.turned(-place.rotation % 360) if place.rotation else box, upright)
    return boxes


def _on_canvas(box: Box, film: Pixels) -> tuple[float, ...]:
    written = letterbox(CANVAS).write(box, film.shape[1], film.shape[0])
    assert written is not None  # noqa: S101  a letterbox shows the whole view
    return tuple(value / CANVAS for value in written.coords)
