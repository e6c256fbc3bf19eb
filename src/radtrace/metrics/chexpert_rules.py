"""The 14 CheXpert labels that our rules read in predictions and in references. Not CheXbert, and never called so."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

import numpy as np

from radtrace.findings import CHEXPERT, chexpert_labels, findings_of
from radtrace.metrics.label_scores import NOT_PRESENT, PRESENT, UNCERTAIN, LabelArray, Labelled, label_scores
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score

_ENOUGH = 4000
"""Texts from which on further processes are worth their start."""
_AT_ONCE = 500
_CODES = {"present": PRESENT, "uncertain": UNCERTAIN, "absent": NOT_PRESENT, None: NOT_PRESENT}


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


def labels_of(texts: Sequence[str]) -> LabelArray:
    """(M, 14) labels of texts; each text is read once, on all cores."""
    different = list(dict.fromkeys(texts))
    groups = [different[start : start + _AT_ONCE] for start in range(0, len(different), _AT_ONCE)]
    cores = min(os.cpu_count() or 1, len(groups))
    if cores < 2 or len(different) < _ENOUGH:
        read = [_read(group) for group in groups]
    else:
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
            read = list(pool.map(_read, groups))
    rows = dict(zip(different, chain.from_iterable(read), strict=True))
    return np.array([rows[text] for text in texts], np.int8).reshape(-1, len(CHEXPERT))


def _read(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """The labels of each text; nothing is present in a blank one."""
    nothing = (NOT_PRESENT,) * len(CHEXPERT)
    return [
        tuple(_CODES[status] for status in chexpert_labels(findings_of(text)).values()) if text.strip() else nothing
        for text in texts
    ]
