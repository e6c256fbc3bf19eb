"""The error tree, by whose fault it is.

    RadtraceError
    ├── InputError          the user's input is wrong: one line, exit status 2
    │   ├── RecipeError     a recipe, a setting or a name in a table
    │   ├── FilmError       an image file that cannot be read as a film
    │   └── MissingExtraError an optional dependency; the message is the line that installs it
    └── FailureRateError     too many items were rejected: exit status 1

A bad item among many is not an exception but a `radtrace.records.Rejected`. Messages carry file names and ids,
never report text or patient data.
"""

import difflib
import errno
from collections.abc import Iterable


class RadtraceError(Exception):
    """Every error that radtrace raises on purpose."""

    exit_status = 3


class InputError(RadtraceError):
    """The user's input is wrong; the message names the file or id and says what to do."""

    exit_status = 2


class RecipeError(InputError):
    """A recipe, a `--set` value or a name in one of the tables is wrong."""


class FilmError(InputError):
    """A file cannot be read as a film."""


class MissingExtraError(InputError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, needed_for: str) -> None:
        super().__init__(f"{needed_for} needs the extra {extra!r}: pip install 'radtrace[{extra}]'")
        self._arguments = (extra, needed_for)

    def __reduce__(self) -> tuple[type["MissingExtraError"], tuple[str, str]]:
        """What crosses from a worker process to its parent."""
        return type(self), self._arguments


class FailureRateError(RadtraceError):
    """More items were rejected than the recipe allows."""

    exit_status = 1


_MEMORY = ("allocate memory", "out of memory", "not enough memory", "failed to map segment")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory ran out, in Python's, the system's, the linker's or torch's words."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(words in str(error).lower() for words in _MEMORY)


def one_line(text: str) -> str:
    """A message for a terminal: in one line, without what the names of files may hold to command it."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest valid one, and all of them."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}valid: {', '.join(names)}"
