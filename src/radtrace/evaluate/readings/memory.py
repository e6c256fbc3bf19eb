"""Does a model repeat its training reports: whole ones, and long runs of words that one report alone has.

Normal reports are short and alike: new true reports, too, equal old ones. What a model repeats is therefore set
beside what the references of the same studies repeat.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from radtrace.evaluate.readings.english import normalised

_LONG = 12
"""Words of a run that is counted as copied: a usual sentence is shorter."""


@dataclass(frozen=True, slots=True)
class Run:
    """The longest run of words that a text shares with training reports; alone: that one of them alone has."""

    longest: int
    alone: int


@dataclass(slots=True)
class _State:
    """Runs of words that end in the same places. report: the one that has them; -1, several."""

    length: int
    link: int
    report: int
    following: dict[str, int] = field(default_factory=dict)


class Reports:
    """Training reports as a suffix automaton over words (Blumer et al. 1985): runs are found in the text's length."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._states = [_State(0, -1, -1)]
        self.whole: set[str] = set()
        for number, text in enumerate(texts):
            said = normalised(text)
            self.whole.add(said)
            self._add(said.split(), number)

    def _add(self, said: Sequence[str], report: int) -> None:
        last = 0
        for word in said:
            last = self._extended(last, word)
            self._mark(last, report)

    def _mark(self, state: int, report: int) -> None:
        """A report has this run, and so all its endings."""
        while state > 0 and self._states[state].report not in (report, -1):
            self._states[state].report = report if self._states[state].report == _NONE else -1
            state = self._states[state].link

    def _extended(self, last: int, word: str) -> int:
        """The state of the runs that end in this word (generalised to several texts)."""
        states = self._states
        after = states[last].following.get(word)
        if after is not None:
            return after if states[after].length == states[last].length + 1 else self._split(last, after, word)
        new = len(states)
        states.append(_State(states[last].length + 1, 0, _NONE))
        at = last
        while at != -1 and word not in states[at].following:
            states[at].following[word] = new
            at = states[at].link
        if at != -1:
            after = states[at].following[word]
            fits = states[after].length == states[at].length + 1
            states[new].link = after if fits else self._split(at, after, word)
        return new

    def _split(self, at: int, after: int, word: str) -> int:
        """A state of its own for the shorter runs of `after`."""
        states, old = self._states, self._states[after]
        copy = len(states)
        states.append(_State(states[at].length + 1, old.link, old.report, dict(old.following)))
        old.link = copy
        while at != -1 and states[at].following.get(word) == after:
            states[at].following[word] = copy
            at = states[at].link
        return copy

    def run(self, text: str) -> Run:
        """What a text shares with them."""
        longest = alone = length = at = 0
        states = self._states
        for word in normalised(text).split():
            while at and word not in states[at].following:
                at = states[at].link
                length = states[at].length
            at = states[at].following.get(word, 0)
            length = length + 1 if at else 0
            longest = max(longest, length)
            if at and states[at].report >= 0:
                alone = max(alone, length)
        return Run(longest, alone)


_NONE = -2


@dataclass(frozen=True, slots=True)
class Repeated:
    """Of N texts. identical: those that equal a training report. runs: of each."""

    identical: tuple[str, ...]
    runs: Mapping[str, Run]

    def to_json(self) -> dict[str, Any]:
        """Counts, never words."""
        longest, alone = (np.array([getattr(run, name) for run in self.runs.values()]) for name in ("longest", "alone"))
        count = len(self.runs)
        if not count:
            return {"reports": 0}
        return {
            "reports": count,
            "identical": len(self.identical),
            "share_identical": len(self.identical) / count,
            "longest_run_median": float(np.median(longest)),
            "longest_run_95": float(np.quantile(longest, 0.95)),
            "longest_run": int(longest.max()),
            "longest_run_of_one_report": int(alone.max()),
            f"share_with_{_LONG}_words_of_one_report": float((alone >= _LONG).mean()),
        }


def repeated(texts: Mapping[str, str], train: Reports) -> Repeated:
    """What the reports of some studies repeat of the training reports."""
    identical = tuple(study for study, text in texts.items() if normalised(text) in train.whole)
    return Repeated(identical, {study: train.run(text) for study, text in texts.items()})
