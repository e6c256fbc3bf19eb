"""A unified model from a directory in Chameleon's hub layout, or from the hub where the user names an id."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from radtrace.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from radtrace.models.unified import UnifiedModel

Precision = Literal["float32", "bfloat16", "int8", "int4"]
DECODER = "model.vqmodel.decoder."


def load_unified(path: str, precision: Precision = "float32", device: str = "cpu") -> "UnifiedModel":
    """The model, ready for use.

    Args:    path: a directory, or a hub id. precision: int8 and int4 need a GPU and bitsandbytes; the image tokenizer
        stays unquantised, since its codes would change.
    Raises:  InputError in one line for another architecture, missing shards or tensors, a codebook that does not match
        the vocabulary; MissingExtraError.
    """
    try:
        from safetensors import SafetensorError

        from radtrace.models.unified import UnifiedModel
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", "reading with a model") from error
    local = Path(path).is_dir()
    if local:
        _check(Path(path))
    elif Path(path).is_absolute() or path.startswith("."):
        raise InputError(f"{path}: no such directory")
    try:
        found: tuple[UnifiedModel, dict[str, Any]] = UnifiedModel.from_pretrained(
            path,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told below, in one line
            local_files_only=local,
            **_precision(precision, device),
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be loaded: {str(error).strip().splitlines()[0]}") from error
    model, info = found
    _complain(path, info)
    model.has_pixels = not any(name.startswith(DECODER) for name in info["missing_keys"])
    try:
        model.images  # noqa: B018  # made now, so that a wrong vocabulary is told here
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    model.eval()
    loaded: UnifiedModel = model if precision in ("int8", "int4") else model.to(device)
    return loaded


def _precision(precision: Precision, device: str) -> dict[str, Any]:
    import torch

    if precision in ("float32", "bfloat16"):
        return {"dtype": getattr(torch, precision)}
    if not torch.cuda.is_available():
        raise InputError(f"{precision} needs a GPU: use bfloat16 or float32 here")
    from transformers import BitsAndBytesConfig

    skipped = {"llm_int8_skip_modules": ["vqmodel", "lm_head"]}
    quantised = (
        BitsAndBytesConfig(load_in_8bit=True, **skipped)
        if precision == "int8"
        else BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16, **skipped)
    )
    return {"quantization_config": quantised, "device_map": device, "dtype": torch.bfloat16}


def _check(path: Path) -> None:
    """What transformers would answer with a traceback of its own."""
    try:
        config: Any = json.loads((path / "config.json").read_bytes())
    except OSError as error:
        raise InputError(f"{path / 'config.json'}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path / 'config.json'}: not JSON") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "chameleon":
        raise InputError(f"{path}: a checkpoint of the kind {kind!r}; a unified model is of the kind 'chameleon'")
    if not config.get("vocabulary_map"):
        raise InputError(f"{path / 'config.json'}: has no vocabulary_map, which names the image tokens")


def _complain(path: str, info: dict[str, Any]) -> None:
    """Refuse a checkpoint that lacks tensors, the pixel decoder's aside, which a checkpoint may lack as a whole."""
    wrong = sorted(str(each[0] if isinstance(each, tuple) else each) for each in info["mismatched_keys"])
    if wrong:
        raise InputError(
            f"{path}: {wrong[0]} and {len(wrong) - 1} more tensors are of another shape than config.json says"
        )
    missing = sorted(name for name in info["missing_keys"] if not name.startswith(DECODER))
    if missing:
        raise InputError(f"{path}: lacks {missing[0]} and {len(missing) - 1} more tensors")
