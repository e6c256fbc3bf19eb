"""A trace as each paper writes it: rendered to text and pictures, and parsed back from what a model wrote."""

from collections.abc import Mapping
from typing import Any

from radtrace.config import DIALECTS, resolve, settings
from radtrace.dialects.base import Dialect
from radtrace.dialects.grammar import Grammar, State, Where, state_of
from radtrace.dialects.mending.blanks import BLANK, Blanks, without_blanks
from radtrace.dialects.mending.rewriting import rewritten
from radtrace.dialects.parsed import KINDS, Kind, Parsed, Problem
from radtrace.dialects.segments import Picture, Segment, Text, segments_of, written
from radtrace.errors import RecipeError

__all__ = [
    "BLANK",
    "KINDS",
    "Blanks",
    "Dialect",
    "Grammar",
    "Kind",
    "Parsed",
    "Picture",
    "Problem",
    "Segment",
    "State",
    "Text",
    "Where",
    "dialect",
    "rewritten",
    "segments_of",
    "state_of",
    "without_blanks",
    "written",
]


def dialect(name: str, flags: Mapping[str, Any] | None = None) -> Dialect:
    """The dialect of a name of `DIALECTS`, or of a "module:attr" path, with its flags set.

    Raises:  RecipeError where the name or a flag is unknown.
    """
    kind = resolve(DIALECTS, name, "dialect")
    if not (isinstance(kind, type) and issubclass(kind, Dialect)):
        raise RecipeError(f"dialect {name!r}: {kind!r} is no Dialect")
    return settings(kind, flags or {}, where=f"dialect {name}")
