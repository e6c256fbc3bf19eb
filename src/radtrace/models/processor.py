"""What a person hands a unified model, text and films in turn, to the token ids that it reads; without torchvision."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from PIL import Image

from radtrace.errors import InputError
from radtrace.images import Pixels, resized
from radtrace.models.tokenizer import ImageTokenizer
from radtrace.models.words import BEGIN, Words
from radtrace.runs import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

    from radtrace.models.load import Unified
    from radtrace.models.vocabulary import ImageVocabulary

WORDS = "tokenizer.json"
Part: TypeAlias = "str | Pixels | Image.Image | Tensor"


class PictureCodec(Protocol):
    """Pictures to codes and back: `ImageTokenizer`, or `radtrace.models.emu3.Emu3Pictures`."""

    @property
    def cell(self) -> int:
        """Pixels that a code stands for, a side."""

    @property
    def codebook(self) -> int:
        """How many codes there are."""

    def encode(self, pictures: Sequence[Pixels]) -> "Tensor":
        """Codes int64 (N, rows, columns) of pictures of one size, whose sides are multiples of `cell`."""

    def codes(self, values: "Tensor") -> "Tensor":
        """Codes of what the network takes in."""

    def decode(self, codes: "Tensor") -> list[Pixels]:
        """The pictures of codes (N, rows, columns)."""


@dataclass(frozen=True, slots=True)
class Processor:
    """Text and films to token ids, and back.

    films: transformers' image processor of the checkpoint; None where it has none of its own: a film is then squeezed
    into a square of `side` pixels, the size of a whole picture. begin, pad: token ids. A picture's codes stand in the
    text themselves: no `pixel_values` are needed, and a film is coded once.
    """

    words: Words
    images: "ImageVocabulary"
    pictures: PictureCodec
    films: Any
    side: int
    begin: int | None
    pad: int

    def __call__(self, prompts: Sequence[Sequence[Part]]) -> "dict[str, Tensor]":
        """Prompts, each of text and pictures in turn, as the model reads them; codes stand for a picture's.

        Returns: input_ids and attention_mask, int64 (B, T), padded on the left; the first token of each is `begin`.
        Raises:  ValueError where the vocabulary cannot write a text.
        """
        import torch

        rows = [self.tokens(parts) for parts in prompts]
        width = max(map(len, rows))
        return {
            "input_ids": torch.tensor([[self.pad] * (width - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
        }

    def tokens(self, parts: Sequence[Part]) -> list[int]:
        """One prompt, not padded."""
        tokens = [] if self.begin is None else [self.begin]
        for part in parts:
            tokens += self.words.encode(part) if isinstance(part, str) else self._written(part)
        return tokens

    def _written(self, picture: "Pixels | Image.Image | Tensor") -> list[int]:
        if isinstance(picture, np.ndarray | Image.Image):
            picture = self.codes(picture)
        return self.images.written(picture)

    def codes(self, picture: "Pixels | Image.Image") -> "Tensor":
        """Codes (rows, columns) of a whole film, in grey or in colour."""
        if self.films is None:
            if isinstance(picture, Image.Image):
                picture = np.asarray(picture.convert("L"), np.float32) / np.float32(255)
            return self.pictures.encode([resized(picture, self.side, self.side)])[0]
        if not isinstance(picture, Image.Image):
            picture = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
        values = self.films(picture.convert("RGB"), return_tensors="pt")["pixel_values"]
        return self.pictures.codes(values)[0]

    def save(self, path: Path) -> None:
        """Write the files that `load_processor` reads, beside those of the model."""
        path.mkdir(parents=True, exist_ok=True)
        write_atomically(path / WORDS, self.words.tokenizer.to_str(pretty=True))
        if self.films is not None:
            self.films.save_pretrained(path)


def load_processor(path: str, model: "Unified") -> Processor:
    """The processor of a checkpoint whose model is loaded, from its directory or hub id.

    Raises:  InputError where the tokenizer is missing, damaged or of another checkpoint, or where films would be cut to
        a size that is no whole number of cells.
    """
    config = model.config
    text = config.get_text_config()
    words = _words(path, config.vocabulary_map, text.vocab_size, model.images.reserved)
    films = _films(path, config.model_type)
    if config.model_type == "emu3":
        from radtrace.models.emu3 import Emu3Pictures

        tone = films or _film_processor(config.model_type)()
        pictures: PictureCodec = Emu3Pictures(model.model.vqmodel, tuple(tone.image_mean), tuple(tone.image_std))
        side = math.isqrt(tone.min_pixels) // pictures.cell * pictures.cell
    else:
        patch = getattr(config.vq_config, "patch_size", 1)
        side = config.vq_config.resolution * patch
        scale = films.rescale_factor * 255 if films else 2.0
        pictures = ImageTokenizer(model.model.vqmodel, side, patch, "", scale)
    if films is not None:
        _check_size(path, films, pictures.cell)
    pad, begin = text.pad_token_id, text.bos_token_id
    if config.model_type == "chameleon":  # whose configuration may name another token than its tokenizer writes
        begin = words.tokenizer.token_to_id(BEGIN) if words.tokenizer.token_to_id(BEGIN) is not None else begin
    return Processor(words, model.images, pictures, films, side, begin, 0 if pad is None else pad)


def _words(path: str, vocabulary: Mapping[str, int], size: int, reserved: frozenset[int]) -> Words:
    from tokenizers import Tokenizer

    file = _file(path, WORDS)
    if file is None:
        raise InputError(f"{path}: has no {WORDS}, which turns text into the model's tokens")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing narrower
        raise InputError(f"{file}: damaged, or no tokenizer") from error
    known = tokenizer.get_vocab()
    wrong = next((name for name, token in vocabulary.items() if known.get(name, token) != token), None)
    if wrong is not None:
        raise InputError(
            f"{file}: the tokenizer of another checkpoint: {wrong!r} is its token {known[wrong]} and the model's "
            f"{vocabulary[wrong]}"
        )
    last = max(known, key=known.__getitem__)
    shared = known.keys() & vocabulary.keys()
    if known[last] >= size or 2 * len(shared) < len(vocabulary):
        raise InputError(
            f"{file}: the tokenizer of another checkpoint: it has {known[last] + 1} tokens, of which {len(shared)} are "
            f"among the {len(vocabulary)} that config.json names, and the model {size}"
        )
    try:
        return Words(tokenizer, reserved)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from error


def _film_processor(kind: str) -> Any:
    """The class of transformers for the films of an architecture, the one that needs no torchvision."""
    if kind == "emu3":
        from transformers.models.emu3.image_processing_emu3 import Emu3ImageProcessor as FilmProcessor
    else:
        from transformers.models.chameleon.image_processing_pil_chameleon import (
            ChameleonImageProcessorPil as FilmProcessor,
        )
    return FilmProcessor


def _films(path: str, kind: str) -> Any:
    """The checkpoint's settings of its image processor; None where it has none."""
    if all(_file(path, name) is None for name in ("preprocessor_config.json", "processor_config.json")):
        return None
    try:
        return _film_processor(kind).from_pretrained(path, local_files_only=Path(path).is_dir())
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: its image processor cannot be loaded: {str(error).splitlines()[0]}") from error


def _check_size(path: str, films: Any, cell: int) -> None:
    """Films are cut to whole cells, or the codes would not be those of the film."""
    if hasattr(films, "spatial_factor"):
        sides = [films.spatial_factor]
    else:
        sides = [films.crop_size["height"], films.crop_size["width"]]
    if any(side % cell for side in sides):
        raise InputError(f"{path}: its image processor cuts films to {sides[0]} pixels, and a code stands for {cell}")


def _file(path: str, name: str) -> Path | None:
    """A file of a directory or of a hub id; None where there is none."""
    if Path(path).is_dir():
        file = Path(path) / name
        return file if file.is_file() else None
    from transformers.utils import cached_file

    try:
        found = cached_file(path, name, _raise_exceptions_for_missing_entries=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be fetched: {str(error).strip().splitlines()[0]}") from error
    return Path(found) if found else None
