"""The films of a dataset of traces, to be read anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from radtrace.build.reading import find_traces
from radtrace.build.shards import read_rows
from radtrace.errors import FilmError
from radtrace.images import Film, load_film
from radtrace.images.film import RefusalError
from radtrace.images.pictures import decode_picture
from radtrace.records import Rejected, Study, View
from radtrace.sources import Load, Source, SourceCard


class Built(Source):
    """Studies of a dataset that `radtrace build` made, each with the one film that was read for it.

    root: the folder, or one of its Parquet files. split: of it; None: all.
    """

    CARD: ClassVar[SourceCard] = SourceCard(name="a dataset of traces", licence="its own", citation="its own")

    kind: str = "built"
    split: str | None = None

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`; a view's uri names the file and the row of its film."""
        for path, indices in find_traces(self.root, split=self.split).places:
            for index, row in zip(indices, read_rows(path, indices), strict=True):
                view = row.trace.view.model_copy(update={"uri": f"{path}#{index}"})
                yield Study(
                    id=row.trace.study_id,
                    source=self.kind,
                    views=(view,),
                    report=row.trace.report,
                    labels=row.labels,
                    split=path.name.split("-")[0] if self.root.is_dir() else None,
                )

    def film(self, view: View, load: Load = load_film) -> Film:
        """See `Source.film`: our own PNG, decoded here."""
        path, _, index = view.uri.rpartition("#")
        (row,) = read_rows(Path(path), [int(index)])
        try:
            return Film(decode_picture(row.film_png), view.sha256 or "", view.mm_per_pixel, view.projection)
        except RefusalError as refusal:
            raise FilmError(f"{view.id}: {refusal}") from refusal
