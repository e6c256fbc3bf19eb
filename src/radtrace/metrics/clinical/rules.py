"""The labels that our rules read in texts, each text once, on all cores."""

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from typing import Literal

import numpy as np

from radtrace.findings import CHEXPERT, NIH14, annotate, chexpert_labels, findings_of, nih14_labels
from radtrace.metrics.clinical.label_scores import NOT_PRESENT, PRESENT, UNCERTAIN, LabelArray
from radtrace.records import Status

Scheme = Literal["chexpert", "nih14"]
SCHEMES: dict[Scheme, tuple[str, ...]] = {"chexpert": CHEXPERT, "nih14": NIH14}
"""The 14 classes of each set of labels, in order."""
_ENOUGH = 4000
"""Texts from which on further processes are worth their start."""
_AT_ONCE = 500
_CODES = {"present": PRESENT, "uncertain": UNCERTAIN, "absent": NOT_PRESENT, None: NOT_PRESENT}


def labels_of(texts: Sequence[str], scheme: Scheme = "chexpert") -> LabelArray:
    """(M, 14) labels of texts; nothing is present in a blank one."""
    different = list(dict.fromkeys(texts))
    groups = [different[start : start + _AT_ONCE] for start in range(0, len(different), _AT_ONCE)]
    cores = min(os.cpu_count() or 1, len(groups))
    read_group = partial(_read, scheme=scheme)
    if cores < 2 or len(different) < _ENOUGH:
        read = [read_group(group) for group in groups]
    else:
        with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
            read = list(pool.map(read_group, groups))
    rows = dict(zip(different, chain.from_iterable(read), strict=True))
    return np.array([rows[text] for text in texts], np.int8).reshape(-1, len(SCHEMES[scheme]))


def _read(texts: Sequence[str], scheme: Scheme) -> list[tuple[int, ...]]:
    nothing = (NOT_PRESENT,) * len(SCHEMES[scheme])
    return [
        tuple(_CODES[status] for status in _statuses(text, scheme).values()) if text.strip() else nothing
        for text in texts
    ]


def _statuses(text: str, scheme: Scheme) -> Mapping[str, Status | None]:
    return nih14_labels(annotate(text)) if scheme == "nih14" else chexpert_labels(findings_of(text))
