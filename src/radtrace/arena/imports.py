"""Battles and votes that others collected: Chatbot Arena's JSON, JSON Lines, and tables."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from radtrace.arena.battles import WINNERS, Battle, Winner, battle_of
from radtrace.errors import InputError, did_you_mean

_NAMES: dict[str, tuple[str, ...]] = {
    "a": ("a", "model_a", "model_1", "left"),
    "b": ("b", "model_b", "model_2", "right"),
    "winner": ("winner", "vote", "preference", "label"),
    "id": ("id", "question_id", "item", "study_id", "sample_id"),
    "rater": ("rater", "judge", "annotator", "user", "judge_hash"),
    "propensity": ("propensity",),
}
"""What we call it -> what others call it; the first that is there counts."""

_WINNERS: dict[str, Winner] = {
    **{winner: winner for winner in WINNERS},
    "model_a": "a",
    "model_b": "b",
    "model_1": "a",
    "model_2": "b",
    "left": "a",
    "right": "b",
    "tie (bothbad)": "both_bad",
    "tie (both bad)": "both_bad",
    "bothbad": "both_bad",
    "both bad": "both_bad",
}
_ONE_HOT: dict[str, Winner] = {"winner_model_a": "a", "winner_model_b": "b", "winner_tie": "tie"}
"""The columns of LMSYS's competition tables, one of which is 1."""


def import_battles(path: Path) -> list[Battle]:
    """Battles of a .json array, .jsonl lines, or a .csv or .tsv table with a header.

    Models: a/b, model_a/model_b, model_1/model_2 or left/right. Winner: a, b, tie, both_bad, as well as the model's
    column name, the model's own name, or "tie (bothbad)"; or LMSYS's three columns winner_model_a, _b and winner_tie.

    Raises:  InputError naming the file and line or entry.
    """
    reader = {".json": _array, ".jsonl": _lines, ".csv": _table, ".tsv": _table}.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: a .json, .jsonl, .csv or .tsv file is needed")
    try:
        battles = [_battle(entry, place) for entry, place in reader(path)]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8") from None
    if not battles:
        raise InputError(f"{path}: holds no battle")
    return battles


def _array(path: Path) -> Iterator[tuple[Any, str]]:
    try:
        entries = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (json.JSONDecodeError, RecursionError):
        raise InputError(f"{path}: not JSON") from None
    if not isinstance(entries, list):
        raise InputError(f"{path}: not a JSON array of battles")
    for number, entry in enumerate(entries, start=1):
        yield entry, f"{path}: entry {number}"


def _lines(path: Path) -> Iterator[tuple[Any, str]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                place = f"{path}: line {number}"
                try:
                    yield json.loads(line.decode("utf-8-sig")), place
                except (ValueError, RecursionError):
                    raise InputError(f"{place}: not JSON in UTF-8") from None


def _table(path: Path) -> Iterator[tuple[Any, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
        try:
            for row in rows:
                yield {key: value for key, value in row.items() if key and value}, f"{path}: line {rows.line_num}"
        except csv.Error as error:
            raise InputError(f"{path}: line {rows.line_num}: {error}") from error


def _battle(entry: Any, place: str) -> Battle:
    if not isinstance(entry, dict):
        raise InputError(f"{place}: not an object")
    found = {ours: next((entry[name] for name in names if name in entry), None) for ours, names in _NAMES.items()}
    found["winner"] = _winner(entry, found, place)
    if isinstance(found["propensity"], str):
        try:
            found["propensity"] = float(found["propensity"])
        except ValueError:
            raise InputError(f"{place}: propensity {found['propensity']!r} is no number") from None
    return battle_of(found, place)


def _winner(entry: Mapping[str, Any], found: Mapping[str, Any], place: str) -> Winner:
    told = found["winner"]
    if told is None and _ONE_HOT.keys() & entry.keys():
        chosen = [
            winner for name, winner in _ONE_HOT.items() if str(entry.get(name, 0)).strip() in ("1", "1.0", "True")
        ]
        if len(chosen) != 1:
            raise InputError(f"{place}: {len(chosen)} of {', '.join(_ONE_HOT)} are 1")
        return chosen[0]
    meant: set[Winner] = {side for side in ("a", "b") if told is not None and told == found[side]}
    if isinstance(told, str) and told.strip().lower() in _WINNERS:
        meant.add(_WINNERS[told.strip().lower()])
    if len(meant) != 1:
        fault = "is the name of a model and of a side" if meant else did_you_mean(str(told), WINNERS)
        raise InputError(f"{place}: winner {told!r}: {fault}")
    return meant.pop()
