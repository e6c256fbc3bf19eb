"""A small reader's directory: a unified model in Chameleon's layout, its words, the encoder that sees, and its policy.

config.json, model.safetensors    `radtrace.models.unified`, with facts and cells; the image tokenizer in it
tokenizer.json                    `radtrace.models.words`
encoder.safetensors               `radtrace.models.encoder`
reader.json                       `Policy`
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import Field, ValidationError

from radtrace.config import Settings
from radtrace.errors import InputError, MissingExtraError
from radtrace.models.load import load_unified
from radtrace.models.words import FILM
from radtrace.reader.prompt import Wording
from radtrace.runs import write_atomically

if TYPE_CHECKING:
    from radtrace.models.encoder import Encoder, Facts
    from radtrace.models.small import SmallModel
    from radtrace.models.tokenizer import ImageTokenizer
    from radtrace.models.unified import UnifiedModel

POLICY, WORDS = "reader.json", "tokenizer.json"
_PARTS = (POLICY, WORDS, "config.json", "model.safetensors", "encoder.safetensors")


class Policy(Settings):
    """When the reader says that a finding is there.

    present: finding -> the calibrated probability from which it does; a finding without one is not assessed.
    """

    present: Mapping[str, float] = Field(min_length=1)

    def accepted(self, probabilities: Mapping[str, float]) -> tuple[str, ...]:
        """The findings that are there, the surest first."""
        there = [name for name, least in self.present.items() if probabilities[name] >= least]
        return tuple(sorted(there, key=lambda name: probabilities[name], reverse=True))


@dataclass(frozen=True, slots=True)
class Bundle:
    """All parts of a small reader. sha256: of its files."""

    model: "UnifiedModel | SmallModel"
    wording: Wording
    pictures: "ImageTokenizer"
    encoder: "Encoder"
    policy: Policy
    sha256: str

    @property
    def told(self) -> "Facts":
        """What the model is told of the encoder's findings."""
        told: Facts = self.model.config.told
        return told

    @property
    def lexicon(self) -> frozenset[str]:
        """The words that the model may write, in lower case."""
        return frozenset(self.model.config.lexicon)


def is_bundle(path: Path) -> bool:
    """Whether a directory says that it is a small reader."""
    return (path / POLICY).is_file()


def load_bundle(path: Path) -> Bundle:
    """Every part, checked to fit the others.

    Raises:  InputError in one line naming the part that is missing, damaged or of another reader; MissingExtraError.
    """
    for name in _PARTS:
        if not (path / name).is_file():
            raise InputError(f"{path / name}: missing; a reader has {', '.join(_PARTS)}")
    try:
        from tokenizers import Tokenizer

        from radtrace.models.encoder import load_encoder
        from radtrace.models.small import load_small
        from radtrace.models.tokenizer import ImageTokenizer
    except ModuleNotFoundError as error:
        raise MissingExtraError("read", "reading with a model") from error
    model, encoder = load_small(path) or load_unified(str(path)), load_encoder(path)
    if model.config.model_type != "chameleon" or not model.has_pixels:
        raise InputError(f"{path}: a small reader's model is of Chameleon's kind, with a pixel decoder; this is not")
    try:
        words = Tokenizer.from_file(str(path / WORDS))
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{path / WORDS}: no tokenizer") from error
    words.encode_special_tokens = True
    digest = hashlib.sha256(
        b"".join(hashlib.sha256((path / name).read_bytes()).digest() for name in _PARTS)
    ).hexdigest()
    network = model.model.vqmodel
    patch = int(getattr(network.config, "patch_size", 1))
    pictures = ImageTokenizer(network, network.config.resolution * patch, patch, digest)
    _check(path, model, words.get_vocab(), encoder.labels, pictures.grid)
    wording = Wording(words, model.images, model.config.glances, model.config.cells)
    return Bundle(model, wording, pictures, encoder, _policy(path / POLICY, encoder.labels), digest)


def save_policy(policy: Policy, path: Path) -> None:
    """Write a reader's policy into its directory."""
    write_atomically(path / POLICY, policy.model_dump_json(indent=1) + "\n")


def _check(
    path: Path, model: "UnifiedModel | SmallModel", words: Mapping[str, int], labels: tuple[str, ...], grid: int
) -> None:
    from radtrace.models import encoder

    config = model.config
    if getattr(config, "facts", 0) != len(labels):
        raise InputError(
            f"{path}: the model takes {getattr(config, 'facts', 0)} facts, the encoder tells {len(labels)}"
        )
    if getattr(config, "cells", 0) != grid:
        raise InputError(f"{path}: the model knows {getattr(config, 'cells', 0)} cells a side, a film has {grid}")
    strays = [name for name, token in config.vocabulary_map.items() if words.get(name) != token]
    if strays or len(words) > config.vocab_size:
        what = f"{strays[0]!r} is another token" if strays else "it has more words"
        raise InputError(f"{path / WORDS}: the tokenizer of another model: {what}")
    known = getattr(config, "told", None) in get_args(encoder.Facts)
    if not known or getattr(config, "film_token_id", None) != words.get(FILM):
        raise InputError(f"{path / 'config.json'}: does not say what the model is told of a film, and where")
    lexicon = getattr(config, "lexicon", None)
    if not lexicon or not isinstance(lexicon, list) or not all(isinstance(word, str) for word in lexicon):
        raise InputError(f"{path / 'config.json'}: does not say which words the model may write")


def _policy(path: Path, labels: tuple[str, ...]) -> Policy:
    try:
        policy = Policy.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: no policy of a reader") from error
    strays = sorted(set(policy.present) - set(labels))
    if strays:
        raise InputError(f"{path}: its encoder does not tell {strays[0]!r}")
    return policy
