"""CheXbert's labels and embeddings of predictions beside those of references."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from radtrace.findings import CHEXPERT
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical import label_scores as given
from radtrace.metrics.clinical.chexbert import CLASSES, HOW, Chexbert, CodeArray, Embeddings
from radtrace.metrics.clinical.label_scores import LabelArray, Labelled, label_scores
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature
from radtrace.metrics.scoring import Metric

_LABELS = np.array([given.NOT_PRESENT, given.PRESENT, given.NOT_PRESENT, given.UNCERTAIN], np.int8)
"""By CheXbert's code: blank, positive, negative, uncertain."""
_ORDER = [CLASSES.index(name) for name in CHEXPERT]


def chexbert(backing: Backing) -> Metric:
    """F1 of the 14 labels and of five, each class, normal studies (see `label_scores`), and `chexbert_similarity`.

    The labels are those of F1CheXbert where uncertain counts as present; with `macro="all"`, as in the preset
    radeval, so are its averages. Of the raw text.
    """
    network = Chexbert.load(backing.checkpoint("chexbert", HOW))

    def scores(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
        codes, states = network.read(list(chain.from_iterable((pair.predicted, pair.wanted) for pair in pairs)))
        read = labels_of(codes)
        labels = Labelled(
            "chexbert",
            CHEXPERT,
            read[::2],
            read[1::2],
            np.array([pair.scored for pair in pairs], bool),
            np.array([pair.failed for pair in pairs], bool),
        )
        said = {"checkpoint": network.checkpoint, "vocabulary": network.vocabulary}
        values = similarities(pairs, states[::2], states[1::2])
        signed = signature("chexbert_similarity", of="cls", measure="cosine", negative="0", **said)
        return [
            *label_scores(labels, preset.uncertain, preset.macro, **said),
            mean_score("chexbert_similarity", values, signed),
        ]

    return scores


def labels_of(codes: CodeArray) -> LabelArray:
    """(N, 14) of PRESENT, NOT_PRESENT, UNCERTAIN in the order of `CHEXPERT`."""
    labels: LabelArray = _LABELS[codes][:, _ORDER]
    return labels


def similarities(pairs: Sequence[Pair], predicted: Embeddings, wanted: Embeddings) -> list[float | None]:
    """Cosine of the embeddings (N, H) of each pair, what is below 0 being 0, as is a failed prediction.

    Source:  Yu et al., "Evaluating progress in automatic chest X-ray radiology report generation", 2023: the CheXbert
        vector similarity.
    """
    one, other = (states.astype(np.float64) for states in (predicted, wanted))
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = np.clip((one * other).sum(axis=1) / np.where(lengths > 0, lengths, 1.0), 0.0, 1.0).tolist()
    return [
        None if not pair.scored else 0.0 if pair.failed else cosine for pair, cosine in zip(pairs, cosines, strict=True)
    ]
