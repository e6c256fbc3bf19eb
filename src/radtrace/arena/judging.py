"""A run of judging: a plan, verdicts in its order, and nothing lost or paid twice where it is killed.

The folder holds `plan.jsonl` (who meets over which study, with its propensity), `battles.jsonl` (verdicts, for
`radtrace arena fit`), `calls.jsonl` (tokens of each call that may have been paid for) and `summary.json`.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from radtrace.arena.battles import POINTS, WINNERS
from radtrace.arena.contests import Entries, read_entries
from radtrace.arena.judges import Judge, Judgement, LlmJudge, consistency, rules_judge, walkover
from radtrace.arena.recipe import ArenaRecipe, LlmJudgeSettings
from radtrace.arena.sampling import AdaptiveSampler, Meeting, uniform
from radtrace.errors import FailureRateError, InputError, RadtraceError
from radtrace.llm import AnswerError, Cache, Chat, Endpoint, EndpointDownError, Ledger, cache_folder
from radtrace.reports import has_words
from radtrace.runs import JsonLines, RunFolder, progress, write_atomically

PLAN, BATTLES, CALLS, SUMMARY = "plan.jsonl", "battles.jsonl", "calls.jsonl", "summary.json"
_AHEAD = 4
"""Battles handed out for each call at once, so that a slow one does not hold up the others."""
_DOWN = 3
"""Battles in a row without an answer, after which the endpoint counts as down."""


def judge(recipe: ArenaRecipe, endpoint: Endpoint | None = None) -> dict[str, Any]:
    """Judge all battles of a recipe, or go on where an earlier run stopped; the summary, as in `summary.json`.

    A battle that the judge failed at is asked again when the same command is given again.

    Args:    endpoint: of the chat model, where the recipe's judge is one.
    Raises:  InputError, EndpointDownError, BudgetError, FailureRateError; what was judged until then is kept.
    """
    entries = read_entries(recipe.predictions, recipe.references)
    settings = recipe.judge
    if isinstance(settings, LlmJudgeSettings):
        settings.material.check(entries.references)
        if endpoint is None:
            raise InputError("judge.kind = 'llm' needs an endpoint")
        recipe = recipe.model_copy(update={"judge": settings.model_copy(update={"model": endpoint.model})})
    with RunFolder(recipe.output, "arena judge", recipe), ExitStack() as stack:
        ledger = _ledger(recipe)
        session = _Session(recipe, entries, "rules", rules_judge, _nothing, 1)
        if isinstance(settings, LlmJudgeSettings) and endpoint:
            chat = Chat(endpoint, Cache(cache_folder()), settings.material, settings.ask, recipe.client, ledger)
            stack.enter_context(chat)
            calls = recipe.client.concurrency
            session = _Session(recipe, entries, f"llm:{endpoint.model}", LlmJudge(chat), chat.stop, calls)
        session.resume()
        try:
            session.run()
        finally:
            summary = _summary(session, ledger)
            write_atomically(recipe.output / SUMMARY, json.dumps(summary, indent=2) + "\n")
    return summary


def _nothing() -> None:
    """Rules wait for nobody."""


def _ledger(recipe: ArenaRecipe) -> Ledger:
    """What earlier sessions used counts for the budget too."""
    calls = JsonLines(recipe.output / CALLS)
    ledger = Ledger(recipe.client, calls.append)
    for row in calls.read():
        ledger.add(row)
    return ledger


@dataclass(slots=True)
class _Session:
    """One run of judging.

    decide: the judge; halt: makes it give up waiting. calls: battles at once.
    plan: all meetings so far. judged: index in the plan -> verdict. failed: the same -> why, of this session only.
    """

    recipe: ArenaRecipe
    entries: Entries
    rater: str
    decide: Judge
    halt: Callable[[], None]
    calls: int
    plan: list[Meeting] = field(default_factory=list)
    judged: dict[int, Judgement] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    down: int = 0

    @property
    def target(self) -> int:
        """Battles in all: every pair over every study, where the recipe wants more."""
        models, ids = len(self.entries.reports), len(self.entries.references)
        return min(self.recipe.battles, models * (models - 1) // 2 * ids)

    def resume(self) -> None:
        """Read the plan and verdicts of an earlier session; a round that a kill left half-planned is planned again."""
        path = self.recipe.output / PLAN
        self.plan = [Meeting(**row) for row in JsonLines(path).read()]
        for row in JsonLines(self.recipe.output / BATTLES).read():
            self.judged[int(row["index"])] = Judgement(row["winner"], tuple(row["orders"]))
        if self.recipe.sampling == "paper" and len(self.plan) < self.target and len(self.plan) % self.recipe.round:
            self.plan = self.plan[: len(self.plan) - len(self.plan) % self.recipe.round]
            write_atomically(path, "".join(json.dumps(asdict(meeting)) + "\n" for meeting in self.plan))

    def run(self) -> None:
        """Judge what is planned, plan more, and so on; stops where going on makes no sense."""
        with progress("battles", self.target, len(self.judged)) as advance:
            self._judge(advance)
            while len(self.plan) < self.target:
                more = self._more()
                JsonLines(self.recipe.output / PLAN).append(*map(asdict, more))
                self.plan.extend(more)
                self._judge(advance)

    def _more(self) -> list[Meeting]:
        """The next meetings after those planned so far."""
        models, ids, seed = list(self.entries.reports), list(self.entries.references), self.recipe.seed
        if self.recipe.sampling == "uniform":
            return uniform(models, ids, self.target, seed)[len(self.plan) :]
        points = {index: POINTS[judged.winner] for index, judged in sorted(self.judged.items())}
        count = min(self.recipe.round, self.target - len(self.plan))
        return list(AdaptiveSampler(models, ids, seed).draw(count, self.plan, points))

    def _judge(self, advance: Callable[[int], None]) -> None:
        """Judge what has no verdict yet, and write the verdicts in the plan's order.

        Where the run stops, calls in flight end and their answers stay in the cache.
        """
        todo = [index for index in range(len(self.plan)) if index not in self.judged and index not in self.failed]
        file = JsonLines(self.recipe.output / BATTLES)
        with closing(_in_order(self._decide, todo, self.calls, self.halt)) as outcomes:
            for index, outcome in outcomes:
                if isinstance(outcome, Judgement):
                    file.append(self._row(index, outcome))
                    self.judged[index] = outcome
                    self.down = 0 if outcome.orders else self.down
                else:
                    self._fail(index, outcome)
                advance(1)

    def _decide(self, index: int) -> Judgement:
        meeting = self.plan[index]
        return self.decide(self.entries.contest(meeting.id, meeting.a, meeting.b))

    def _row(self, index: int, judged: Judgement) -> dict[str, Any]:
        verdict = {"winner": judged.winner, "orders": list(judged.orders), "rater": self.rater}
        return {"index": index, **asdict(self.plan[index]), **verdict}

    def _fail(self, index: int, error: RadtraceError) -> None:
        """Count a battle that the judge failed at. Raises where the run must stop."""
        if not isinstance(error, EndpointDownError | AnswerError):
            raise error
        self.failed[index] = str(error)
        self.down = self.down + 1 if type(error) is EndpointDownError else 0
        if self.down >= _DOWN:
            raise EndpointDownError(f"{error}; {self.down} battles in a row; the same command goes on from here")
        self.check_failures()

    def check_failures(self) -> None:
        """Raises FailureRateError where the judge failed at more battles than the recipe allows."""
        if len(self.failed) > self.recipe.max_failed * self.target:
            raise FailureRateError(
                f"the judge failed at {len(self.failed)} of {self.target} battles, more than max_failed = "
                f"{self.recipe.max_failed:g}; the last: {self.failed[max(self.failed)]}; the same command asks again"
            )


def _in_order(
    work: Callable[[int], Judgement], todo: Sequence[int], workers: int, halt: Callable[[], None]
) -> Generator[tuple[int, Judgement | RadtraceError]]:
    """Each item with its verdict or what went wrong, in order, `workers` at once; `halt` where it ends early."""
    waiting: deque[tuple[int, Future[Judgement]]] = deque()
    left = iter(todo)
    with ThreadPoolExecutor(workers, thread_name_prefix="judge") as pool:
        try:
            while True:
                for index in islice(left, workers * _AHEAD - len(waiting)):
                    waiting.append((index, pool.submit(work, index)))
                if not waiting:
                    return
                index, future = waiting.popleft()
                try:
                    outcome: Judgement | RadtraceError = future.result()
                except RadtraceError as error:
                    outcome = error
                yield index, outcome
        except BaseException:
            halt()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _summary(session: _Session, ledger: Ledger) -> dict[str, Any]:
    won = Counter(judged.winner for judged in session.judged.values())
    failed = [(session.plan[index], why) for index, why in sorted(session.failed.items())]
    entries = session.entries
    contests = (entries.contest(meeting.id, meeting.a, meeting.b) for meeting in session.plan)
    return {
        "judge": session.rater,
        "sampling": session.recipe.sampling,
        "target": session.target,
        "battles": len(session.judged),
        "outcomes": {winner: won[winner] for winner in WINNERS},
        "walkovers": sum(walkover(contest) is not None for contest in contests),
        **consistency(judged.orders for judged in session.judged.values()),
        "failed": [{"id": meeting.id, "a": meeting.a, "b": meeting.b, "why": why} for meeting, why in failed],
        "unscored": list(entries.unscored),
        "missing": {
            name: sum(not has_words(reports[id_]) for id_ in entries.references)
            for name, reports in entries.reports.items()
        },
        "usage": ledger.row(),
    }
