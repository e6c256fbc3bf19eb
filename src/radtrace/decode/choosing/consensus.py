"""One trace composed of the steps of several samples: what most of them would say, each statement once.

A step is whole in itself: its place, its decision, its words and its box. So the steps of different samples make a
trace together, and the best of these is better than the best sample. It is sought by dropping, adding and exchanging
steps of the best sample as long as that helps; what one step denies the next ones do not deny again.

Source:  minimum Bayes risk (Kumar and Byrne 2004) over combinations of the samples' parts, as in consensus networks
    (Fiscus, "ROVER", 1997); sought by hill climbing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from radtrace.decode.choosing.choice import Said, chosen, disagreement, most_alike, report_of, said_in
from radtrace.decode.choosing.likeness import Crowd, bag
from radtrace.decode.choosing.statements import once
from radtrace.decode.guide import Decided, domain_of, statuses_of
from radtrace.decode.writer import Draft, echo
from radtrace.dialects import Grammar, state_of
from radtrace.dialects.decisions import BETWEEN, NONE

_END = "</step>\n"
_GRAMMAR = Grammar(findings=True, pictures=False)
_TRIED = 32
"""Changes of a trace that are compared in full, those first that promise most."""
_ROUNDS = 12
_UNDECIDED = 4
"""What a trace loses for a finding that is there and that no step decides: more than for words that deny it."""
Steps = tuple["_Step", ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """text: as the dialect writes it. words: its rationale. about: what it decides or describes."""

    text: str
    words: str
    decided: Decided = field(compare=False)
    about: frozenset[str] = field(compare=False)
    bag: Counter[str] = field(compare=False)

    @staticmethod
    def of(text: str, words: str) -> "_Step":
        """A step as the dialect writes it, and its rationale."""
        header, _, rest = text.partition('"><findings>')
        items = rest.partition("</findings>")[0].split(BETWEEN)
        decided = statuses_of(items)
        about = frozenset(decided) if items != [NONE] else frozenset({domain_of(header.partition('"')[2])})
        return _Step(text, words, decided, about, bag(words))

    def saying(self, words: str) -> str:
        """Its text with other words."""
        head, mark, rest = self.text.partition("</findings>")
        return f"{head}{mark}{rest.replace(self.words, words, 1)}"


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a composed trace is worth. reports: of all samples, their findings; present: labels there; most: steps."""

    reports: Crowd
    present: Collection[str]
    most: int

    def loss(self, steps: Steps) -> int:
        """What the words say against what was decided, and what of it no step decides."""
        decided = {label for step in steps for label in step.decided}
        lost = sum(label.lower() not in decided for label in self.present)
        return disagreement(_said(steps), self.present) + _UNDECIDED * lost

    def promise(self, steps: Steps) -> float:
        """What a trace is likely to be worth, by its words without their order."""
        return self.reports.promise(sum((step.bag for step in steps), Counter[str]()))

    def worth(self, steps: Steps) -> float:
        """How much its report is like those of all samples."""
        return self.reports.likeness(echo(once(step.words for step in steps)))

    def allows(self, steps: Steps) -> bool:
        """Whether each step adds something, no finding has two statuses, and there are not too many."""
        statuses: Decided = {}
        for step in steps:
            if any(statuses.get(label, status) != status for label, status in step.decided.items()):
                return False
            statuses |= step.decided
        if not 0 < len(steps) <= self.most or _idle(steps):
            return False
        return all(once(step.words for step in steps))


def consensus(drafts: Sequence[Draft], present: Collection[str], most: int) -> Draft:
    """The trace composed of the drafts' steps that agrees with what was decided and is most like all of them.

    Args:    drafts: whole traces of one study whose reports echo their steps. present: labels of `FINDINGS` that are
        there, and no other is. most: steps.
    Returns: one of the drafts where the steps make no trace together.
    Raises:  ValueError where there is no draft.
    """
    samples = [_steps(draft) for draft in drafts]
    judge = _Judge(Crowd([echo([step.words for step in steps]) for steps in samples]), present, most)
    pool = tuple({step.words: step for steps in samples for step in steps}.values())
    best = min(samples, key=lambda steps: (judge.loss(steps), -judge.worth(steps)))
    start = drafts[samples.index(best)]
    for _ in range(_ROUNDS):
        better = _better(best, pool, judge)
        if better is None:
            break
        best = better
    words = once(step.words for step in best)
    told = "".join(step.saying(each) for step, each in zip(best, words, strict=True))
    text = f"{told}{_report(words, _impression(drafts, best, present))}"
    end = state_of(text, _GRAMMAR)
    if end is None or not end.ended:  # e.g. words with marks of a report among them
        return chosen(drafts, present)
    return Draft(text, words=words, cut=start.cut, steps=len(best))


def _steps(draft: Draft) -> Steps:
    *texts, _ = draft.text.split(_END)
    return tuple(_Step.of(text + _END, words) for text, words in zip(texts, draft.words, strict=True))


def _better(steps: Steps, pool: Steps, judge: _Judge) -> Steps | None:
    """The best of the most promising changes; None where none is better."""
    options = [other for other in _changes(steps, pool) if judge.allows(other)]
    ranked = sorted(((judge.loss(other), -judge.promise(other), other) for other in options), key=lambda one: one[:2])
    judged = [(loss, -judge.worth(other), other) for loss, _, other in ranked[:_TRIED]]
    if not judged:
        return None
    loss, worth, best = min(judged, key=lambda one: one[:2])
    now = judge.loss(steps)
    strained = loss <= now and not judge.allows(steps)
    return best if strained or (loss, worth) < (now, -judge.worth(steps)) else None


def _changes(steps: Steps, pool: Steps) -> Iterator[Steps]:
    """All traces with one step less, another one, or one more."""
    fresh = [step for step in pool if step not in steps]
    for at in range(len(steps)):
        yield steps[:at] + steps[at + 1 :]
        yield from ((*steps[:at], step, *steps[at + 1 :]) for step in fresh)
    for at in range(len(steps) + 1):
        yield from ((*steps[:at], step, *steps[at:]) for step in fresh)


def _said(steps: Steps) -> Said:
    """What the words say that are left of the steps where each statement stands once."""
    return Said.all(map(said_in, once(step.words for step in steps)))


def _idle(steps: Steps) -> bool:
    """Whether some step is about nothing that the others are not about."""
    return any(
        step.about <= frozenset().union(*(other.about for other in steps if other is not step)) for step in steps
    )


def _impression(drafts: Sequence[Draft], steps: Steps, present: Collection[str]) -> str:
    """Of the drafts' impressions the one most like the others among those that agree best with all that is said."""
    findings = _said(steps)
    impressions = [report_of(draft).impression for draft in drafts]
    losses = [disagreement(Said.all([findings, said_in(each)]), present) for each in impressions]
    kept = [each for each, loss in zip(impressions, losses, strict=True) if loss == min(losses)]
    return kept[most_alike(kept)]


def _report(words: Sequence[str], impression: str) -> str:
    return f"<report>FINDINGS: {echo(words)} IMPRESSION: {impression}</report>"
