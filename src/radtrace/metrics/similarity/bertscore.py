"""BERTScore: precision, recall and F1 of the best cosine of each token, as the package bert-score computes them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radtrace.errors import InputError
from radtrace.metrics.backing import Backing
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, mean_score, signature
from radtrace.metrics.scoring import Metric
from radtrace.metrics.similarity.folders import local_folder, read_config, read_network, read_tokenizer, weights_digest

if TYPE_CHECKING:
    from torch import Tensor

HOW = (
    "a hub id such as FacebookAI/roberta-large or distilbert/distilroberta-base (MIT, Apache-2.0), "
    "or a folder with its config.json, weights and tokenizer; #LAYER behind it chooses the layer"
)
"""How to get the checkpoint."""
BASELINE = "rescale_baseline.tsv"
"""The file of a folder that rescaling reads: lines LAYER,P,R,F as in bert-score's `rescale_baseline/en/MODEL.tsv`."""
LAYERS: Mapping[str, int] = {
    "bert-base-uncased": 9,
    "bert-large-uncased": 18,
    "bert-base-multilingual-cased": 9,
    "roberta-base": 10,
    "roberta-large": 17,
    "roberta-large-mnli": 19,
    "distilroberta-base": 5,
    "distilbert-base-uncased": 5,
    "distilbert-base-multilingual-cased": 5,
    "scibert_scivocab_uncased": 8,
    "scibert_scivocab_cased": 9,
    "xlm-roberta-base": 9,
    "xlm-roberta-large": 17,
    "electra-small-discriminator": 11,
    "electra-base-discriminator": 9,
    "electra-large-discriminator": 14,
    "mpnet-base": 8,
    "deberta-base": 9,
    "deberta-base-mnli": 9,
    "deberta-large": 16,
    "deberta-large-mnli": 18,
    "deberta-xlarge": 18,
    "deberta-xlarge-mnli": 40,
    "deberta-v3-base": 9,
    "deberta-v3-large": 12,
}
"""The layer whose states bert-score 0.3.13 takes, by the last part of a hub id; of other networks the last one."""
_FAMILIES = frozenset({"bert", "roberta", "distilbert", "xlm-roberta", "electra", "mpnet", "deberta", "deberta-v2"})
_ROBERTA = "RobertaTokenizer"
"""The tokenizer whose texts bert-score begins with a blank."""
_EMPTY = 2
"""Tokens of a text that has none of its own."""
_AT_ONCE = 32

Weights = Callable[[Sequence[int]], Sequence[float]]
"""The weight of each token of a text."""


@dataclass(frozen=True, slots=True)
class BertScore:
    """A network whose token states are compared.

    layer: how many of its layers are run; longest: tokens of a text that are read; blank_before: whether a text begins
        with a blank; specials: ids that weigh nothing; checkpoint: sha256 of the weights, 12 digits.
    baseline: P, R and F of unrelated texts at this layer, where the folder has them.
    """

    network: Any
    tokenizer: Any
    name: str
    layer: int
    longest: int
    blank_before: bool
    specials: frozenset[int]
    checkpoint: str
    baseline: tuple[float, float, float] | None

    @classmethod
    def load(cls, given: str) -> "BertScore":
        """The network of PATH or PATH#LAYER. Raises InputError where it or that layer is not there."""
        place, _, wanted = given.partition("#")
        folder = local_folder(place, "bertscore")
        config = read_config(folder, "bertscore")
        if config.model_type not in _FAMILIES:
            raise InputError(f"bertscore: {folder}: {config.model_type} is none of {', '.join(sorted(_FAMILIES))}")
        name = Path(place).name
        layer = _layer(wanted, name, config.num_hidden_layers)
        tokenizer = read_tokenizer(folder, "bertscore")
        offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "mpnet") else 0
        return cls(
            read_network(folder, "bertscore", layers=layer),
            tokenizer,
            name,
            layer,
            min(tokenizer.model_max_length, config.max_position_embeddings - offset),
            config.model_type == "roberta" and type(tokenizer).__name__.startswith(_ROBERTA),
            frozenset({tokenizer.cls_token_id, tokenizer.sep_token_id}),
            weights_digest(folder),
            _baseline(folder, layer),
        )

    def __call__(self, pairs: Sequence[tuple[str, str]], *, idf: bool = False) -> FloatArray:
        """(N, 3) P, R and F1 of (prediction, reference), 0 where a side has no tokens; not rescaled.

        Args:    idf: tokens weigh by their rarity among these references instead of 1 each.
        """
        import torch

        tokens = {text: self.tokens(text) for pair in pairs for text in pair}
        weights = _by_rarity([tokens[wanted] for _, wanted in pairs]) if idf else self._alike
        values = np.zeros((len(pairs), 3))
        order = sorted(range(len(pairs)), key=lambda row: max(len(tokens[text]) for text in pairs[row]))
        with torch.inference_mode():
            for start in range(0, len(order), _AT_ONCE):
                rows = order[start : start + _AT_ONCE]
                states = self._states({text: tokens[text] for row in rows for text in pairs[row]})
                for row in rows:
                    sides = [(states[text], weights(tokens[text])) for text in pairs[row]]
                    if all(len(side) > _EMPTY for side, _ in sides):
                        values[row] = _matched(*sides)
        return values

    def tokens(self, text: str) -> list[int]:
        """The ids of a text between the special ones, cut at `longest`."""
        stripped = text.strip()
        found: list[int] = self.tokenizer(
            " " + stripped if self.blank_before and stripped else stripped, truncation=True, max_length=self.longest
        )["input_ids"]
        return found

    def _alike(self, tokens: Sequence[int]) -> list[float]:
        return [float(token not in self.specials) for token in tokens]

    def _states(self, tokens: Mapping[str, Sequence[int]]) -> "dict[str, Tensor]":
        """(T, H) unit states of the T tokens of each text."""
        import torch

        width = max(map(len, tokens.values()))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in tokens.values()])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in tokens.values()])
        device = self.network.device
        states = self.network(ids.to(device), attention_mask=mask.to(device)).last_hidden_state.cpu()
        unit = states / states.norm(dim=-1, keepdim=True)
        return {text: unit[row, : len(tokens[text])] for row, text in enumerate(tokens)}


