"""A network of the transformers library in a folder of this disk, or fetched from the hub into one."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from radtrace.errors import InputError, MissingExtraError
from radtrace.metrics.clinical.checkpoints import EXTRA, hub_repository

_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
_FILES = ("*.json", "*.txt", "*.model", "*.tsv")


def local_folder(given: str, metric: str) -> Path:
    """The folder of a network: the one given, or a hub id's in the hub's cache, fetched where it is not there.

    Raises:  InputError where it is neither or the hub does not give it, MissingExtraError without the extra.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        return path
    if hub_repository(given) != given:
        raise InputError(f"{metric}: {given}: no such folder, and no hub id")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, metric) from error
    try:
        folder = Path(snapshot_download(given, allow_patterns=[*_FILES, _WEIGHTS[0]]))
        if not weight_files(folder):
            folder = Path(snapshot_download(given, allow_patterns=[*_FILES, _WEIGHTS[1]]))
    except LocalEntryNotFoundError as error:
        raise InputError(f"{metric}: {given}: no such folder, and the hub is out of reach") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise InputError(f"{metric}: {given}: not to be had from the hub ({type(error).__name__})") from error
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The files of weights that transformers reads: safetensors where there are any, else torch's."""
    return next((found for pattern in _WEIGHTS if (found := sorted(folder.glob(pattern)))), [])


def weights_digest(folder: Path) -> str:
    """The first 12 digits of the sha256 of the weights: of the file, of several one after the other."""
    whole = hashlib.sha256()
    for path in weight_files(folder):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                whole.update(block)
    return whole.hexdigest()[:12]


def read_config(folder: Path, metric: str) -> Any:
    """The configuration of a folder's network. Raises InputError where there is none, MissingExtraError."""
    try:
        from transformers import AutoConfig
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, metric) from error
    if not (folder / "config.json").is_file() or not weight_files(folder):
        raise InputError(f"{metric}: {folder} holds no config.json with model.safetensors or pytorch_model.bin")
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever its parsers meet in a damaged folder
        raise InputError(f"{metric}: {folder}: no config.json that transformers knows") from error


def read_network(folder: Path, metric: str, loader: str = "AutoModel", *, layers: int | None = None) -> Any:
    """The network of a folder, in single precision and ready for use, on the accelerator where there is one.

    Args:    loader: the class of transformers; layers: only the first so many, None for all.
    Raises:  InputError where the folder holds no network that transformers knows, or not all of its weights (a part
        that no output of ours depends on, the pooler, may lack); MissingExtraError.
    """
    config = read_config(folder, metric)
    if layers is not None:
        config.num_hidden_layers = layers
    import torch
    import transformers

    try:
        with _quietly():
            network, loaded = getattr(transformers, loader).from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                dtype=torch.float32,
            )
    except Exception as error:  # likewise
        raise InputError(f"{metric}: {folder}: no network that can be read ({type(error).__name__})") from error
    lacking = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    if lacking or loaded["mismatched_keys"]:
        raise InputError(f"{metric}: {folder}: the weights lack {len(lacking)} tensors, {lacking[:1]} among them")
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def read_tokenizer(folder: Path, metric: str) -> Any:
    """The tokenizer of a folder. Raises InputError where there is none, MissingExtraError."""
    try:
        from transformers import AutoTokenizer
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, metric) from error
    try:
        with _quietly():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            return _as_its_file_says(tokenizer, folder / "tokenizer.json")
    except Exception as error:  # likewise
        raise InputError(f"{metric}: {folder}: no tokenizer that can be read ({type(error).__name__})") from error


def _as_its_file_says(tokenizer: Any, file: Path) -> Any:
    """The tokenizer itself; one of a SentencePiece model as its file says.

    transformers 5 makes these anew from their vocabulary, with a plainer normaliser than they were trained with.
    """
    from transformers import PreTrainedTokenizerFast

    if type(tokenizer.backend_tokenizer.model).__name__ != "Unigram" or not file.is_file():
        return tokenizer
    return PreTrainedTokenizerFast(
        tokenizer_file=str(file),
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        **tokenizer.special_tokens_map,
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' reports of unused weights and its progress bars, which speak of what is no fault."""
    import transformers

    logging: Any = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
