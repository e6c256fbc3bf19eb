"""RadCliQ-v1: four similarities of two reports, combined to foretell the errors that radiologists count."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np

from radtrace.errors import InputError
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.chexbert import HOW as HOW_CHEXBERT
from radtrace.metrics.clinical.chexbert import Chexbert
from radtrace.metrics.clinical.radgraph_model import HOW as HOW_RADGRAPH
from radtrace.metrics.clinical.radgraph_model import Radgraph, load_radgraph
from radtrace.metrics.clinical.radgraph_reward import Graph
from radtrace.metrics.language.bleu import bleu
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import PRESETS, Preset
from radtrace.metrics.scores import FloatArray, Score, mean_score, signature
from radtrace.metrics.scoring import Metric
from radtrace.metrics.similarity.bertscore import BertScore

HOW_BERTSCORE = "distilbert/distilroberta-base (Apache-2.0), or a folder of that name with it"
"""How to get the network of RadCliQ's BERTScore."""
_MODEL, _LAYER = "distilroberta-base", 5
_BASELINE = 0.8473319
"""F1 of unrelated texts at that layer: bert-score 0.3.13, `rescale_baseline/en/distilroberta-base.tsv`."""
MEANS = np.array([0.53792312, 0.61757256, 0.76479421, 0.44738335])
SCALES = np.array([0.30282584, 0.22430938, 0.25394391, 0.29892717])
WEIGHTS = np.array([-3.77083683e-01, -3.70300100e-01, -2.52616218e-01, 4.31504841e-12])
INTERCEPT = 2.46655256e-10
"""Scaler and regression on RadGraph, BERTScore, CheXbert and BLEU-2, fitted by its authors to 160 pairs of ReXVal: what
radcliq-v1.pkl of rajpurkarlab/CXR-Report-Metric holds, as RadEval states it (jbdel/RadEval, RadCliQv1/radcliq.py)."""
_FAILED = (0.0, -_BASELINE / (1 - _BASELINE), 0.0, 0.0)


def radcliq(features: FloatArray) -> FloatArray:
    """RadCliQ-v1 of features (..., 4): RadGraph, rescaled BERTScore, CheXbert, BLEU-2. -1.44 of equal texts."""
    score: FloatArray = ((features - MEANS) / SCALES) @ WEIGHTS + INTERCEPT
    return score


def graph_similarity(predicted: Graph, wanted: Graph) -> float:
    """Mean of two F1, 0-1: of the entities (tokens, label), and of the relations (entity, entity, type).

    The F1 of two sets that share nothing is 0, of two empty ones as well. Case counts.
    """
    return (_f1(_entities(predicted), _entities(wanted)) + _f1(_relations(predicted), _relations(wanted))) / 2


def _entities(graph: Graph) -> set[tuple[str, str]]:
    return {(entity["tokens"], entity["label"]) for entity in graph.values()}


def _relations(graph: Graph) -> set[tuple[str, str, str, str, str]]:
    return {
        (entity["tokens"], entity["label"], graph[target]["tokens"], graph[target]["label"], kind)
        for entity in graph.values()
        for kind, target in entity["relations"]
    }


def _f1(predicted: AbstractSet[object], wanted: AbstractSet[object]) -> float:
    total = len(predicted) + len(wanted)
    return 2 * len(predicted & wanted) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class RadCliQ:
    """The three networks that it stands on."""

    bertscore: BertScore
    chexbert: Chexbert
    radgraph: Radgraph

    @classmethod
    def load(cls, backing: Backing) -> "RadCliQ":
        """The networks of the checkpoints bertscore, chexbert and radgraph. Raises InputError where one is not fit."""
        given = backing.checkpoint("bertscore", HOW_BERTSCORE)
        bertscore = BertScore.load(given)
        if (bertscore.name, bertscore.layer) != (_MODEL, _LAYER):
            raise InputError(f"radcliq_v1: bertscore={given}: it stands on {HOW_BERTSCORE}, layer {_LAYER}")
        return cls(
            bertscore,
            Chexbert.load(backing.checkpoint("chexbert", HOW_CHEXBERT)),
            load_radgraph(backing.checkpoint("radgraph", f"{HOW_RADGRAPH}; RadCliQ was fitted with radgraph.tar.gz")),
        )

    def features(self, pairs: Sequence[Pair]) -> FloatArray:
        """(N, 4) in the order of `WEIGHTS`, of pairs with words on both sides."""
        raw = [(pair.predicted, pair.wanted) for pair in pairs]
        graphs = self.radgraph.annotate([text for sides in raw for text in sides])
        f1 = self.bertscore([(_one_blank(predicted), _one_blank(wanted)) for predicted, wanted in raw])[:, 2]
        states = self.chexbert.embed([text for sides in raw for text in sides]).astype(np.float64)
        unit = states / np.linalg.norm(states, axis=1, keepdims=True)
        words = replace(PRESETS["strict"], prediction=_words, reference=_words)
        return np.stack(
            [
                np.array([graph_similarity(*sides) for sides in zip(graphs[::2], graphs[1::2], strict=True)]),
                (f1 - _BASELINE) / (1 - _BASELINE),
                (unit[::2] * unit[1::2]).sum(axis=1),
                np.array(bleu(pairs, words)[1].per_sample, np.float64),
            ],
            axis=-1,
        )


def _one_blank(text: str) -> str:
    return re.sub(" +", " ", text)


def _words(text: str) -> str:
    return text.lower().replace(".", " .")


def radcliq_v1(backing: Backing) -> Metric:
    """`radcliq_v1`, see `radcliq_by`. Raises InputError where one of its three checkpoints is not there."""
    return radcliq_by(RadCliQ.load(backing))


def radcliq_by(networks: RadCliQ) -> Metric:
    """`radcliq_v1`: the mean over pairs of the raw texts' RadCliQ-v1. Lower is better; no 1 / mean as RadEval prints.

    A prediction equal to its reference has -1.44. A failed prediction has the stated 11.6: no shared entity, and 0
    of CheXbert, BLEU and BERTScore, whose rescaled 0 is -5.55, as bert-score has it for an empty text. BERTScore weighs
    without idf; BLEU-2 hardly counts (its weight is 4e-12), so that which BLEU it is makes no difference.

    Source:  Yu et al., "Evaluating progress in automatic chest X-ray radiology report generation", Patterns 2023; its
        code's `run_eval.py`.
    """
    worst = float(radcliq(np.array(_FAILED)))
    signed = signature(
        "radcliq_v1",
        variant="RadCliQ-v1",
        better="lower",
        failed=f"{worst:.4f}",
        bertscore=f"{networks.bertscore.name}-L{_LAYER}-rescaled-no-idf-{networks.bertscore.checkpoint}",
        chexbert=networks.chexbert.checkpoint,
        radgraph=f"{networks.radgraph.model}-{networks.radgraph.checkpoint}",
        package=networks.radgraph.package,
        transformers=version("transformers"),
    )

    def metric(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        read = [pair for pair in pairs if pair.scored and not pair.failed]
        found = iter(radcliq(networks.features(read)).tolist() if read else [])
        values = [None if not pair.scored else worst if pair.failed else next(found) for pair in pairs]
        return [mean_score("radcliq_v1", values, signed)]

    return metric
