"""A unified model from a directory in its hub layout, or from the hub where the user names an id."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from radtrace.config import resolve
from radtrace.errors import InputError, MissingExtraError, is_out_of_memory
from radtrace.models.tokenizer import INDEX, files_digest, weight_files

if TYPE_CHECKING:
    from radtrace.models.emu3 import Emu3Unified
    from radtrace.models.unified import UnifiedModel

Precision = Literal["float32", "bfloat16", "int8", "int4"]
Unified: TypeAlias = "UnifiedModel | Emu3Unified"
UNIFIED = {"chameleon": "radtrace.models.unified:UnifiedModel", "emu3": "radtrace.models.emu3:Emu3Unified"}
"""What config.json calls the architecture -> its class here."""
DECODER = "model.vqmodel.decoder."
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_LONGEST_HEADER = 100_000_000
"""Bytes, as safetensors has it."""
_BYTES: dict[Precision, float] = {"float32": 4, "bfloat16": 2, "int8": 1, "int4": 0.5}


def load_unified(path: str, precision: Precision = "float32", device: str = "cpu") -> Unified:
    """The model, ready for use.

    Args:    path: a directory, or a hub id. precision: int8 and int4 need a GPU and bitsandbytes; the image tokenizer
        stays in float32, since its codes would change.
    Raises:  InputError in one line for another architecture, missing or damaged shards or tensors, a codebook that does
        not match the vocabulary, too little memory; MissingExtraError.
    """
    try:
        from huggingface_hub.errors import StrictDataclassError
        from safetensors import SafetensorError

        architecture: Any = resolve(UNIFIED, _architecture(path), "architecture")
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", "reading with a model") from error
    local = Path(path).is_dir()
    try:
        if local:
            _check_room(Path(path), precision, device)
        with _quiet(local):
            model, info = architecture.from_pretrained(
                path,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # told below, in one line
                local_files_only=local,
                **_precision(precision, device),
            )
        _complain(path, info)
        model.eval()
        loaded: Unified = model if precision in ("int8", "int4") else model.to(device)
        _check_numbers(path, loaded)
    except StrictDataclassError as error:
        raise InputError(f"{path}: config.json: {str(error).splitlines()[0].rstrip(':')}") from error
    except (MemoryError, OSError, ValueError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise InputError(f"{path}: out of memory while it was loaded in {precision}: {_SMALLER}") from error
        said = str(error).strip() or type(error).__name__
        raise InputError(f"{path}: cannot be loaded: {said.splitlines()[0]}") from error
    loaded.has_pixels = not any(name.startswith(DECODER) for name in info["missing_keys"])
    try:
        loaded.images  # noqa: B018  # made now, so that a wrong vocabulary is told here
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    return loaded


def stored_precision(path: str) -> Precision:
    """float32 where a checkpoint's weights are stored so, else bfloat16. Raises InputError as `load_unified`."""
    config, _ = _config(path)
    stored = (config.get("dtype") or config.get("torch_dtype")) if isinstance(config, dict) else None
    return "bfloat16" if stored in ("bfloat16", "float16") else "float32"


def weights_version(path: str, model: Unified) -> str:
    """Tells a checkpoint from any other: a hub id with its commit, or what the files of a directory hold."""
    folder = Path(path)
    if not folder.is_dir():
        return f"{path}@{model.config._commit_hash}"
    beside = [file for file in sorted(folder.glob("*.json")) if file.name != INDEX]
    return files_digest([*weight_files(folder), *beside])[:12]


@contextmanager
def _quiet(local: bool) -> Iterator[None]:
    """Within, transformers tells no table of tensors, and shows no bar but a download's."""
    from transformers.utils import logging

    if local:
        logging.disable_progress_bar()
    told = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(told)


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


def _architecture(path: str) -> str:
    """What config.json calls the architecture, once it is known to be one of a unified model."""
    config, where = _config(path)
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in UNIFIED:
        kinds = " or ".join(map(repr, UNIFIED))
        raise InputError(f"{path}: a checkpoint of the kind {kind!r}; a unified model is of the kind {kinds}")
    names = config.get("vocabulary_map")
    if not names or not isinstance(names, dict) or not all(isinstance(token, int) for token in names.values()):
        raise InputError(f"{where}: has no vocabulary_map, which names the image tokens")
    return str(kind)


