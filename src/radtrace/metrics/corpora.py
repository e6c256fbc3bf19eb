"""The functions from summed statistics to corpus values by name, so that a score file needs no code in it."""

import importlib
import json
import math
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from radtrace.metrics.scores import Corpus

CORPORA: dict[str, str] = {
    "ratio": "radtrace.metrics.scores:ratio",
    "coco_bleu": "radtrace.metrics.language.bleu:coco_bleu",
    "sacrebleu_bleu": "radtrace.metrics.language.bleu:sacrebleu_bleu",
    "meteor": "radtrace.metrics.language.meteor:meteor_of",
    "harmonic": "radtrace.metrics.judged.radfact:harmonic",
    "f1": "radtrace.metrics.clinical.label_scores:f1",
    "micro_f1": "radtrace.metrics.clinical.label_scores:micro_f1",
    "macro_f1": "radtrace.metrics.clinical.label_scores:macro_f1",
}
"""name -> "module:attr" of a `Corpus`. A score file names one of these; a path in a file would be run unread."""


def to_spec(function: Corpus | None) -> dict[str, Any] | None:
    """How a score file says by what a metric sums up: {"by": name, setting: value, …}, NaN as null.

    Returns: None where the function is none of the table's: its metric cannot be summed up from a file.
    """
    base = function.func if isinstance(function, partial) else function
    settings = function.keywords if isinstance(function, partial) else {}
    name = next((name for name in CORPORA if base is not None and _base(name) is base), None)
    return {"by": name} | {key: _plain(value) for key, value in settings.items()} if name else None


def from_spec(spec: Mapping[str, Any]) -> Corpus | None:
    """The function that a score file names, the same object for the same words; None where the table has no such."""
    return _function(json.dumps(spec, sort_keys=True)) if spec.get("by") in CORPORA else None


@cache
def _function(spec: str) -> Corpus:
    settings = json.loads(spec)
    function = _base(settings.pop("by"))
    known = {key: math.nan if value is None else value for key, value in settings.items()}
    return partial(function, **known) if known else function


@cache
def _base(name: str) -> Corpus:
    module, attribute = CORPORA[name].split(":")
    found: Corpus = getattr(importlib.import_module(module), attribute)
    return found


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
