"""GREEN: findings that a candidate report matches, beside the clinically significant errors that it makes.

The counts come from the published model (`green_local`), from a chat model (`green_style`), each under its own name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from radtrace.metrics.judged.asking import unusable_share
from radtrace.metrics.pairs import Pair
from radtrace.metrics.scores import Score, mean_score, signature

Kind = Literal[
    "false_finding", "missing_finding", "wrong_location", "wrong_severity", "invented_comparison", "omitted_comparison"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Categories (a) to (f) of errors: Ostmeier et al. 2024, Sec. 3.1, after Yu et al. 2023 (ReXVal)."""
SIGNIFICANT, INSIGNIFICANT, MATCHED = (
    "Clinically Significant Errors",
    "Clinically Insignificant Errors",
    "Matched Findings",
)
Six = tuple[int, int, int, int, int, int]
_NONE: Six = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted in a candidate report; errors by category, (a) to (f)."""

    matched: int
    significant: Six
    insignificant: Six

    @property
    def green(self) -> float:
        """GREEN: matched / (matched + significant errors), in [0, 1]; 0 where nothing matches."""
        return self.matched / (self.matched + sum(self.significant)) if self.matched else 0.0


def read_response(text: str) -> Counts | None:
    """The counts in a response of the published format.

    Returns: None where the section of significant errors, or that of matched findings, is missing or cannot be read.
    Source:  as green_score 0.0.12 reads it (`parse_error_counts`), except that this reads a response without
        significant errors' section as free of errors (GREEN 1), and one without a count of matches as 0 matches.
    """
    significant, insignificant = _errors(text, SIGNIFICANT), _errors(text, INSIGNIFICANT)
    matched = _matched(text)
    if significant is None or matched is None:
        return None
    return Counts(matched, significant, insignificant or _NONE)


def _section(text: str, name: str) -> str | None:
    """From behind its heading to the next blank line."""
    found = re.search(rf"\[{name}\]:\s*(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
    return found[1] if found else None


def _matched(text: str) -> int | None:
    section = _section(text, MATCHED)
    if section is None:
        return None
    if section.startswith("No"):
        return 0
    count = re.match(r"(\d+)\.", section)
    return int(count[1]) if count else None


def _errors(text: str, name: str) -> Six | None:
    """Counts by category: lines "(a) …: N. …", or "(1) …: N. …" where no letter stands; the last of equals counts."""
    section = _section(text, name)
    if section is None:
        return None
    if section.startswith("No"):
        return _NONE
    lines, keys = sorted(re.findall(r"\([a-f]\) .*", section)), "abcdef"
    if not lines:
        lines, keys = sorted(re.findall(r"\([1-6]\) .*", section)), "123456"
    counts = dict.fromkeys(keys, 0)
    for line in lines:
        count = re.search(r"(?<=: )\b\d+\b(?=\.)", line)
        if count:
            counts[line[1]] = int(count[0])
    a, b, c, d, e, f = counts.values()
    return a, b, c, d, e, f


def green_scores(name: str, pairs: Sequence[Pair], counts: Sequence[Counts | None], **settings: object) -> list[Score]:
    """GREEN, the mean over pairs; then the share of unusable answers, and the mean counts.

    A failed prediction, and an unusable answer, has GREEN 0. The counts are means over the pairs that were counted:
    for the others there is nothing to count, so read them beside `…_unusable` and the number of failed predictions.

    Args:    counts: None where the prediction failed, where there is no reference, and where an answer is unusable.
    """
    said = {**settings, "formula": "matched/(matched+significant)", "unusable": "0"}
    values = [_value(pair, count) for pair, count in zip(pairs, counts, strict=True)]
    asked = [pair.scored and not pair.failed for pair in pairs]
    usable = [count is not None for count in counts]
    scores = [
        mean_score(name, values, signature(name, **said)),
        unusable_share(f"{name}_unusable", asked, usable, **settings),
    ]
    for place, category in enumerate(KINDS):
        for part, kind in (("errors", "significant"), ("minor", "insignificant")):
            each = [None if count is None else float(getattr(count, kind)[place]) for count in counts]
            title = f"{name}_{part}_{'abcdef'[place]}"
            signed = signature(title, **settings, category=category, kind=kind, over="counted", better="lower")
            scores.append(mean_score(title, each, signed))
    matched = [None if count is None else float(count.matched) for count in counts]
    return [*scores, mean_score(f"{name}_matched", matched, signature(f"{name}_matched", **settings, over="counted"))]


def _value(pair: Pair, counts: Counts | None) -> float | None:
    if not pair.scored:
        return None
    return counts.green if counts else 0.0
