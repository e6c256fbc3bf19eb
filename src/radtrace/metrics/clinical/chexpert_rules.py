"""The 14 CheXpert labels that our rules read in predictions and in references. Not CheXbert, and never called so."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from radtrace.findings import CHEXPERT
from radtrace.metrics.clinical.label_scores import Labelled, label_scores
from radtrace.metrics.clinical.rules import labels_of
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score


def chexpert_rules(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """F1 of 14 labels and of five, each class, and normal studies; see `label_scores`. Of the raw text."""
    texts = list(chain.from_iterable((pair.predicted, pair.wanted) for pair in pairs))
    read = labels_of(texts)
    labels = Labelled(
        "chexpert_rules",
        CHEXPERT,
        read[::2],
        read[1::2],
        np.array([pair.scored for pair in pairs], bool),
        np.array([pair.failed for pair in pairs], bool),
    )
    return label_scores(labels, preset.uncertain, preset.macro, labeller="radtrace.findings")
