"""The films that a stage learns from or is measured on, in memory, with the boxes of their regions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, PositiveFloat, SerializeAsAny

from radtrace.anatomy import DOMAINS
from radtrace.config import Settings
from radtrace.errors import FilmError, InputError
from radtrace.geometry import Box
from radtrace.images import Pixels, resized
from radtrace.localize import Localizer
from radtrace.records import Study, View
from radtrace.runs import JsonLines, progress
from radtrace.sources import Source, open_source

_CHUNK = 64


class FilmSet(Settings):
    """Films of one source.

    source: as in `radtrace build`. share: how often one of its films is drawn, beside the other sets'.
    without_boxed: leave out the patients for whom finding boxes were drawn, which are for evaluation.
    without_patients: leave out these, too.
    """

    source: Annotated[SerializeAsAny[Source], BeforeValidator(open_source)]
    share: PositiveFloat = 1.0
    without_boxed: bool = False
    without_patients: tuple[str, ...] = ()

    def views(self) -> Iterator[tuple[Study, View]]:
        """Every view that is not left out, in the source's order."""
        studies = [study for study in self.source.studies() if isinstance(study, Study)]
        left_out = set(self.without_patients)
        if self.without_boxed:
            left_out |= {_patient(study) for study in studies if any(label.box for label in study.labels)}
        yield from ((study, view) for study in studies if _patient(study) not in left_out for view in study.views)


def _patient(study: Study) -> str:
    return study.patient_id or study.id


@dataclass(frozen=True, slots=True)
class LearnedFilm:
    """One film. pixels: uint8 (H, W), true aspect; kind: "frontal", "lateral" or "other"; boxes: region or domain ->
    box, on frontal films that the localizer accepts; share: see `FilmSet`.
    """

    id: str
    pixels: npt.NDArray[np.uint8]
    kind: str
    boxes: dict[str, Box]
    share: float


def load_films(sets: Sequence[FilmSet], longest: int, found: JsonLines) -> list[LearnedFilm]:
    """Decode every film, shrunk to at most `longest` pixels a side; a film that cannot be read is left out.

    Args:    found: what the localizer said of each film in an earlier run; what it lacks is added.
    Raises:  InputError where there is no film, or the localizer is missing.
    """
    known = {row["id"]: row for row in found.read()}
    wanted = [(each, study, view) for each in sets for study, view in each.views()]
    films: list[LearnedFilm] = []
    localizer = None
    with progress("films", len(wanted)) as advance:
        for start in range(0, len(wanted), _CHUNK):
            chunk = list(_decoded(wanted[start : start + _CHUNK]))
            new = [(name, pixels) for name, pixels, _ in chunk if name not in known]
            if new:
                localizer = localizer or Localizer.load(every_marker=False)
                looks = localizer([pixels for _, pixels in new])
                rows = [
                    {"id": name, "kind": look.kind, "boxes": {key: box.xyxy for key, box in look.regions.items()}}
                    for (name, _), look in zip(new, looks, strict=True)
                ]
                found.append(*rows)
                known |= {row["id"]: row for row in rows}
            films += [_learned(name, pixels, share, longest, known[name]) for name, pixels, share in chunk]
            advance(len(wanted[start : start + _CHUNK]))
    if not films:
        raise InputError("no film can be read in the sources of the recipe")
    return films


def _decoded(wanted: Sequence[tuple[FilmSet, Study, View]]) -> Iterator[tuple[str, Pixels, float]]:
    for each, study, view in wanted:
        try:
            yield f"{study.source}/{study.id}/{view.id}", each.source.film(view).pixels, each.share
        except FilmError:
            continue


def _learned(name: str, pixels: Pixels, share: float, longest: int, row: dict[str, Any]) -> LearnedFilm:
    height, width = pixels.shape
    factor = longest / max(height, width)
    small = pixels if factor >= 1 else resized(pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    boxes = {key: Box.of(tuple(values)) for key, values in row["boxes"].items()}
    hulls = {domain: Box.hull(boxes[region] for region in regions) for domain, regions in DOMAINS.items() if boxes}
    return LearnedFilm(name, np.rint(small * 255).astype(np.uint8), row["kind"], boxes | hulls, share)
