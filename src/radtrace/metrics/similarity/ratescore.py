"""RaTEScore: entities of two reports compared by meaning, weighed by what kinds of entity they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radtrace.errors import InputError
from radtrace.metrics.backing import Backing
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.metrics.scoring import Metric
from radtrace.metrics.similarity.folders import local_folder, read_network, read_tokenizer, weights_digest
from radtrace.metrics.similarity.ratescore_entities import (
    TYPES,
    Entity,
    Recognizer,
    Split,
    medspacy_sentences,
    our_sentences,
)

if TYPE_CHECKING:
    from torch import Tensor

HOW = (
    "NER,ENCODER, each a folder or a hub id: Angelakeke/RaTE-NER-Deberta,FremyCompany/BioLORD-2023-C "
    "(MIT; BioLORD asks for licences of UMLS and SNOMED CT)"
)
"""How to get the checkpoints."""
# Rows: the type of an entity; columns: that of the entity most similar to it on the other side; in the order of TYPES.
_WEIGHTS = (
    (0.4276119164393705, 0.6240929990607657, 0.0034478181112993847, 0.5431049700217344, 0.27005425386213877),
    (0.7487824274337533, 0.2856134859160784, 0.4592143222158069, 0.02097055139911715, 0.00013736314126696204),
    (0.8396510075734789, 0.9950209388542061, 0.8460555030578727, 0.9820689020512646, 0.3789136708096537),
    (0.16546764653692908, 0.018670610691852826, 0.719397354576018, 0.0009357166071730684, 0.0927333564267591),
    (0.7759420231214385, 0.1839139293714062, 0.10073046076318157, 0.03860183811876373, 0.34065681486566446),
)
_AFFINITY = {
    (own, other): weight
    for own, row in zip(TYPES, _WEIGHTS, strict=True)
    for other, weight in zip(TYPES, row, strict=True)
}
_NEGATED = 0.8716553966489615
"""What a similarity counts where one of the two is negated and the other is not. These are the package's numbers for
long reports ("long", its default)."""
_NEGATIONS = frozenset({"NON-DISEASE", "NON-ABNORMALITY"})
_STATED = frozenset({"DISEASE", "ABNORMALITY"})
_LONGEST = 30
_AT_ONCE = 64
_PAIRS = 256


@dataclass(frozen=True, slots=True)
class RateScore:
    """The two networks. encoder, tokenizer: of entities' words; checkpoint: of its weights, sha256, 12 digits."""

    recognizer: Recognizer
    encoder: Any
    tokenizer: Any
    checkpoint: str

    @classmethod
    def load(cls, given: str, split: Split) -> "RateScore":
        """The networks of NER,ENCODER. Raises InputError where they are not two that can be read."""
        parts = given.split(",")
        if len(parts) != 2 or not all(parts):
            raise InputError(f"ratescore: {given}: write --checkpoint ratescore=NER,ENCODER")
        ner, encoder = (local_folder(part, "ratescore") for part in parts)
        return cls(
            Recognizer.load(ner, split),
            read_network(encoder, "ratescore"),
            read_tokenizer(encoder, "ratescore"),
            weights_digest(encoder),
        )

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[list[Entity], list[Entity], float]]:
        """Of each (prediction, reference): the entities of both, and their similarity, 0 where a side has none."""
        for start in range(0, len(pairs), _PAIRS):
            some = pairs[start : start + _PAIRS]
            texts = sorted({text for pair in some for text in pair})
            entities = dict(zip(texts, self.recognizer(texts), strict=True))
            states = self._states(sorted({words for found in entities.values() for words, _ in found}))
            for predicted, wanted in some:
                sides = entities[predicted], entities[wanted]
                yield *sides, _similarity(*sides, states) if all(sides) else 0.0

    def _states(self, words: Sequence[str]) -> "dict[str, Tensor]":
        """(H,) unit state of the first token of each entity, of which 30 tokens are read."""
        import torch

        found: dict[str, Tensor] = {}
        for start in range(0, len(words), _AT_ONCE):
            some = list(words[start : start + _AT_ONCE])
            read = self.tokenizer(some, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")
            with torch.inference_mode():
                states = self.encoder(**read.to(self.encoder.device)).last_hidden_state[:, 0].cpu()
            found |= zip(some, torch.nn.functional.normalize(states, dim=1), strict=True)
        return found


def _similarity(predicted: Sequence[Entity], wanted: Sequence[Entity], states: "Mapping[str, Tensor]") -> float:
    """The harmonic mean of both directions, 0-1; 0 where one of them is not positive."""
    import torch

    ours, theirs = (torch.stack([states[words] for words, _ in side]) for side in (predicted, wanted))
    kinds, others = [kind for _, kind in predicted], [kind for _, kind in wanted]
    forth = _directed(theirs, ours, others, kinds)
    back = _directed(ours, theirs, kinds, others)
    return 2 * forth * back / (forth + back) if min(forth, back) > 0 else 0.0


def _directed(own: "Tensor", other: "Tensor", kinds: Sequence[str], others: Sequence[str]) -> float:
    """The mean over own entities (E, H) of the cosine with the most similar of the other side's (F, H).

    It is weighed by the affinity of the two types and lowered where just one of them is negated.
    """
    total = weights = 0.0
    for state, kind in zip(own, kinds, strict=True):
        cosine, place = (other @ state).topk(1)  # ties as in the package
        nearest = others[int(place)]
        weight = _AFFINITY[kind, nearest]
        total += weight * min(float(cosine), 1.0) * (_NEGATED if _contrary(kind, nearest) else 1.0)
        weights += weight
    return total / weights


def _contrary(one: str, other: str) -> bool:
    return (one in _NEGATIONS and other in _STATED) or (one in _STATED and other in _NEGATIONS)


def ratescore(backing: Backing) -> Metric:
    """`ratescore`, 0-1: the mean over pairs of the raw texts' RaTEScore; the numbers of the package RaTEScore 0.6.0.

    As there a pair counts 0.5 where the networks find no entity on one of its sides. Otherwise than there each pair
    stands alone (a text without sentences shifts no other pair), a failed prediction is 0, and two reports whose
    entities point away from each other are 0 rather than beyond 0-1.

    Raises:  InputError without medspacy, which parts the sentences.
    Source:  Zhao et al., "RaTEScore", EMNLP 2024, Sec. 3.
    """
    given = backing.checkpoint("ratescore", HOW)
    scorer = RateScore.load(given, medspacy_sentences())

    def metric(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        values = [
            None if found is None else (found[2] if all(found[:2]) else 0.0 if pair.failed else 0.5)
            for pair, found in zip(pairs, _compared(scorer, pairs), strict=True)
        ]
        signed = _signature("ratescore", given, scorer, f"medspacy {version('medspacy')}", "0.5")
        return [mean_score("ratescore", values, signed)]

    return metric


def ratescore_radtrace(backing: Backing) -> Metric:
    """`ratescore_radtrace`, 0-1: RaTEScore with our sentences, and with nothing for finding nothing.

    A prediction without entities is 0; a reference without entities is not scored. Otherwise as `ratescore`.
    """
    given = backing.checkpoint("ratescore", HOW)
    scorer = RateScore.load(given, our_sentences)

    def metric(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        values = [found[2] if found and found[1] else None for found in _compared(scorer, pairs)]
        return [
            mean_score(
                "ratescore_radtrace", values, _signature("ratescore_radtrace", given, scorer, "radtrace", "0/unscored")
            )
        ]

    return metric


def _compared(scorer: RateScore, pairs: Sequence[Pair]) -> Iterator[tuple[list[Entity], list[Entity], float] | None]:
    """What the networks find of each pair, None where it is unscored."""
    found = scorer([(pair.predicted, pair.wanted) for pair in pairs if pair.scored])
    return (next(found) if pair.scored else None for pair in pairs)


def _signature(name: str, given: str, scorer: RateScore, split: str, empty: str) -> str:
    ner, encoder = (Path(part).name for part in given.split(","))
    return signature(
        name,
        variant="RaTEScore 0.6.0",
        affinity="long",
        sentences=split,
        no_entities=empty,
        ner=ner,
        encoder=encoder,
        checkpoint=f"{scorer.recognizer.checkpoint}+{scorer.checkpoint}",
        transformers=version("transformers"),
    )
