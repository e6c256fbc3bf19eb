"""Predictions beside references: JSON Lines {"id", "text"} paired by id."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radtrace.errors import InputError


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model wrote for a study and what it should have written.

    prediction: None where the model failed or wrote nothing that can be read: it scores 0 and stays in the
        denominator. reference: None where there is none: the pair is unscored.
    """

    id: str
    prediction: str | None
    reference: str | None


def read_pairs(preds: Path, refs: Path) -> list[Pair]:
    """The pairs in the order of the references; a reference without a prediction is a failed one.

    A text of null is a failed prediction or a missing reference.

    Raises:  InputError naming file and line for what is no {"id", "text"} line, file and id for a doubled id or for a
        prediction whose id has no reference.
    """
    references = _read(refs)
    predictions = _read(preds)
    for name in predictions:
        if name not in references:
            raise InputError(f"{preds}: unknown id {name!r}: not in {refs}")
    return [Pair(name, predictions.get(name), text) for name, text in references.items()]


def _read(path: Path) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for name, text in read_lines(path):
        if name in texts:
            raise InputError(f"{path}: doubled id {name!r}")
        texts[name] = text
    return texts


def read_lines(path: Path) -> Iterator[tuple[str, str | None]]:
    """(id, text) of each line, one in memory at a time. Raises InputError naming the file and line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _entry(line, f"{path}: line {number}")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _entry(line: bytes, place: str) -> tuple[str, str | None]:
    try:
        entry: Any = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError(f"{place}: not JSON in UTF-8") from None
    if not isinstance(entry, dict) or type(entry.get("id")) not in (str, int) or "text" not in entry:
        raise InputError(f'{place}: not {{"id": …, "text": …}}')
    text = entry["text"]
    if text is not None and not isinstance(text, str):
        raise InputError(f"{place}: the text of id {entry['id']!r} is no string")
    return str(entry["id"]), text