def _config(path: str) -> tuple[Any, str]:
    """config.json, and where it stands."""
    if not Path(path).is_dir():
        if Path(path).is_file():
            raise InputError(f"{path}: a file; name the directory of a checkpoint")
        if not _HUB_ID.fullmatch(path):
            raise InputError(f"{path}: no such directory")
        from huggingface_hub.utils.logging import set_verbosity_error
        from transformers import PreTrainedConfig

        set_verbosity_error()  # type: ignore[no-untyped-call]  # a line for every attempt, otherwise
        try:
            return PreTrainedConfig.get_config_dict(path)[0], path
        except (OSError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            raise InputError(f"{path}: no such directory, and as a hub id it cannot be fetched: {said}") from error
    file = Path(path) / "config.json"
    if (Path(path) / "adapter_config.json").is_file() and not file.exists():
        raise InputError(f"{path}: an adapter alone; name the model that it was merged into (adapter.merge)")
    try:
        return json.loads(file.read_bytes()), str(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file}: not JSON") from error


_SMALLER = "give the process more memory, or use a smaller checkpoint, bfloat16, or int8 or int4 on a GPU"


def _check_room(path: Path, precision: Precision, device: str) -> None:
    """Refuse before loading what would be killed half-way through it; where memory cannot be told, go on."""
    needed, free = _numbers(path) * _BYTES[precision], _free(device)
    if free is not None and needed > free:
        raise InputError(
            f"{path}: takes {needed / 1e9:.1f} GB in {precision}, and {free / 1e9:.1f} GB are free: {_SMALLER}"
        )


def _numbers(path: Path) -> int:
    """How many numbers the files of weights hold, by their headers.

    Raises:  InputError for missing and damaged files.
    """
    total = 0
    for file in weight_files(path):
        try:
            with file.open("rb") as opened:
                length = int.from_bytes(opened.read(8), "little")
                tensors = json.loads(opened.read(min(length, _LONGEST_HEADER)))
            tensors.pop("__metadata__", None)
            whole = 8 + length + max(about["data_offsets"][1] for about in tensors.values()) == file.stat().st_size
            total += sum(math.prod(about["shape"]) for about in tensors.values())
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise InputError(f"{file}: cannot be loaded: damaged, or no safetensors file") from error
        if not whole:
            raise InputError(f"{file}: cannot be loaded: it is cut short")
    return total


def _free(device: str) -> int | None:
    """Bytes of memory that a device has left; None where it does not tell."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0]
    try:
        told = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    found = {name: int(size) for name, size in re.findall(r"^(MemAvailable|SwapFree): +(\d+) kB", told, re.MULTILINE)}
    return sum(found.values()) << 10 if "MemAvailable" in found else None


def _check_numbers(path: str, model: Unified) -> None:
    """Refuse weights that hold no numbers, by what follows on one token: reading would fail for every study."""
    import torch

    with torch.inference_mode():
        logits = model(torch.zeros(1, 1, dtype=torch.long, device=model.device)).logits
    if not bool(logits.isfinite().all()):
        raise InputError(f"{path}: its weights are damaged, they hold more than numbers: fetch or train it again")


def _complain(path: str, info: dict[str, Any]) -> None:
    """Refuse a checkpoint that lacks tensors, the pixel decoder's aside, which a checkpoint may lack as a whole."""
    wrong = sorted(str(each[0] if isinstance(each, tuple) else each) for each in info["mismatched_keys"])
    if wrong:
        what = "its codebook" if wrong[0].endswith("quantize.embedding.weight") else wrong[0]
        more = f" and {len(wrong) - 1} more tensors are" if len(wrong) > 1 else " is"
        raise InputError(f"{path}: {what}{more} of another shape than config.json says")
    missing = sorted(name for name in info["missing_keys"] if not name.startswith(DECODER))
    if missing:
        raise InputError(f"{path}: lacks {missing[0]} and {len(missing) - 1} more tensors")
    beyond = sorted(name for name in info["unexpected_keys"] if ".layers." in name and not name.endswith("inv_freq"))
    if beyond:
        raise InputError(f"{path}: has {beyond[0]} and {len(beyond) - 1} more tensors that config.json does not have")
