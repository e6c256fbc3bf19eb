"""Answers by what was asked: a folder that any run may share, safe against kills and against two writers."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radtrace.errors import InputError
from radtrace.runs import cache_root, publish


def cache_folder() -> Path:
    """Where answers are kept, for all runs."""
    return cache_root() / "llm"


def digest(url: str, request: Mapping[str, Any]) -> str:
    """sha256 of an endpoint's address and all that it is sent but the key."""
    return hashlib.sha256(json.dumps([url, request], sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Cache:
    """digest -> an answer's words and usage. One question is asked once, however many threads have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._asking: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Hold a question, so that another thread that has it too finds its answer here."""
        with self._lock:
            lock, waiting = self._asking.get(name, (threading.Lock(), 0))
            self._asking[name] = (lock, waiting + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                _, waiting = self._asking.pop(name)
                if waiting > 1:
                    self._asking[name] = (lock, waiting - 1)

    def get(self, name: str) -> dict[str, Any] | None:
        """The answer, or None where there is none or the file is damaged."""
        try:
            found = json.loads(self._path(name).read_bytes())
        except (OSError, ValueError):
            return None
        sound = isinstance(found, dict) and isinstance(found.get("content"), str)
        return found if sound else None

    def put(self, name: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; it is on the disk when this returns. Raises InputError where the folder cannot be written."""
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "xb", opener=_private) as file:
                file.write(json.dumps(answer).encode())
                file.flush()
                os.fsync(file.fileno())
            publish(temporary, path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InputError(f"{self.folder}: cannot be used as cache: {error.strerror}") from error

    def drop(self, name: str) -> None:
        """Forget an answer."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name[2:]}.json"


def _private(path: str, flags: int) -> int:
    """An answer may quote a report: for its owner only."""
    return os.open(path, flags, 0o600)
