"""Codes of pictures, each picture coded once for all runs."""

import hashlib
import sqlite3
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from radtrace.images import Pixels
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.runs import cache_root

_TABLE = "CREATE TABLE IF NOT EXISTS codes (key BLOB PRIMARY KEY, rows INTEGER, codes BLOB) WITHOUT ROWID"


class Codes:
    """Pictures -> grids of codes, by what they show and the tokenizer; safe against kills and other runs."""

    def __init__(self, tokenizer: ImageTokenizer) -> None:
        folder = cache_root()
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = tokenizer
        self._kept = sqlite3.connect(folder / "codes.sqlite", timeout=60, isolation_level=None)
        self._kept.execute("PRAGMA journal_mode=WAL")
        self._kept.execute("PRAGMA synchronous=NORMAL")
        self._kept.execute(_TABLE)

    def __call__(self, pictures: Sequence[Pixels]) -> list[npt.NDArray[np.int32]]:
        """int32 (rows, columns) of each; sides are multiples of the tokenizer's cell."""
        keys = [self._key(picture) for picture in pictures]
        known = {key: self._found(key) for key in keys}
        for key, picture in zip(keys, pictures, strict=True):
            if known[key] is None:
                known[key] = codes = self.tokenizer.encode([picture])[0].numpy().astype(np.int32)
                row = (key, codes.shape[0], codes.tobytes())
                self._kept.execute("INSERT OR IGNORE INTO codes VALUES (?, ?, ?)", row)
        return [codes for codes in (known[key] for key in keys) if codes is not None]

    def _found(self, key: bytes) -> npt.NDArray[np.int32] | None:
        row = self._kept.execute("SELECT rows, codes FROM codes WHERE key = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[1], np.int32).reshape(row[0], -1).copy()

    def _key(self, picture: Pixels) -> bytes:
        about = f"{self.tokenizer.sha256} {picture.shape}".encode()
        return hashlib.sha256(about + np.ascontiguousarray(picture, np.float32).tobytes()).digest()
