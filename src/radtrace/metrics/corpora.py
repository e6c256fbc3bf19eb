"""The functions from summed statistics to corpus values by name, so that score files need no code in them."""

import importlib
from functools import cache, partial

from radtrace.metrics.scores import Corpus

CORPORA: dict[str, tuple[str, dict[str, int]]] = {
    "ratio": ("radtrace.metrics.scores:ratio", {}),
    **{f"bleu_{order}": ("radtrace.metrics.bleu:coco_bleu", {"order": order}) for order in range(1, 5)},
    "bleu_sacrebleu": ("radtrace.metrics.bleu:sacrebleu_bleu", {}),
}
"""name -> "module:attr" of a `Corpus` and its settings. A metric of the same name needs no other entry.

A score file names one of these; a path in a file would be run unread.
"""


@cache
def corpus(name: str) -> Corpus | None:
    """The function of this name, imported now, the same object each time; None where this radtrace knows none."""
    if name not in CORPORA:
        return None
    path, settings = CORPORA[name]
    module, attribute = path.split(":")
    found: Corpus = getattr(importlib.import_module(module), attribute)
    return partial(found, **settings) if settings else found


def corpus_name(function: Corpus | None) -> str | None:
    """The name under which a score file may say that a metric sums up by this function; None where it has none."""
    return next((name for name in CORPORA if _parts(corpus(name)) == _parts(function)), None) if function else None


def _parts(function: Corpus | None) -> tuple[object, dict[str, object]]:
    return (function.func, function.keywords) if isinstance(function, partial) else (function, {})
