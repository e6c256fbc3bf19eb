"""Prediction files of several models beside one reference file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from radtrace.errors import InputError
from radtrace.metrics.pairs import read_pairs
from radtrace.reports import has_words


@dataclass(frozen=True, slots=True)
class Contest:
    """Two reports of one study and its reference. A report is None, or blank, where the model failed."""

    id: str
    a: str | None
    b: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class Entries:
    """What models wrote. references: id -> text. reports: model -> id -> text. unscored: ids without a reference."""

    references: dict[str, str]
    reports: dict[str, dict[str, str | None]]
    unscored: tuple[str, ...]

    def contest(self, id_: str, a: str, b: str) -> Contest:
        """Two models over one study."""
        return Contest(id_, self.reports[a][id_], self.reports[b][id_], self.references[id_])


def read_entries(predictions: Mapping[str, Path], references: Path) -> Entries:
    """Reads all files; the order of studies is that of the references.

    Raises:  InputError as `read_pairs` does, and where fewer than two models or no reference are left.
    """
    if len(predictions) < 2:
        raise InputError("predictions: a battle needs two models")
    reports: dict[str, dict[str, str | None]] = {}
    texts: dict[str, str | None] = {}
    for name, path in predictions.items():
        pairs = read_pairs(path, references)
        reports[name] = {pair.id: pair.prediction for pair in pairs}
        texts = {pair.id: pair.reference for pair in pairs}
    known = {name: text for name, text in texts.items() if has_words(text) and text}
    if not known:
        raise InputError(f"{references}: holds no reference text")
    return Entries(known, reports, tuple(name for name in texts if name not in known))
