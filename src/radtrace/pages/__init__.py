"""Traces as one self-contained HTML page: nothing is fetched, and one trace at a time is drawn.

The page is written piece by piece: each trace is an inert JSON block with its pictures, which the browser decodes when
the reader comes to it.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from radtrace.errors import InputError
from radtrace.records import Trace
from radtrace.runs import publish

_MARK = "<!-- traces -->"
"""Where the template is cut: the head goes before the traces, the tail after them."""

_MEDIA = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class TraceView:
    """A trace with its pictures.

    film_png: PNG or JPEG bytes of the view; where they are squashed, the view's width and height set the aspect.
    step_images: PNG or JPEG bytes for each step, None where a step has no picture.
    """

    trace: Trace
    film_png: bytes
    step_images: tuple[bytes | None, ...]


def write_page(views: Iterable[TraceView], path: Path, title: str, notes: Sequence[str] = ()) -> int:
    """Write one HTML file for paging through traces; it appears whole or not at all.

    Memory stays that of one trace and of the index (ids and finding names) however many there are.

    Args:    notes: sentences shown above each trace, e.g. how the traces were made.
    Returns: how many traces the page holds.
    Raises:  InputError where the file cannot be written, or a picture is neither PNG nor JPEG, naming it.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            index: list[dict[str, Any]] = []
            for piece in _pieces(views, title, notes, index):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return len(index)


def _pieces(views: Iterable[TraceView], title: str, notes: Sequence[str], index: list[dict[str, Any]]) -> Iterator[str]:
    """The page in order; `index` fills as the traces go by, since the tail needs all of it."""
    style, script = _text("page.css"), _text("page.js")
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    html = page.from_string(_text("page.html.j2")).render(
        title=title,
        notes=list(notes),
        style=Markup(style),  # noqa: S704 our own file
        style_hash=_csp_hash(style),
        script=Markup(script),  # noqa: S704 our own file
        script_hash=_csp_hash(script),
    )
    head, tail = html.split(_MARK)
    yield head
    for number, view in enumerate(views):
        yield _block(f"trace-{number}", _data(view))
        index.append(_entry(view.trace))
    yield _block("index", index)
    yield tail


def _block(name: str, data: object) -> str:
    """Inert JSON in which no character can end the element or open another one (HTML, 4.12.1.3)."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _data(view: TraceView) -> dict[str, Any]:
    """All that the page shows of one trace."""
    trace = view.trace
    if len(view.step_images) != len(trace.steps):
        raise ValueError(f"{trace.study_id}: {len(trace.steps)} steps but {len(view.step_images)} step images")
    images = [
        image and _data_uri(image, f"{trace.study_id}: image of step {number}")
        for number, image in enumerate(view.step_images, start=1)
    ]
    return {
        "trace": trace.model_dump(mode="json"),
        "film": _data_uri(view.film_png, f"{trace.study_id}: film"),
        "images": images,
    }


def _entry(trace: Trace) -> dict[str, Any]:
    """What the filter looks through."""
    findings = [finding for step in trace.steps for finding in step.findings]
    named = {(each.label, each.status, each.laterality or "", each.severity or "") for each in findings}
    return {"id": trace.study_id, "findings": sorted(named)}


def _data_uri(image: bytes, what: str) -> str:
    for signature, media in _MEDIA.items():
        if image.startswith(signature):
            return f"data:{media};base64,{base64.b64encode(image).decode('ascii')}"
    raise InputError(f"{what} is neither PNG nor JPEG")


def _csp_hash(text: str) -> str:
    """Source expression that allows exactly this inline style or script (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@cache
def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
