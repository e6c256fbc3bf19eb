"""The network's weights: found, checked, read and written (safetensors, half precision, never a pickle)."""

import hashlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from radtrace.errors import InputError, MissingExtraError, is_out_of_memory

if TYPE_CHECKING:
    from torch import Tensor, nn

    from radtrace.localize.network import ChestNet

    Network = TypeVar("Network", bound=nn.Module)

FILE = "localizer.safetensors"
MARKERS = "markers.safetensors"
"""Lies beside it: the weights of `radtrace.localize.markers`."""
_COUNTER = "num_batches_tracked"
ARCHITECTURE = "radtrace-chestnet-2"
ENVIRONMENT = "RADTRACE_WEIGHTS"

# What the network's outputs stand for, in their order.
KINDS = ("frontal", "lateral", "other")
ROTATIONS = (0, 90, 180, 270)
MASKS = ("right lung", "left lung", "heart", "mediastinum")
"""The lung on the image's left first, which is the patient's right unless the film is mirrored."""
MIRRORED = (False, True)
PROJECTIONS = ("PA", "AP")
QUALITIES = ("blurred", "noisy", "badly exposed")


def find() -> Path:
    """The weights' file: in the folder that RADTRACE_WEIGHTS names, else in the package radtrace-weights.

    Raises:  InputError with the line that installs them.
    """
    folder = os.environ.get(ENVIRONMENT)
    if folder:
        path = Path(folder) / FILE
        if not path.is_file():
            raise InputError(f"{ENVIRONMENT}={folder}: holds no {FILE}")
        return path
    try:
        package = importlib.import_module("radtrace_weights")
    except ModuleNotFoundError as error:
        raise InputError(
            "the localizer's weights are not installed: "
            f"pip install ./weights in a clone of radtrace (or set {ENVIRONMENT})"
        ) from error
    path = Path(str(package.__file__)).parent / FILE
    if not path.is_file():
        raise InputError(
            f"{path}: missing; reinstall it: pip install --force-reinstall ./weights in a clone of radtrace"
        )
    return path


def fingerprint() -> str | None:
    """sha256 of the files that localize, the one that `find` finds and MARKERS, joined by "+"; None without any."""
    try:
        path = find()
    except InputError:
        return None
    files = (path, path.with_name(MARKERS))
    return "+".join(hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else "none" for each in files)


def load(path: Path) -> "ChestNet":
    """The network, in single precision and ready for use.

    Raises:  InputError naming the file where it is missing, damaged, or of another architecture; MissingExtraError.
    """
    about, tensors = read(path, ARCHITECTURE, "localizing anatomy")
    from radtrace.localize.network import ChestNet

    try:
        network = ChestNet(int(about["side"]), tuple(int(width) for width in about["widths"].split(",")))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: does not fit the architecture that it names") from error
    return fill(network, tensors, path).folded()


def read(path: Path, architecture: str, purpose: str) -> "tuple[dict[str, str], dict[str, Tensor]]":
    """What a file of weights says about itself, and its tensors in single precision.

    Raises:  as `load`; `purpose` is what torch is missing for.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", purpose) from error
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", purpose) from error
    except OSError as error:
        if is_out_of_memory(error):
            raise
        raise InputError(f"{path}: {error.strerror or 'cannot be opened'}") from error
    except SafetensorError as error:
        raise InputError(f"{path}: damaged, or no safetensors file") from error
    if about.get("architecture") != architecture:
        raise InputError(f"{path}: weights of {about.get('architecture')!r}; this version reads {architecture!r}")
    return about, tensors


def fill(network: "Network", tensors: "dict[str, Tensor]", path: Path) -> "Network":
    """The network with these tensors, for use. Raises InputError naming the file where they do not fit it."""
    needed = {name for name in network.state_dict() if not name.endswith(_COUNTER)}
    try:
        network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise InputError(f"{path}: does not fit the architecture that it names") from error
    if needed != set(tensors):
        raise InputError(f"{path}: does not fit the architecture that it names")
    return network.eval()


def save(network: "ChestNet", path: Path) -> None:
    """Write the weights in half precision with what is needed to rebuild the network."""
    widths = ",".join(map(str, network.widths))
    write(network, path, {"architecture": ARCHITECTURE, "side": str(network.side), "widths": widths})


def write(network: "nn.Module", path: Path, about: dict[str, str]) -> None:
    """Write a network's weights in half precision, without the counters of batches."""
    from safetensors.torch import save_file

    tensors = {
        name: tensor.half().contiguous() for name, tensor in network.state_dict().items() if not name.endswith(_COUNTER)
    }
    save_file(tensors, path, about)
