"""CheXbert by our own loader: the published checkpoint -> 14 labels and an embedding of each text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radtrace.errors import InputError, MissingExtraError
from radtrace.metrics.clinical.checkpoints import (
    EXTRA,
    digest,
    encodable,
    find_weights,
    from_hub,
    hub_repository,
    read_tensors,
)
from radtrace.runs import progress

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import BertModel

HOW = (
    "CheXbert's own chexbert.pth (Stanford ML Group; also in StanfordAIMI/RRG_scorers on the hub) "
    "with the vocab.txt of bert-base-uncased beside it, or that hub id"
)
"""How to get the checkpoint."""
WEIGHTS = ("chexbert.pth", "chexbert.safetensors", "model.safetensors", "pytorch_model.bin")
"""What a folder or a repository may call the weights."""
BASE = "google-bert/bert-base-uncased"
"""Whose vocabulary a checkpoint from the hub has that brings none of its own."""
CLASSES: tuple[str, ...] = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
    "No Finding",
)
"""What the heads stand for, in their order; the last tells only blank from positive."""
BLANK, POSITIVE, NEGATIVE, UNCERTAIN = range(4)
"""The codes of a head, as its classes are ordered."""
_CODES = (4,) * 13 + (2,)
_LONGEST = 512
_AT_ONCE = 32
_UNUSED = ("bert.pooler.", "bert.embeddings.position_ids")
"""Parts of published checkpoints that no output depends on."""

CodeArray = NDArray[np.int8]
Embeddings = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chexbert:
    """BERT with 14 linear heads on the state of [CLS].

    checkpoint: sha256 of the weights' file, 12 digits; vocabulary: likewise, for signatures.
    Source:  Smit et al., "CheXbert", EMNLP 2020; its code's `label.py` and `bert_tokenizer.py`.
    """

    encoder: "BertModel"
    heads: "nn.ModuleList"
    tokenizer: Any
    checkpoint: str
    vocabulary: str

    @property
    def width(self) -> int:
        """H, of an embedding."""
        return int(self.encoder.config.hidden_size)

    @classmethod
    def load(cls, given: str) -> "Chexbert":
        """The network of a file, a folder (weights, vocab.txt or tokenizer.json, perhaps config.json) or a hub id.

        Without config.json it is of BERT base. What comes from the hub without a vocabulary has that of `BASE`.

        Raises:  InputError where something is absent, damaged or does not fit; MissingExtraError.
        """
        weights = find_weights(given, WEIGHTS, "chexbert")
        vocabulary = _vocabulary(weights, given)
        encoder, heads = _built(weights, _beside(weights, given, "config.json"))
        tokenizer = _tokenizer(vocabulary)
        if len(tokenizer) > encoder.config.vocab_size:
            raise InputError(f"chexbert: {vocabulary}: has more words than the weights: not of one model")
        return cls(encoder, heads, tokenizer, digest(weights), digest(vocabulary))

    def labels(self, texts: Sequence[str]) -> CodeArray:
        """(N, 14) codes in the order of `CLASSES`."""
        return self.read(texts)[0]

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """(N, H) the states of [CLS], as RadCliQ and the CheXbert similarity take them."""
        return self.read(texts)[1]

    def read(self, texts: Sequence[str]) -> tuple[CodeArray, Embeddings]:
        """(N, 14) codes and (N, H) states of [CLS], each different text read once; a blank one is [CLS] [SEP]."""
        import torch

        cleaned = [clean(text) for text in texts]
        different = sorted(set(cleaned), key=lambda text: (len(text), text))
        row = {text: index for index, text in enumerate(different)}
        codes = np.zeros((len(different), len(CLASSES)), np.int8)
        states = np.zeros((len(different), self.width), np.float32)
        with torch.inference_mode(), progress("texts", len(different)) as advance:
            for start in range(0, len(different), _AT_ONCE):
                state = self._states(different[start : start + _AT_ONCE])
                chosen = torch.stack([head(state).argmax(dim=1) for head in self.heads], dim=1)
                codes[start : start + _AT_ONCE] = chosen.cpu().numpy()
                states[start : start + _AT_ONCE] = state.cpu().numpy()
                advance(len(state))
        rows = [row[text] for text in cleaned]
        return codes[rows], states[rows]

    def _states(self, texts: Sequence[str]) -> "Tensor":
        """(B, H) of cleaned texts; what is longer than 512 tokens is cut, [SEP] kept."""
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
        ).to(self.encoder.device)
        states: Tensor = self.encoder(
            tokens["input_ids"], attention_mask=tokens["attention_mask"], token_type_ids=tokens["token_type_ids"]
        ).last_hidden_state[:, 0]
        return states


def clean(text: str) -> str:
    """What CheXbert's tokeniser is given: line breaks and runs of blanks become one blank."""
    return " ".join(encodable(text).split())


def _beside(weights: Path, given: str, name: str) -> Path | None:
    """A file that belongs to the weights: from their folder, or from the repository where they came from the hub."""
    repository = hub_repository(given)
    if repository:
        return from_hub(repository, name, "chexbert")
    path = weights.parent / name
    return path if path.is_file() else None


def _vocabulary(weights: Path, given: str) -> Path:
    """The file of the tokeniser. Raises InputError where there is none."""
    for name in ("tokenizer.json", "vocab.txt"):
        found = _beside(weights, given, name)
        if found:
            return found
    found = from_hub(BASE, "vocab.txt", "chexbert") if hub_repository(given) else None
    if found is None:
        raise InputError(f"chexbert: no vocab.txt beside {weights}: put that of bert-base-uncased there")
    return found


def _built(weights: Path, config: Path | None) -> "tuple[BertModel, nn.ModuleList]":
    """The encoder and the heads, filled, in single precision. Raises InputError where the weights do not fit."""
    try:
        import torch
        from transformers import BertConfig, BertModel
    except ModuleNotFoundError as error:
        raise MissingExtraError(EXTRA, "chexbert") from error
    tensors = {
        name: tensor.float()
        for name, tensor in read_tensors(weights, "chexbert").items()
        if not name.startswith(_UNUSED)
    }
    try:
        settings = BertConfig() if config is None else BertConfig.from_json_file(config)
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            encoder = BertModel(settings, add_pooling_layer=False)
            heads = torch.nn.ModuleList([torch.nn.Linear(settings.hidden_size, count) for count in _CODES])
    except Exception as error:  # transformers raises whatever its checks of settings meet
        raise InputError(f"chexbert: {config}: no settings of BERT ({type(error).__name__})") from error
    whole = torch.nn.ModuleDict({"bert": encoder, "linear_heads": heads})
    try:
        whole.load_state_dict(tensors)
    except RuntimeError as error:
        of = "BERT base, and there is no config.json" if config is None else f"what {config.name} says"
        raise InputError(f"chexbert: {weights}: the weights are not those of a CheXbert of {of}") from error
    whole.eval()
    return encoder, heads


def _tokenizer(vocabulary: Path) -> Any:
    """BERT's tokeniser, uncased unless its tokenizer.json says otherwise."""
    from transformers import BertTokenizer

    return BertTokenizer.from_pretrained(vocabulary.parent, local_files_only=True)
