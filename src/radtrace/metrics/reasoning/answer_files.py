"""Answers and questions as JSON Lines, paired by id."""

import json
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any, get_args

from radtrace.errors import InputError
from radtrace.metrics.reasoning.answers import Options
from radtrace.metrics.reasoning.vqa import Answer, Kind


def read_answers(preds: Path, refs: Path) -> list[Answer]:
    """The answers in the order of the references; a reference without a prediction is a failed one.

    Args:    preds: {"id", "answer"} a line. refs: {"id", "kind", "answer", "options"?} a line; the answer a string, or
        for a set a list of them; options: letter -> text. A number stands for its digits, null and NaN for no answer.
    Raises:  InputError, naming file and line for what is no such line in UTF-8, file and id for a doubled id, a
        prediction whose id has no reference, a wrong kind, and options or references that make no sense.
    """
    predicted, wanted = _by_id(preds), _by_id(refs)
    for name in predicted:
        if name not in wanted:
            raise InputError(f"{preds}: unknown id {name!r}: not in {refs}")
    given = {name: _text(preds, name, entry["answer"]) for name, entry in predicted.items()}
    return [_answer(refs, name, entry, given.get(name)) for name, entry in wanted.items()]


def _answer(refs: Path, name: str, entry: dict[str, Any], predicted: str | None) -> Answer:
    kind: Any = entry.get("kind")
    if kind not in get_args(Kind):
        raise InputError(f"{refs}: the kind of id {name!r} is none of {', '.join(get_args(Kind))}")
    wanted = entry["answer"] if isinstance(entry["answer"], list) else [entry["answer"]]
    texts = [_text(refs, name, each) for each in wanted]
    options = _options(refs, name, entry.get("options") or {})
    try:
        return Answer(name, kind, predicted, tuple(text for text in texts if text is not None), options)
    except InputError as error:
        raise InputError(f"{refs}: {error}") from None


def _options(refs: Path, name: str, options: Any) -> Options:
    if not isinstance(options, dict) or not all(isinstance(text, str) for text in options.values()):
        raise InputError(f"{refs}: the options of id {name!r} are not letters with texts")
    try:
        return Options(options)
    except InputError as error:
        raise InputError(f"{refs}: id {name!r}: {error}") from None


def _text(path: Path, name: str, value: object) -> str | None:
    if value is None or (isinstance(value, float) and isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{path}: the answer of id {name!r} is no string")
    return str(value)


def _by_id(path: Path) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for entry in _entries(path):
        name = str(entry["id"])
        if name in entries:
            raise InputError(f"{path}: doubled id {name!r}")
        entries[name] = entry
    return entries


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise InputError(f"{path}: line {number}: not JSON in UTF-8") from None
        if not isinstance(entry, dict) or type(entry.get("id")) not in (str, int) or "answer" not in entry:
            raise InputError(f'{path}: line {number}: not {{"id": …, "answer": …}}')
        yield entry
