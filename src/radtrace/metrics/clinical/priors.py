"""Prior hallucination: words of comparison where the model was given no earlier study."""

import re
from collections.abc import Sequence

from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score, mean_score, signature

_COMPARING = re.compile(
    r"\b(?:prior|previous(?:ly)?|earlier|preceding|comparison|compared|interval(?:ly)?|again|unchanged|stable|stably|new"
    r"|newly|improv(?:ed|ing|ement)|worse(?:ned|ning)?|progress(?:ed|ing|ion)|resol(?:ved|ving|ution)|persist\w*"
    r"|redemonstrat\w+|re-demonstrat\w+|(?:no|without)(?: \w+){0,2} change|(?:has|have) (?:\w+ )?(?:in|de)creased"
    r"|(?:in|de)creasing|(?:in|de)creased (?:since|from|compared)|remains?|since (?:the )?(?:last|prior|previous))\b",
    re.IGNORECASE,
)
_NOT_COMPARING = re.compile(
    r"\b(?:no|without|absent)(?: \w+)? (?:comparisons?|priors?|previous)\b[^.;,]*|\bcomparison: ?none\b", re.IGNORECASE
)


def prior_hallucination(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Share of predictions that compare with an earlier study, 0-1, lower is better; a failed prediction counts as one.

    It supposes that no prior was given with any study. "No prior for comparison" compares with nothing. Of the raw
    text; the references are read only for whether there is one.
    """
    values = [None if not pair.scored else float(pair.failed or compares(pair.predicted)) for pair in pairs]
    signed = signature("prior_hallucination", rules="words", prior="none given", better="lower")
    return [mean_score("prior_hallucination", values, signed)]


def compares(text: str) -> bool:
    """Whether a report has words of comparison with an earlier film, other than that there is none."""
    return _COMPARING.search(_NOT_COMPARING.sub("", text)) is not None
