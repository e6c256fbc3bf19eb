"""Names of the functions from summed statistics to corpus values, so that a score file can say which it needs."""

import importlib

from radtrace.metrics.scores import Corpus

CORPORA: dict[str, str] = {
    "ratio": "radtrace.metrics.scores:ratio",
}
"""name -> "module:attr" of a `Corpus`. A score file names one of these; a path in a file would be run unread."""


def corpus(name: str) -> Corpus | None:
    """The function of this name, imported now; None where this radtrace knows none."""
    if name not in CORPORA:
        return None
    module, attribute = CORPORA[name].split(":")
    found: Corpus = getattr(importlib.import_module(module), attribute)
    return found


def corpus_name(function: Corpus | None) -> str | None:
    """The name under which a score file may say that a metric sums up by this function; None where it has none."""
    return next((name for name in CORPORA if corpus(name) is function), None) if function else None
