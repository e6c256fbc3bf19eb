"""LoRA on a checkpoint: small matrices beside its queries, keys and values learn, all else stays (Hu et al. 2021)."""

import warnings
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, PositiveInt

from radtrace.config import Settings
from radtrace.errors import InputError, MissingExtraError
from radtrace.models.load import load_unified, stored_precision
from radtrace.models.unified import UnifiedModel

FOLDER = "adapter"
"""Of the adapter, in the run's folder; peft reads it."""
_TARGETS = r".*\.layers\.\d+\.self_attn\.(q|k|v)_proj"


class Adapter(Settings):
    """A checkpoint to adapt. path: a directory, or a hub id.

    rank, alpha, dropout: of the matrices. merge: whether they are added into a whole model at the end, which
        `radtrace read --model` takes.
    """

    path: str
    rank: PositiveInt = 16
    alpha: PositiveInt = 32
    dropout: float = Field(default=0.05, ge=0, lt=1)
    merge: bool = True

    def base(self) -> UnifiedModel:
        """The checkpoint. Raises InputError where it is no Chameleon with its pixel decoder."""
        model: Any = load_unified(self.path)
        if not isinstance(model, UnifiedModel) or not model.has_pixels:
            raise InputError(f"{self.path}: only checkpoints of Chameleon's kind with a pixel decoder are adapted")
        return model

    def made(self, model: UnifiedModel) -> Any:
        """The peft model around it."""
        peft = _peft()
        settings = peft.LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=_TARGETS, bias="none"
        )
        with warnings.catch_warnings():  # peft asks transformers by a name that goes away
            warnings.simplefilter("ignore", FutureWarning)
            return peft.get_peft_model(model, settings)

    def merged(self, adapter: Path) -> UnifiedModel:
        """The checkpoint with a trained adapter added in."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            whole: UnifiedModel = _peft().PeftModel.from_pretrained(self.base(), str(adapter)).merge_and_unload()
        whole.config.dtype = getattr(torch, stored_precision(self.path))  # is read with as the checkpoint is
        return whole


def _peft() -> Any:
    try:
        import peft
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", "LoRA") from error
    return peft
