"""Predictions beside references: JSON Lines {"id", "text"} paired by id, a chunk in memory at a time."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

from radtrace.errors import InputError

CHUNK = 20_000
"""Pairs that are scored at once."""
WITH_PICTURES = 50
"""The same, where pairs hold pictures."""
_MISSING = -1


@dataclass(frozen=True, slots=True)
class Pair:
    """What a model wrote for a study and what it should have written.

    prediction: None where the model failed. reference: None where there is none.
    """

    id: str
    prediction: str | None
    reference: str | None

    @property
    def failed(self) -> bool:
        """No words were predicted: the pair scores 0 and stays in the denominator."""
        return self.prediction is None or not self.prediction.strip()

    @property
    def scored(self) -> bool:
        """The reference has words; where it has none, the pair is in no denominator, whatever was predicted."""
        return self.reference is not None and bool(self.reference.strip())

    @property
    def predicted(self) -> str:
        """The prediction, "" where it failed."""
        return "" if self.prediction is None or self.failed else self.prediction

    @property
    def wanted(self) -> str:
        """The reference, "" where there is none."""
        return "" if self.reference is None or not self.scored else self.reference


def read_pairs(preds: Path, refs: Path) -> list[Pair]:
    """The pairs in the order of the references, all in memory. Raises as `stream_pairs` does."""
    return list(stream_pairs(preds, refs))


def stream_pairs(preds: Path, refs: Path) -> Iterator[Pair]:
    """The pairs in the order of the references; only the ids are held in memory.

    A reference without a prediction is a failed one. A text of null or NaN is a failed prediction, or no reference.

    Raises:  InputError before the first pair, naming file and line for what is no {"id", "text"} line in UTF-8, file
        and id for a text that is no string, for a doubled id and for a prediction whose id has no reference.
    """
    at = _offsets(preds)
    _check_ids(at, preds, refs)
    with preds.open("rb") as file:
        for name, reference in read_lines(refs):
            yield Pair(name, _text_at(file, at[name]) if at[name] != _MISSING else None, reference)


def pair_up(
    preds: object,
    predictions: Iterable[tuple[str, str | None]],
    refs: object,
    references: Iterable[tuple[str, str | None]],
) -> list[Pair]:
    """The same of texts that come from elsewhere; preds, refs: what messages call the two.

    Raises:  InputError for a doubled id and for a prediction whose id has no reference.
    """
    predicted, wanted = _by_id(preds, predictions), _by_id(refs, references)
    for name in predicted:
        if name not in wanted:
            raise InputError(f"{preds}: unknown id {name!r}: not in {refs}")
    return [Pair(name, predicted.get(name), text) for name, text in wanted.items()]


def _by_id(source: object, entries: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    texts: dict[str, str | None] = {}
    for name, text in entries:
        if name in texts:
            raise InputError(f"{source}: doubled id {name!r}")
        texts[name] = text
    return texts


def chunked(pairs: Iterable[Pair], size: int = CHUNK) -> Iterator[list[Pair]]:
    """The pairs, `size` at a time; at least one chunk, which may be empty."""
    iterator = iter(pairs)
    yield list(islice(iterator, size))
    while chunk := list(islice(iterator, size)):
        yield chunk


def read_lines(path: Path) -> Iterator[tuple[str, str | None]]:
    """(id, text) of each line, one in memory at a time. Raises InputError naming file and line, or file and id."""
    return ((name, text) for _, name, text in _located(path))


def _offsets(path: Path) -> dict[str, int]:
    at: dict[str, int] = {}
    for offset, name, _ in _located(path):
        if name in at:
            raise InputError(f"{path}: doubled id {name!r}")
        at[name] = offset
    return at


def _check_ids(at: dict[str, int], preds: Path, refs: Path) -> None:
    """Refuse doubled and unknown ids; give the references without a prediction a place of their own in `at`."""
    predicted = len(at)
    seen: set[str] = set()
    for _, name, _ in _located(refs):
        if name in seen:
            raise InputError(f"{refs}: doubled id {name!r}")
        seen.add(name)
        at.setdefault(name, _MISSING)
    for name in islice(at, predicted):
        if name not in seen:
            raise InputError(f"{preds}: unknown id {name!r}: not in {refs}")


def _located(path: Path) -> Iterator[tuple[int, str, str | None]]:
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield offset, *_entry(line, path, number)
                offset += len(line)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _text_at(file: Any, offset: int) -> str | None:
    file.seek(offset)
    text: str | None = _entry(file.readline(), Path(file.name), 0)[1]
    return text


def _entry(line: bytes, path: Path, number: int) -> tuple[str, str | None]:
    try:
        entry: Any = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError(f"{path}: line {number}: not JSON in UTF-8") from None
    if not isinstance(entry, dict) or type(entry.get("id")) not in (str, int) or "text" not in entry:
        raise InputError(f'{path}: line {number}: not {{"id": …, "text": …}}')
    text = entry["text"]
    if text is None or (isinstance(text, float) and isnan(text)):
        return str(entry["id"]), None
    if not isinstance(text, str):
        raise InputError(f"{path}: the text of id {entry['id']!r} is no string")
    return str(entry["id"]), text
