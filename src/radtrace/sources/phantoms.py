"""Procedural films with reports of our own: a source that needs no data, for demos and tests of scale."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field, PositiveInt

from radtrace import phantoms
from radtrace.images import Film, load_film
from radtrace.records import Region, Rejected, Study, View
from radtrace.sources import Load, Source, SourceCard


class Phantoms(Source):
    """Made-up studies.

    count: how many; first_seed: of the first, the others follow; side: pixels of the square film.
    """

    CARD: ClassVar[SourceCard] = SourceCard(
        name="radtrace phantoms (synthetic)", licence="Apache-2.0", licence_id="apache-2.0", citation="radtrace"
    )
    KNOWS_REGIONS: ClassVar[bool] = True

    kind: str = "phantoms"
    root: Path = Path()
    count: PositiveInt = 8
    first_seed: int = Field(default=0, ge=0)
    side: int = Field(default=512, ge=128, le=4096)

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`; every region has its box, since the film was drawn from them."""
        for seed in range(self.first_seed, self.first_seed + self.count):
            made = phantoms.examination(seed)
            name = f"phantom-{seed:05d}"
            view = View(id=name, uri=str(seed), projection="PA", width=self.side, height=self.side)
            regions = tuple(
                Region(name=region, box=box, view_id=name, origin="dataset") for region, box in made.regions.items()
            )
            yield Study(id=name, source="phantoms", views=(view,), report=made.report, regions=regions)

    def film(self, view: View, load: Load = load_film) -> Film:
        """Draw the view again from its seed."""
        pixels = phantoms.phantom(int(view.uri), (self.side, self.side)).pixels
        return Film(pixels, hashlib.sha256(pixels.tobytes()).hexdigest(), projection="PA")
