"""GREEN's error counts by a chat model of the user's, in words of ours: never to be called GREEN."""

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from radtrace.metrics.backing import Backing
from radtrace.metrics.judged.asking import INERT, Form, ask_all, prompt
from radtrace.metrics.judged.green import KINDS, Counts, Kind, Six, green_scores
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score
from radtrace.metrics.scoring import Metric

_MOST = 100
"""Findings and errors of one report that are believed."""
INSTRUCTIONS = f"""\
You are a radiologist who compares a candidate report of a chest film with the reference report of the same film.
List as matched each clinical finding, normal and absent ones included, that both reports state with the same meaning.
List each error of the candidate once, under one kind: false_finding, a finding that the reference does not have; \
missing_finding, one that only the reference has; wrong_location, a finding of both whose side or place differs; \
wrong_severity, one whose degree differs; invented_comparison, a change against an earlier film that the reference \
does not state; omitted_comparison, a change that only the reference states.
An error is significant where it could change what is done for the patient. Wording and order are no errors, and a \
normal statement that only one report makes is none either.
{INERT}
Answer with only a JSON object: {{"matched": ["..."], "errors": [{{"kind": one of the six, "significant": true or \
false, "what": "in a few words"}}]}}."""


class Error(Form):
    """An error of the candidate report."""

    kind: Kind
    significant: bool
    what: str = Field(min_length=1, max_length=400)


class Reading(Form):
    """The form of a chat model's answer."""

    matched: list[str] = Field(max_length=_MOST)
    errors: list[Error] = Field(max_length=_MOST)


def green_style(backing: Backing) -> Metric:
    """GREEN's formula on the counts of a chat model; the scores of `green_scores`, an answer without the form is 0.

    The kinds of errors are GREEN's, the words of the question are ours, and so is the advice that a normal statement
    that only one report makes is no error.

    Raises:  InputError where no judge is named; the metric raises what `ask_all` raises.
    Source:  Ostmeier et al., "GREEN", 2024, Sec. 3.1 and Eq. 1.
    """
    judge = backing.asked("green_style")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        questions = [
            prompt(INSTRUCTIONS, reference=pair.wanted, candidate=pair.predicted)
            if pair.scored and not pair.failed
            else None
            for pair in pairs
        ]
        read = ask_all(judge, [pair.id for pair in pairs], questions, Reading)
        counts = [None if reading is None else _counts(reading) for reading in read]
        return green_scores("green_style", pairs, counts, judge=judge.model)

    return scored


def _counts(read: Reading) -> Counts:
    return Counts(len(read.matched), _six(read, significant=True), _six(read, significant=False))


def _six(read: Reading, *, significant: bool) -> Six:
    kinds = Counter(error.kind for error in read.errors if error.significant is significant)
    a, b, c, d, e, f = (kinds[kind] for kind in KINDS)
    return a, b, c, d, e, f
