"""The network's weights: found, checked, read and written (safetensors, half precision, never a pickle)."""

import hashlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from radtrace.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from radtrace.localize.network import ChestNet

FILE = "localizer.safetensors"
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
    """sha256 of the weights' file that `find` finds; None where there is none."""
    try:
        return hashlib.sha256(find().read_bytes()).hexdigest()
    except InputError:
        return None


def load(path: Path) -> "ChestNet":
    """The network, in single precision and ready for use.

    Raises:  InputError naming the file where it is missing, damaged, or of another architecture; MissingExtraError.
    """
    try:
        from safetensors import SafetensorError, safe_open

        from radtrace.localize.network import ChestNet
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", "localizing anatomy") from error
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged, or no safetensors file") from error
    if about.get("architecture") != ARCHITECTURE:
        raise InputError(f"{path}: weights of {about.get('architecture')!r}; this version reads {ARCHITECTURE!r}")
    try:
        network = ChestNet(int(about["side"]), tuple(int(width) for width in about["widths"].split(",")))
        network.load_state_dict(tensors)
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: does not fit the architecture that it names") from error
    return network.eval().folded()


def save(network: "ChestNet", path: Path) -> None:
    """Write the weights in half precision with what is needed to rebuild the network."""
    from safetensors.torch import save_file

    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor.float()).contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    widths = ",".join(map(str, network.widths))
    save_file(tensors, path, {"architecture": ARCHITECTURE, "side": str(network.side), "widths": widths})
