"""The stage `reader`: the parts that other stages trained become one reader's directory, with its policy."""

import shutil
from pathlib import Path
from typing import Any, Literal

from radtrace.errors import InputError
from radtrace.runs import RunFolder
from radtrace.train import Stage, Trained
from radtrace.train.bars import Bars
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.stage import SKILL

RESULT = "reader"
"""Folder of the reader that `radtrace read --model` takes, in the run's folder."""


class ReaderRecipe(Stage):
    """All settings of the stage.

    model: what the stage `sft` made; encoder: what the stage `encoder` made. bars: when a finding is said to be there.
    """

    kind: Literal["reader"] = "reader"
    model: Path
    encoder: Path
    bars: Bars = Bars()

    def train(self) -> Trained:
        """Put the parts together, and load them once to see that they fit."""
        from radtrace.models.encoder import WEIGHTS
        from radtrace.reader.bundle import WORDS, load_bundle, save_policy

        with RunFolder(self.output, "train reader", self):
            result = self.output / RESULT
            result.mkdir(exist_ok=True)
            parts = [self.model / name for name in ("config.json", "model.safetensors", WORDS)]
            for source in (*parts, self.encoder / WEIGHTS):
                _copy(source, result)
            save_policy(self.bars.policy(Skill.load(self.encoder / SKILL)), result)
            bundle = load_bundle(result)
            figures: dict[str, Any] = {
                "bytes": sum(path.stat().st_size for path in result.iterdir()),
                "assessed": sorted(bundle.policy.present),
                "sha256": bundle.sha256,
            }
            line = f"{figures['bytes'] / 1e6:.1f} MB, {len(figures['assessed'])} findings assessed"
            return Trained(result, figures, line)


def _copy(source: Path, folder: Path) -> None:
    try:
        shutil.copy(source, folder / source.name)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}") from error
