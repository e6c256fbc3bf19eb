"""A clinical network's checkpoint: found in a folder, as a file or on the hub; its tensors read, never as code."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radtrace.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

EXTRA = "nets"
"""The extra that brings torch, transformers and safetensors."""
_WRAPPERS = ("model_state_dict", "state_dict")
_PARALLEL = "module."


def find_weights(given: str, names: Sequence[str], metric: str) -> Path:
    """The file of weights.

    Args:    given: a file, a folder, or owner/name or owner/name/FILE of the hub; names: what the file is called, the
        first that is there being read.
    Raises:  InputError naming what was given where there is none, MissingExtraError where the hub cannot be asked.
    """
    path = Path(given).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                return path / name
        raise InputError(f"{metric}: {path} holds none of {', '.join(names)}")
    repository = hub_repository(given)
    if repository is None:
        raise InputError(f"{metric}: {given}: no such file or folder, and no hub id")
    wanted = [given[len(repository) + 1 :]] if given != repository else names
    for name in wanted:
        found = from_hub(repository, name, metric)
        if found:
            return found
    raise InputError(f"{metric}: the hub's {repository} is out of reach, or holds none of {', '.join(wanted)}")


def hub_repository(given: str) -> str | None:
    """owner/name where this is owner/name or owner/name/FILE of the hub; None where it is a path."""
    parts = given.split("/")
    if len(parts) not in (2, 3) or not all(parts) or given.startswith((".", "~")) or Path(given).exists():
        return None
    return "/".join(parts[:2])


def from_hub(repository: str, name: str, metric: str) -> Path | None:
    """A file of a repository of the hub, fetched unless it is in the cache; None where there is no such file.

    Where the hub is out of reach only the cache is looked at.

    Raises:  InputError where the hub has no such repository for this user.
    """
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, metric) from error
    try:
        files = _files_on_hub(repository)
        if files is not None and name not in files:
            return None
        return Path(hf_hub_download(repository, name, local_files_only=files is None))
    except LocalEntryNotFoundError:
        return None
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise InputError(f"{metric}: {repository}: not to be had from the hub ({type(error).__name__})") from error


@lru_cache
def _files_on_hub(repository: str) -> frozenset[str] | None:
    """The names of a repository's files; None where the hub is out of reach. Asked once a run."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return frozenset(HfApi().list_repo_files(repository))
    except (HfHubHTTPError, HFValidationError):
        raise
    except Exception:  # whatever the hub's HTTP client says when it is not answered
        return None


def digest(path: Path) -> str:
    """The first 12 digits of the file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def read_tensors(path: Path, metric: str) -> "dict[str, Tensor]":
    """The tensors of a safetensors file, or of a torch file of nothing but tensors; `module.` is cut off their names.

    Raises:  InputError where the file is damaged, or a pickle of more than tensors; MissingExtraError.
    """
    try:
        tensors = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, metric) from error
    except Exception as error:  # torch and safetensors raise whatever their parsers meet
        raise InputError(f"{metric}: {path}: damaged, or no file of weights alone ({type(error).__name__})") from error
    return {name.removeprefix(_PARALLEL): tensor for name, tensor in tensors.items()}


def _safetensors(path: Path) -> "dict[str, Tensor]":
    from safetensors.torch import load_file

    loaded: dict[str, Tensor] = load_file(path)
    return loaded


def _torch(path: Path) -> "dict[str, Tensor]":
    import torch

    loaded: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in _WRAPPERS:
        if wrapper in loaded:
            loaded = loaded[wrapper]
    if not all(isinstance(tensor, torch.Tensor) for tensor in loaded.values()):
        raise TypeError("not only tensors")
    return dict(loaded)


def encodable(text: str) -> str:
    """A text that tokenisers take: halves of surrogate pairs, which JSON lets through, become "?"."""
    return text.encode(errors="replace").decode()
