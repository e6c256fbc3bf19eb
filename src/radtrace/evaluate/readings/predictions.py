"""What `radtrace predict` wrote, one study a line; lines of reports alone do as well."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from radtrace.errors import InputError
from radtrace.records import Trace

_MOST_BYTES = 50 << 20
"""Of a picture that a prediction names."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """A study's reading.

    text: the findings section, None where the reader failed; whole: with the impression.
    trace: None where there is none, or none of this version: `malformed`. reason: the stage at which the reader failed.
    step_pngs: one a step of the trace, None without a picture.
    """

    id: str
    text: str | None
    whole: str = ""
    trace: Trace | None = None
    step_pngs: tuple[bytes | None, ...] = ()
    malformed: bool = False
    reason: str = ""


def read_predictions(path: Path, *, pictures: bool = True) -> dict[str, Predicted]:
    """Study -> its reading, of JSON Lines {"id", "text"} with "trace" or, of a failure, "stage".

    A picture is the file that its step's image names, in the folder of the predictions.

    Raises:  InputError naming file and line of what is no such line, and a doubled id.
    """
    found: dict[str, Predicted] = {}
    for number, entry in _lines(path):
        one = _predicted(entry)
        if one is None:
            raise InputError(f'{path}: line {number}: not {{"id": …, "text": …}}')
        if one.id in found:
            raise InputError(f"{path}: doubled id {one.id!r}")
        found[one.id] = _illustrated(one, path.parent) if pictures else one
    return found


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    entry = json.loads(line.decode("utf-8-sig"))
                except (ValueError, RecursionError):
                    raise InputError(f"{path}: line {number}: not JSON in UTF-8") from None
                yield number, entry if isinstance(entry, dict) else {}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _predicted(entry: Mapping[str, Any]) -> Predicted | None:
    name, text, given = entry.get("id"), entry.get("text"), entry.get("trace")
    if type(name) not in (str, int) or not isinstance(text, str | None) or not {"text", "trace"} & entry.keys():
        return None
    one = Predicted(str(name), text, text or "", reason=str(entry.get("stage") or ""))
    if given is None:
        return one
    try:
        trace = Trace.model_validate(given)
    except ValidationError:
        return replace(one, malformed=True)
    if trace.report is None:
        return replace(one, trace=trace)
    whole = f"{trace.report.findings}\n\n{trace.report.impression}".strip()
    return replace(one, text=trace.report.findings, whole=whole, trace=trace)


def _illustrated(one: Predicted, folder: Path) -> Predicted:
    if one.trace is None:
        return one
    uris = [step.image.uri if step.image else None for step in one.trace.steps]
    return replace(one, step_pngs=tuple(_picture(folder, uri) for uri in uris))


def _picture(folder: Path, uri: str | None) -> bytes | None:
    """The bytes of a file below the folder; None for anything else."""
    if not uri:
        return None
    path = (folder / uri).resolve()
    try:
        if not path.is_relative_to(folder.resolve()) or path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None