def _layer(wanted: str, name: str, layers: int) -> int:
    if wanted and not (wanted.isdecimal() and int(wanted) <= layers):
        raise InputError(f"bertscore: #{wanted}: {name} has layers 0 to {layers}")
    return int(wanted) if wanted else min(LAYERS.get(name, layers), layers)


def _baseline(folder: Path, layer: int) -> tuple[float, float, float] | None:
    path = folder / BASELINE
    if not path.is_file():
        return None
    try:
        rows = [line.split(",") for line in path.read_text("utf-8").split()]
        found = next(row for row in rows if row[0] == str(layer))
        precision, recall, f1 = map(float, found[1:])
    except (ValueError, StopIteration) as error:
        raise InputError(f"bertscore: {path}: no line LAYER,P,R,F of layer {layer}") from error
    return precision, recall, f1


def _by_rarity(references: Sequence[Sequence[int]]) -> Weights:
    """Inverse document frequency among the references, log((N + 1) / (n + 1)), doubled texts counted twice."""
    seen = Counter(token for tokens in references for token in set(tokens))
    texts = len(references)
    return lambda tokens: [log((texts + 1) / (seen[token] + 1)) for token in tokens]


def _matched(
    prediction: "tuple[Tensor, Sequence[float]]", reference: "tuple[Tensor, Sequence[float]]"
) -> tuple[float, float, float]:
    """P, R and F1 of two texts' unit states (T, H) and weights (T,): Eq. 1 and 2 of the paper.

    Special tokens may be matched though they weigh nothing. 0 where no token of a side weighs anything.
    """
    cosines = (prediction[0] @ reference[0].T).clamp(max=1)
    precision = _mean(cosines.amax(dim=1), prediction[1])
    recall = _mean(cosines.amax(dim=0), reference[1])
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def _mean(values: "Tensor", weights: Sequence[float]) -> float:
    total = sum(weights)
    return sum(value * weight for value, weight in zip(values.tolist(), weights, strict=True)) / total if total else 0.0


def bertscore(backing: Backing) -> Metric:
    """`bertscore` (F1), `bertscore_precision`, `bertscore_recall`: means over pairs of the raw texts' scores, 0-1.

    The numbers of bert-score 0.3.13 without idf and rescaling. A failed prediction is 0. Only where each cosine of a
    token is negative do the two differ: there bert-score takes the 0 of its batch's padding, if there is any.

    Source:  Zhang et al., "BERTScore", ICLR 2020.
    """
    return _metric(backing, "bertscore")


def bertscore_idf(backing: Backing) -> Metric:
    """`bertscore_idf` likewise, tokens weighed by their rarity among the very references that are scored."""
    return _metric(backing, "bertscore_idf", idf=True)


def bertscore_rescaled(backing: Backing) -> Metric:
    """`bertscore_rescaled` likewise, (x - b) / (1 - b) with the baseline b of the folder; a failed prediction is x = 0.

    At most 1; below 0 where a text is further from its reference than unrelated ones are.
    """
    return _metric(backing, "bertscore_rescaled", rescaled=True)


def _metric(backing: Backing, name: str, *, idf: bool = False, rescaled: bool = False) -> Metric:
    given = backing.checkpoint("bertscore", HOW)
    scorer = BertScore.load(given)
    baseline = np.array(scorer.baseline or (0.0, 0.0, 0.0)) if rescaled else np.zeros(3)
    if rescaled and scorer.baseline is None:
        raise InputError(
            f"{name}: {given} has no {BASELINE}: bert-score's rescale_baseline/en/MODEL.tsv under that name"
        )
    settings = {
        "variant": "bert-score 0.3.13",
        "model": scorer.name,
        "layer": scorer.layer,
        "idf": "references" if idf else "no",
        "rescaled": "/".join(f"{value:g}" for value in baseline) if rescaled else "no",
        "tok": type(scorer.tokenizer).__name__,
        "case": "model",
        "checkpoint": scorer.checkpoint,
        "transformers": version("transformers"),
    }

    def metric(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        read = [row for row, pair in enumerate(pairs) if pair.scored]
        values = np.full((len(pairs), 3), np.nan)
        values[read] = scorer([(pairs[row].predicted, pairs[row].wanted) for row in read], idf=idf)
        values = (values - baseline) / (1 - baseline)
        return [
            mean_score(each, _given(values[:, column]), signature(each, **settings))
            for each, column in ((name, 2), (f"{name}_precision", 0), (f"{name}_recall", 1))
        ]

    return metric


def _given(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
