"""What the C libraries print while they decode: the only sign that libjpeg met damaged data and went on."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_STDERR = 2


@dataclass(slots=True)
class Complaints:
    """printed: whether anything was written to the process's standard error."""

    printed: bool = False


@contextmanager
def complaints() -> Iterator[Complaints]:
    """Take over file descriptor 2 of the process for a moment; what was written to it is counted and dropped."""
    heard = Complaints()
    if sys.stderr is not None:
        sys.stderr.flush()
    before, sink = os.dup(_STDERR), anonymous_file()
    try:
        os.dup2(sink, _STDERR)
        yield heard
    finally:
        os.dup2(before, _STDERR)
        heard.printed = os.fstat(sink).st_size > 0
        os.close(before)
        os.close(sink)


def anonymous_file() -> int:
    """Descriptor of a file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("film")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
