"""Traces as one self-contained HTML page: nothing is fetched, and one trace at a time is drawn.

The page is written piece by piece: each trace is an inert JSON block with its pictures, which the browser decodes when
the reader comes to it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from radtrace.pages.document import asset, block, csp_hash, data_uri, template, write_pieces
from radtrace.records import Trace

_MARK = "<!-- traces -->"
"""Where the template is cut: the head goes before the traces, the tail after them."""


@dataclass(frozen=True, slots=True)
class TraceView:
    """A trace with its pictures.

    film_png: PNG or JPEG bytes of the view; where they are squashed, the view's width and height set the aspect.
    step_images: PNG or JPEG bytes for each step, None where a step has no picture.
    real_crops: the film itself where a model generated a step's picture, shown beside it; empty, or one for each step.
    """

    trace: Trace
    film_png: bytes
    step_images: tuple[bytes | None, ...]
    real_crops: tuple[bytes | None, ...] = ()


def write_page(views: Iterable[TraceView], path: Path, title: str, notes: Sequence[str] = ()) -> int:
    """Write one HTML file for paging through traces; it appears whole or not at all.

    Memory stays that of one trace and of the index (ids and finding names) however many there are.

    Args:    notes: sentences shown above each trace, e.g. how the traces were made.
    Returns: how many traces the page holds.
    Raises:  InputError where the file cannot be written, or a picture is neither PNG nor JPEG, naming it.
    """
    index: list[dict[str, Any]] = []
    write_pieces(_pieces(views, title, notes, index), path)
    return len(index)


def _pieces(views: Iterable[TraceView], title: str, notes: Sequence[str], index: list[dict[str, Any]]) -> Iterator[str]:
    """The page in order; `index` fills as the traces go by, since the tail needs all of it."""
    style, script = asset("base.css") + asset("page.css"), asset("common.js") + asset("page.js")
    html = template("page.html.j2").render(
        title=title,
        notes=list(notes),
        style=Markup(style),  # noqa: S704 our own file
        style_hash=csp_hash(style),
        script=Markup(script),  # noqa: S704 our own file
        script_hash=csp_hash(script),
    )
    head, tail = html.split(_MARK)
    yield head
    for number, view in enumerate(views):
        yield block(f"trace-{number}", _data(view))
        index.append(_entry(view.trace))
    yield block("index", index)
    yield tail


def _data(view: TraceView) -> dict[str, Any]:
    """All that the page shows of one trace."""
    trace = view.trace
    if len(view.step_images) != len(trace.steps):
        raise ValueError(f"{trace.study_id}: {len(trace.steps)} steps but {len(view.step_images)} step images")
    if len(view.real_crops) not in (0, len(trace.steps)):
        raise ValueError(f"{trace.study_id}: {len(trace.steps)} steps but {len(view.real_crops)} crops")
    return {
        "trace": trace.model_dump(mode="json"),
        "film": data_uri(view.film_png, f"{trace.study_id}: film"),
        "images": _addresses(view.step_images, f"{trace.study_id}: image of step"),
        "crops": _addresses(view.real_crops, f"{trace.study_id}: crop of step"),
    }


def _addresses(images: Sequence[bytes | None], what: str) -> list[str | None]:
    return [data_uri(image, f"{what} {number}") if image else None for number, image in enumerate(images, start=1)]


def _entry(trace: Trace) -> dict[str, Any]:
    """What the filter looks through."""
    findings = [finding for step in trace.steps for finding in step.findings]
    named = {(each.label, each.status, each.laterality or "", each.severity or "") for each in findings}
    return {"id": trace.study_id, "findings": sorted(named)}
