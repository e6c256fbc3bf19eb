"""The process that decodes films for a `FilmReader`: one request at a time over a socket, pixels in shared memory.

A request is a line of JSON, {"path", "true_size"}; the answer is a line of JSON, with the file descriptor of the pixels
(float32, row by row) where the film was decoded. Nothing is unpickled on either side.
"""

import fcntl
import gc
import importlib
import json
import os
import resource
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from radtrace.errors import MissingExtraError
from radtrace.images.complaints import anonymous_file
from radtrace.images.film import Film, Pixels, RefusalError
from radtrace.images.load import film_of

READY: Mapping[str, object] = {"ready": True}
_PAGE = os.sysconf("SC_PAGE_SIZE")


def work(channel: int, lifeline: int, memory_mb: int) -> None:
    """Answer requests until the parent closes the socket; dies with the parent, whatever it is doing.

    Args:    channel: descriptor of the socket; lifeline: read end of a pipe whose only write end the parent has.
    """
    _die_with_parent(lifeline)
    _import_decoders()
    _limit(memory_mb)
    with socket.socket(fileno=channel) as link, link.makefile("rb") as requests:
        _send(link, READY)
        for request in requests:
            _answer(link, json.loads(request))


def _die_with_parent(lifeline: int) -> None:
    """The kernel kills this process (SIGIO, left at its default) when the write end of the pipe is closed."""
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        orphaned = os.read(lifeline, 1) == b""
    except BlockingIOError:
        orphaned = False
    if orphaned:
        os._exit(1)


def _import_decoders() -> None:
    """Before the first film, whose time and memory they would count against; without them only DICOM is refused."""
    for module in ("pydicom.pixels.decoders.base", "pydicom.pixels.processing", "openjpeg.utils"):
        with suppress(ImportError):
            importlib.import_module(module)


def _limit(memory_mb: int) -> None:
    """At most `memory_mb` of address space beyond what the interpreter has now; no core files of patients' films."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
    except OSError:
        now = 0
    most = now + (memory_mb << 20)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(link: socket.socket, request: dict[str, object]) -> None:
    size = request["true_size"]
    try:
        film = film_of(Path(str(request["path"])), (size[0], size[1]) if isinstance(size, list) else None)
    except RefusalError as refusal:
        _send(link, {"refused": str(refusal)})
    except MissingExtraError:
        _send(link, {"missing": True})
    except MemoryError:
        gc.collect()
        _send(link, {"exhausted": True})
    else:
        _send_film(link, film)


def _send_film(link: socket.socket, film: Film) -> None:
    shared = _shared(film.pixels)
    try:
        turned = film.orientation
        answer = {
            "width": film.width,
            "height": film.height,
            "sha256": film.sha256,
            "mm_per_pixel": film.mm_per_pixel,
            "projection": film.projection,
            "orientation": [turned.along_row, turned.along_column] if turned else None,
        }
        _send(link, answer, shared)
    finally:
        os.close(shared)


def _shared(pixels: Pixels) -> int:
    """Descriptor of an anonymous file with the pixels, row by row."""
    shared = anonymous_file()
    rest = np.ascontiguousarray(pixels).data.cast("B")
    while rest:
        rest = rest[os.write(shared, rest) :]
    return shared


def _send(link: socket.socket, answer: Mapping[str, object], descriptor: int | None = None) -> None:
    line = json.dumps(answer).encode() + b"\n"
    socket.send_fds(link, [line], [] if descriptor is None else [descriptor])


def main(arguments: list[str]) -> None:
    """Entry of the process: channel, lifeline, memory in MB."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(*(int(one) for one in arguments))
