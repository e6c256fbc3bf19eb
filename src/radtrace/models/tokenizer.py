"""Pictures to codes and back: the image tokenizer of a unified model, or one of its own."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radtrace.errors import InputError, MissingExtraError
from radtrace.images import Pixels, resized
from radtrace.runs import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

    from radtrace.models.vqgan import VQGAN

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
MODEL_TYPES = {"chameleon_vqgan": "", "chameleon": "model.vqmodel."}
"""The kind of checkpoint -> what the names of the tokenizer's tensors begin with in it."""
_BATCH = 16


@dataclass(frozen=True, slots=True)
class ImageTokenizer:
    """Pictures of side x side pixels <-> grids of codes.

    side: pixels of a whole picture. patch: pixels a side that are folded into channels before the network.
    sha256: of its weights' file, or of its files' in their order. scale: white is scale - 1 to the network, black -1.
    """

    network: "VQGAN"
    side: int
    patch: int
    sha256: str
    scale: float = 2.0

    @property
    def cell(self) -> int:
        """Pixels that a code stands for, a side."""
        return self.patch * self.network.factor

    @property
    def grid(self) -> int:
        """Codes a side of a whole picture."""
        return self.side // self.cell

    @property
    def codebook(self) -> int:
        """How many codes there are."""
        return int(self.network.config.num_embeddings)

    def encode(self, pictures: Sequence[Pixels]) -> "Tensor":
        """Codes int64 (N, rows, columns) of one or more pictures of one size, whose sides are multiples of `cell`."""
        import torch

        return self.codes(self.fold(torch.from_numpy(np.stack(pictures))))

    def codes(self, values: "Tensor") -> "Tensor":
        """Codes of what the network takes in, as `fold` makes it."""
        import torch

        like = {"device": self.network.device, "dtype": self.network.dtype}
        with torch.inference_mode():
            parts = values.split(_BATCH)  # type: ignore[no-untyped-call]
            return torch.cat([self.network.codes(part.to(**like)) for part in parts]).cpu()

    def decode(self, codes: "Tensor") -> list[Pixels]:
        """The pictures of codes (N, rows, columns)."""
        import torch

        with torch.inference_mode():
            split = codes.to(self.network.device).split(_BATCH)  # type: ignore[no-untyped-call]
            parts = [self.unfold(self.network.pixels(part)).float().cpu() for part in split]
        return [picture.numpy() for part in parts for picture in part]

    def reconstruct(self, picture: Pixels) -> Pixels:
        """What is left of a picture of any size: squeezed into the tokenizer's square, coded, and stretched again."""
        codes = self.encode([resized(picture, self.side, self.side)])
        return resized(self.decode(codes)[0], picture.shape[1], picture.shape[0])

    def fold(self, grey: "Tensor") -> "Tensor":
        """float32 (N, H, W) in [0, 1] -> what the network takes in: (N, channels, H / patch, W / patch) in [-1, 1]."""
        from torch.nn.functional import pixel_unshuffle

        channels = self.network.config.in_channels // self.patch**2
        return pixel_unshuffle(grey[:, None].expand(-1, channels, -1, -1) * self.scale - 1, self.patch)

    def unfold(self, pictures: "Tensor", clip: bool = True) -> "Tensor":
        """The way back, clipped to [0, 1] unless asked not to; of several channels the mean."""
        from torch.nn.functional import pixel_shuffle

        grey = (pixel_shuffle(pictures, self.patch).mean(1) + 1) / self.scale
        return grey.clamp(0, 1) if clip else grey


def load_tokenizer(path: Path) -> ImageTokenizer:
    """The tokenizer of a directory: one of its own, or that of a Chameleon checkpoint with a pixel decoder (Anole).

    Raises:  InputError naming what is missing, damaged or of another architecture; MissingExtraError.
    """
    try:
        from transformers import ChameleonVQVAEConfig

        from radtrace.models.vqgan import VQGAN
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", "image tokens") from error
    config = _config(path)
    prefix = MODEL_TYPES[config["model_type"]]
    about = config["vq_config"] if prefix else config
    try:
        network = VQGAN(ChameleonVQVAEConfig(**about))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path / CONFIG}: no tokenizer can be made of it") from error
    files = weight_files(path)
    tensors = _tensors(files, prefix)
    missing = [name for name in network.state_dict() if name not in tensors]
    if missing:
        raise InputError(f"{path}: lacks {missing[0]!r} and {len(missing) - 1} more: not a tokenizer with a decoder")
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: its tensors do not fit the tokenizer that {CONFIG} describes") from error
    patch = int(about.get("patch_size", 1))
    side = network.config.resolution * patch
    return ImageTokenizer(network.eval(), side, patch, files_digest(files))


def save_tokenizer(tokenizer: ImageTokenizer, path: Path) -> None:
    """Write the directory that `load_tokenizer` reads, each file whole or not at all; weights in half precision."""
    from safetensors.torch import save

    path.mkdir(parents=True, exist_ok=True)
    config = tokenizer.network.config.to_diff_dict() | {"patch_size": tokenizer.patch}
    write_atomically(path / CONFIG, json.dumps(config, indent=1, sort_keys=True) + "\n")
    tensors = {name: tensor.half().contiguous() for name, tensor in tokenizer.network.state_dict().items()}
    write_atomically(path / WEIGHTS, save(tensors, {"format": "pt"}))


def _config(path: Path) -> dict[str, Any]:
    try:
        config: Any = json.loads((path / CONFIG).read_bytes())
    except OSError as error:
        raise InputError(f"{path / CONFIG}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path / CONFIG}: not JSON") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in MODEL_TYPES:
        raise InputError(f"{path / CONFIG}: of the kind {kind!r}; a tokenizer is one of {', '.join(MODEL_TYPES)}")
    return dict(config)


def weight_files(path: Path) -> list[Path]:
    """The files of weights; a checkpoint in shards names its own."""
    if (path / WEIGHTS).is_file():
        return [path / WEIGHTS]
    try:
        names = json.loads((path / INDEX).read_bytes())["weight_map"].values()
    except OSError as error:
        raise InputError(f"{path}: holds neither {WEIGHTS} nor {INDEX}") from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{path / INDEX}: damaged") from error
    files = [path / Path(str(name)).name for name in sorted(set(names))]
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: missing")
    return files


def _tensors(files: Iterable[Path], prefix: str) -> "dict[str, Tensor]":
    from safetensors import SafetensorError, safe_open

    found: dict[str, Tensor] = {}
    for path in files:
        try:
            with safe_open(path, "pt") as file:
                names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
                found |= {name.removeprefix(prefix): file.get_tensor(name).float() for name in names}
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path}: damaged, or no safetensors file") from error
    return found


def files_digest(files: Iterable[Path]) -> str:
    """SHA-256 of files in their order."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
