"""What a run tells while it learns: metrics.jsonl, curves.png and, where TensorBoard is installed, its files."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from radtrace.runs import JsonLines, write_atomically
from radtrace.train.curves import draw_curves

METRICS, CURVES, TENSORBOARD = "metrics.jsonl", "curves.png", "tensorboard"
_PANELS: dict[str, tuple[str, ...]] = {
    "loss": ("loss", "val_loss"),
    "text": ("text", "val_text"),
    "picture": ("picture", "val_picture"),
}
_APART = ("step", "epoch", "tokens_per_s")
"""Columns without a curve."""


class Journal:
    """The rows so far; those after the step that a run goes on from are cut off."""

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        self.file = JsonLines(folder / METRICS)
        self.rows = [row for row in self.file.read() if row["step"] <= step]
        write_atomically(self.file.path, "".join(json.dumps(row) + "\n" for row in self.rows))
        self._board: Any = None
        if find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1)

    def add(self, row: dict[str, Any]) -> None:
        """One more row, with its `step`."""
        self.rows.append(row)
        self.file.append(row)
        if self._board:
            for name, value in row.items():
                if name != "step":
                    self._board.add_scalar(name, value, row["step"])
            self._board.flush()

    def draw(self) -> None:
        """Write curves.png: losses, and each figure of the quick looks in a panel of its own."""
        names = dict.fromkeys(name for row in self.rows for name in row if name not in _APART)
        known = {name for panel in _PANELS.values() for name in panel}
        panels = {title: curves for title, curves in _PANELS.items() if any(name in names for name in curves)}
        panels |= {name: (name,) for name in names if name not in known}
        drawn = {
            title: {name: [(row["step"], row[name]) for row in self.rows if name in row] for name in curves}
            for title, curves in panels.items()
        }
        write_atomically(self.folder / CURVES, draw_curves(drawn))

    def close(self) -> None:
        """No more rows."""
        self.draw()
        if self._board:
            self._board.close()
