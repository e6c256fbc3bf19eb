"""Two models sample by sample in one self-contained HTML page: film, both traces, scores, sorted by difference."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from radtrace.evaluate.scored import Scored
from radtrace.pages.document import asset, block, csp_hash, data_uri, template, write_pieces
from radtrace.records import Trace, View

_MARK = "<!-- samples -->"
"""Where the template is cut: the head goes before the samples, the tail after them."""


@dataclass(frozen=True, slots=True)
class SampleView:
    """One sample. place: in the score files. sides: each trace with a picture a step; None where there is none."""

    place: int
    view: View
    film: bytes
    sides: tuple[tuple[Trace, tuple[bytes | None, ...]] | None, ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """Whose scores the page shows: two aligned score files and the metrics to show of them; names: of the sides.

    The first two names are the models, the others stand beside them without scores.
    """

    names: tuple[str, ...]
    first: Scored
    second: Scored
    metrics: tuple[str, ...]


def write_samples(samples: Iterable[SampleView], contest: Contest, path: Path, title: str) -> int:
    """Write the page; it appears whole or not at all, and one sample at a time is in memory.

    Returns: how many samples it holds.
    Raises:  InputError where the file cannot be written, or a picture is neither PNG nor JPEG, naming the sample.
    """
    index: list[dict[str, Any]] = []
    write_pieces(_pieces(samples, contest, title, index), path)
    return len(index)


def _pieces(samples: Iterable[SampleView], contest: Contest, title: str, index: list[dict[str, Any]]) -> Iterator[str]:
    style = asset("base.css") + asset("page.css") + asset("samples.css")
    script = asset("common.js") + asset("samples.js")
    html = template("samples.html.j2").render(
        title=title,
        style=Markup(style),  # noqa: S704 our own file
        style_hash=csp_hash(style),
        script=Markup(script),  # noqa: S704 our own file
        script_hash=csp_hash(script),
    )
    head, tail = html.split(_MARK)
    yield head
    for number, sample in enumerate(samples):
        yield block(f"sample-{number}", _data(sample))
        index.append(_entry(sample, contest))
    yield block("index", {"names": contest.names, "metrics": _metrics(contest), "samples": index})
    yield tail


def _data(sample: SampleView) -> dict[str, Any]:
    sides = [side and _side(*side) for side in sample.sides]
    name = next((side[0].study_id for side in sample.sides if side), "sample")
    return {"view": sample.view.model_dump(mode="json"), "film": data_uri(sample.film, f"{name}: film"), "sides": sides}


def _side(trace: Trace, pictures: Sequence[bytes | None]) -> dict[str, Any]:
    images = [picture and data_uri(picture, f"{trace.study_id}: image of a step") for picture in pictures]
    return {"trace": trace.model_dump(mode="json"), "images": images}


def _metrics(contest: Contest) -> list[dict[str, Any]]:
    metrics = [contest.first.metrics[name] for name in contest.metrics]
    return [{"name": each.name, "lower": each.lower, "signature": each.signature} for each in metrics]


def _entry(sample: SampleView, contest: Contest) -> dict[str, Any]:
    """What the list sorts and filters by. scores: for each metric, those of both models, null where unscored."""
    both = (contest.first, contest.second)
    return {
        "id": contest.first.ids[sample.place],
        "failed": [bool(each.failed[sample.place]) for each in both],
        "strata": {key: list(values) for key, values in contest.first.strata[sample.place].items()},
        "scores": [[_known(each.metrics[name].values[sample.place]) for each in both] for name in contest.metrics],
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
