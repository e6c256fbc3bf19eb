"""A reader by the name of its model: the bundled one, a directory, a hub id, or a function of one's own."""

import atexit
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from radtrace.config import Settings, resolve
from radtrace.errors import InputError
from radtrace.images import FilmReader
from radtrace.localize import Localizer, weights
from radtrace.reader.reading import Mind, Reader
from radtrace.records import Rejected, Trace
from radtrace.sources.films import Films

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLED = "bundled"
_FOLDER = "reader"
"""Of the weights: what the bundled model lies in."""
_CHECKPOINT = "radtrace.reader.mind:load_mind"
"""Reads a checkpoint's directory or hub id; imported where one is asked for."""

Visual = Literal["draft", "generate", "insert", "none"]


class Manner(Settings):
    """How a model reads.

    visual: where the picture of a step comes from: drafted from the film and verified, generated token by
        token, the film itself, or none. picture: whole cells of the film, or its box seen larger.
    samples: traces that are written of each study, of which one is made or chosen. seed: of the draws.
    """

    visual: Visual = "draft"
    picture: Literal["grid", "zoom"] = "zoom"
    samples: int = Field(default=4, ge=1, le=64)
    seed: int = Field(default=0, ge=0)


def load_reader(model: str = BUNDLED, manner: Manner | None = None) -> Reader:
    """A reader, ready for use; films are decoded in a process of their own, which leaving its context ends.

    Args:    model: "bundled", a checkpoint's directory, a hub id, or "module:attr" of a function that takes a `Manner`
        and returns a `Mind`.
    Raises:  InputError where there is no such model; MissingExtraError.
    """
    with ExitStack() as kept:
        films = kept.enter_context(FilmReader(1))
        films.start()
        mind = load_mind(model, manner or Manner())
        return Reader(mind, films.load, Localizer.load(), close=kept.pop_all().close)


def load_mind(model: str, manner: Manner) -> Mind:
    """The model of a reader. Raises as `load_reader` does."""
    make: Callable[..., Any]
    if ":" in model and not Path(model).exists():
        make = resolve({}, model, "model")
        own: Mind = make(manner)
        return own
    path = str(bundled()) if model == BUNDLED else model
    make = resolve({}, _CHECKPOINT, "model")
    mind: Mind = make(path, manner)
    return mind


def bundled() -> Path:
    """The directory of the bundled model. Raises InputError with the line that installs it."""
    folder = weights.find().parent / _FOLDER
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: these weights hold no reader; update them: "
            "pip install --force-reinstall ./weights in a clone of radtrace, or name a model"
        )
    return folder


@cache
def _kept(model: str) -> Reader:
    reader = load_reader(model)
    atexit.register(reader.close)
    return reader


def read(path: str | Path, model: str = BUNDLED) -> Trace:
    """The trace of one study: a DICOM, PNG or JPEG file, or a folder with the films of one study.

    The model stays loaded for the next call.

    Raises:  InputError, in one line, where the study cannot be read.
    """
    path = Path(path)
    whole = path if path.name.strip(".") else path.resolve()  # "." and ".." are no names
    source = Films(paths=(path,), study=whole.name if whole.is_dir() else whole.stem)
    studies = list(source.studies())
    count = max(len(studies), source.dicom_studies())
    if count > 1:
        raise InputError(
            f"{path}: holds {count} studies; name the folder or a film of one, or read all with `radtrace read`"
        )
    (outcome,) = _kept(model).read_all(studies, source)
    if isinstance(outcome, Rejected):
        raise InputError(outcome.reason if whole.name in outcome.reason else f"{whole}: {outcome.reason}")
    return outcome.trace
