"""Self-contained HTML files: escaping, embedding, and writing them whole or not at all."""

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2

from radtrace.errors import InputError
from radtrace.runs import publish

_MEDIA = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def template(name: str) -> jinja2.Template:
    """A template of this package, in which every value is escaped."""
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return page.from_string(asset(name))


@cache
def asset(name: str) -> str:
    """The text of a file of this package."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def csp_hash(text: str) -> str:
    """Source expression that allows exactly this inline style or script (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def block(name: str, data: object) -> str:
    """Inert JSON in which no character can end the element or open another one (HTML, 4.12.1.3)."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def data_uri(image: bytes, what: str) -> str:
    """PNG or JPEG bytes as an address. Raises InputError, naming `what`, where they are neither."""
    for signature, media in _MEDIA.items():
        if image.startswith(signature):
            return f"data:{media};base64,{base64.b64encode(image).decode('ascii')}"
    raise InputError(f"{what} is neither PNG nor JPEG")


def write_pieces(pieces: Iterable[str], path: Path) -> None:
    """Write one file piece by piece; it appears whole or not at all.

    Raises:  InputError where the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
