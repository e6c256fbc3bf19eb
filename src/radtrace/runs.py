"""Run folders: the resolved recipe and its digest, fsynced JSON Lines, resume, a lock, and progress with ETA."""

import fcntl
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from radtrace.config import Recipe
from radtrace.errors import InputError

RECIPE_FILE = "run.json"
LOCK_FILE = ".lock"
CACHE = "RADTRACE_CACHE"
_RECORDED_PACKAGES = ("radtrace", "radtrace-weights", "numpy", "pillow", "pyarrow", "pydicom", "scipy", "torch")


class RunFolder:
    """A folder that one command works in; the same command on the same folder goes on where it stopped."""

    def __init__(self, path: Path, command: str, recipe: Recipe) -> None:
        self.path = path
        self.command = command
        self.recipe = recipe
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        """Create or reopen the folder and lock it.

        Raises:  InputError where it is not writable, in use, not a run's folder, or a run of another recipe.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = {entry.name for entry in self.path.iterdir()} - {LOCK_FILE, _temporary(Path(RECIPE_FILE)).name}
            if strangers and not (self.path / RECIPE_FILE).exists():
                raise InputError(f"{self.path}: holds other files and no run; choose an empty or new folder")
            self._lock = (self.path / LOCK_FILE).open("w")
            self._take_lock(self._lock)
            self._agree_on_recipe()
        except OSError as error:
            self._release()
            raise InputError(f"{self.path}: cannot be used as output: {error.strerror}") from error
        except InputError:
            self._release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def _take_lock(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{self.path}: another run works in this folder") from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _agree_on_recipe(self) -> None:
        path = self.path / RECIPE_FILE
        now = {
            "command": self.command,
            "digest": self.recipe.digest(),
            "recipe": self.recipe.resolved(),
            "versions": versions(),
        }
        if not path.exists():
            write_atomically(path, json.dumps(now, indent=2, sort_keys=True) + "\n")
            return
        before = read_object(path) | {"digest": now["digest"]}  # what differs says it better
        changed = _differences(before, now)
        if changed:
            raise InputError(
                f"{self.path}: was begun with other settings: {'; '.join(changed)}. "
                "Restore them, choose another output, or delete the folder"
            )


def cache_root() -> Path:
    """The one cache folder: what RADTRACE_CACHE names, or radtrace's own below the user's cache folder."""
    named = os.environ.get(CACHE)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(home) / "radtrace"


def versions() -> dict[str, str]:
    """Python and the packages that can change a result, as installed ("absent" where not)."""
    found = {"python": platform.python_version()}
    for name in _RECORDED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder. Raises InputError, naming the file, where it is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise InputError(f"{path}: damaged; delete the folder or choose another output")
    return content


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a whole file or nothing: temporary neighbour, fsync, rename, fsync of the folder."""
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    publish(temporary, path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def publish(temporary: Path, path: Path) -> None:
    """Give a finished, fsynced file its name, so that it survives a power cut."""
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class JsonLines:
    """An append-only file of JSON objects; each `append` is on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Iterator[dict[str, Any]]:
        """The rows so far; cuts off a last line that a kill left half-written.

        Raises:  InputError naming the line, where a line before the last is no JSON object.
        """
        if not self.path.exists():
            return
        whole = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise InputError(f"{self.path}: line {number} is not JSON") from error
                whole += len(line)
        if whole < self.path.stat().st_size:
            os.truncate(self.path, whole)

    def append(self, *rows: Mapping[str, Any]) -> None:
        """Write the rows, all of them or (after a kill) a prefix."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


class _Log:
    """Progress where nobody watches a terminal: a line every `interval` seconds, and a last one."""

    def __init__(self, what: str, total: int, done: int, interval: float = 10.0) -> None:
        self.what, self.total, self.done, self.interval = what, total, done, interval
        self.first = done
        self.start = self.said = time.monotonic()

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.said >= self.interval or self.done == self.total:
            self.said = now
            rate = (self.done - self.first) / max(now - self.start, 1e-9)
            left = (self.total - self.done) / rate if rate else 0.0
            line = f"{self.what}: {self.done}/{self.total}, {rate:.1f}/s, {left:.0f} s left"
            print(line, file=sys.stderr, flush=True)  # noqa: T201


class Advance:
    """Tells a progress display that `count` more items are done."""

    def __init__(self, advance: Any) -> None:
        self._advance = advance

    def __call__(self, count: int = 1) -> None:
        """Count `count` more items as done."""
        self._advance(count)


@contextmanager
def progress(what: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Count, rate and ETA on stderr: a bar in a terminal, plain lines elsewhere.

    Args:    done: items that an earlier, interrupted run finished; they do not count for the rate.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Advance(_Log(what, total, done).advance)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, completed=done, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:.1f}/s" if speed else "")

        yield Advance(advance)


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        nested = (_differences(before.get(key), now.get(key), f"{name}.{key}" if name else key) for key in keys)
        return [difference for differences in nested for difference in differences]
    return [] if before == now else [f"{name.removeprefix('recipe.')} was {before!r}, is {now!r}"]
