"""Two models on the same samples: differences of corpus metrics, intervals and paired tests, overall and by stratum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radtrace.errors import InputError, did_you_mean
from radtrace.evaluate.columns import chosen
from radtrace.evaluate.scored import Measured, Scored
from radtrace.metrics.scores import Corpus, FloatArray
from radtrace.metrics.statistics.bootstrap import (
    Interval,
    IntervalMethod,
    bootstrap_p,
    interval,
    jackknife_sums,
    resampled_sums,
)
from radtrace.metrics.statistics.holm import holm
from radtrace.metrics.statistics.permutation import Permutation, permutation_test
from radtrace.metrics.statistics.wilcoxon import Wilcoxon, ZeroMethod, wilcoxon

Test = Literal["permutation", "bootstrap", "wilcoxon"]
TESTS: tuple[Test, ...] = ("permutation", "bootstrap", "wilcoxon")


@dataclass(frozen=True, slots=True)
class Plan:
    """How two files are compared.

    resamples: of the bootstrap; permutations: random swaps, fewer where all can be tried.
    within: a stratum key: the bootstrap keeps the number of samples of each of its values.
    """

    resamples: int = 1000
    permutations: int = 10_000
    level: float = 0.95
    interval: IntervalMethod = "percentile"
    zero_method: ZeroMethod = "wilcox"
    seed: int = 0
    within: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of two models over the same samples.

    n: samples scored in either file; unpaired: those scored in only one of them. first, second: corpus values.
    difference: second - first. Intervals are None with fewer than two samples.
    permutation, bootstrap_p (None with fewer than two samples): two-sided. wilcoxon: one-tailed, that the second
    model's sample values are better; None where the metric has none. holm: the p of each test, corrected over its
    family.
    """

    metric: str
    n: int
    unpaired: int
    lower: bool
    summed: bool
    first: float
    second: float
    first_interval: Interval | None
    second_interval: Interval | None
    difference_interval: Interval | None
    permutation: Permutation
    bootstrap_p: float | None
    wilcoxon: Wilcoxon | None
    holm: dict[Test, float]

    @property
    def difference(self) -> float:
        """Of the second model over the first."""
        return self.second - self.first

    def p(self, test: Test) -> float | None:
        """The uncorrected p of a test; None where it could not be done."""
        if test == "wilcoxon":
            return self.wilcoxon.p if self.wilcoxon else None
        return self.permutation.p if test == "permutation" else self.bootstrap_p


@dataclass(frozen=True, slots=True)
class Choice:
    """Metrics that can be compared; those whose signatures differ, with both; those that one file lacks; the rest.

    unasked: figures of single classes, which are compared only by name.
    """

    comparable: tuple[str, ...]
    refused: dict[str, tuple[str, str]]
    alone: tuple[str, ...]
    unasked: tuple[str, ...]


def choose(first: Scored, second: Scored, names: Sequence[str] = ()) -> Choice:
    """Which metrics two files share, computed alike, clinical ones first or as `names` has them.

    Args:    names: only these; patterns as `chosen` takes them. Without any, all but those of single classes.
    Raises:  InputError for a name that neither file has.
    """
    every = list(dict.fromkeys([*first.metrics, *second.metrics]))
    wanted = chosen(every, names)
    both = [name for name in wanted if name in first.metrics and name in second.metrics]
    signed = {name: (first.metrics[name].signature, second.metrics[name].signature) for name in both}
    refused = {name: pair for name, pair in signed.items() if pair[0] != pair[1]}
    return Choice(
        comparable=tuple(name for name in both if name not in refused),
        refused=refused,
        alone=tuple(name for name in wanted if name not in both),
        unasked=() if names else tuple(name for name in every if name not in wanted),
    )


def compare(first: Scored, second: Scored, metrics: Sequence[str], plan: Plan) -> list[Compared]:
    """Compare metrics over all samples of two aligned files; Holm's family is these metrics.

    A metric without a value in either file is left out.
    """
    within = None if plan.within is None else _codes(first, plan.within)
    rows = [_compared(first.metrics[name], second.metrics[name], plan, within) for name in metrics]
    return corrected([row for row in rows if row])


def compare_strata(
    first: Scored, second: Scored, metrics: Sequence[str], plan: Plan, key: str
) -> dict[str, list[Compared]]:
    """Compare within each value of a stratum key; Holm's family is all its values and metrics together.

    Raises:  InputError where no sample has the key, or the files disagree about one, naming its id.
    """
    found = {
        level: compare(first.take(order), second.take(order), metrics, replace(plan, within=None))
        for level, order in _strata(first, second, key)
    }
    rows = iter(corrected([row for rows in found.values() for row in rows]))
    return {level: [next(rows) for _ in old] for level, old in found.items()}


def corrected(rows: Sequence[Compared]) -> list[Compared]:
    """The rows with each test's p corrected over all of them."""
    tables: list[dict[Test, float]] = [{} for _ in rows]
    for test in TESTS:
        done = [(table, p) for table, row in zip(tables, rows, strict=True) if (p := row.p(test)) is not None]
        for (table, _), adjusted in zip(done, holm([p for _, p in done]), strict=True):
            table[test] = adjusted
    return [replace(row, holm=table) for row, table in zip(rows, tables, strict=True)]


def _compared(first: Measured, second: Measured, plan: Plan, within: NDArray[np.int64] | None) -> Compared | None:
    if first.value is None or second.value is None:
        return None
    used = np.flatnonzero(first.scored | second.scored)
    rows = _rows(first, used), _rows(second, used)
    if rows[0].shape != rows[1].shape or first.corpus is not second.corpus:
        raise InputError(f"{first.name}: the two files hold other statistics of it; score both with one radtrace")
    paired = ~np.isnan(first.values) & ~np.isnan(second.values)
    gains = (second.values - first.values)[paired] * (-1 if first.lower else 1)
    drawn = _drawn(rows, first.corpus, plan, within if within is None else within[used])
    return Compared(
        metric=first.name,
        n=len(used),
        unpaired=int(np.sum(first.scored != second.scored)),
        lower=first.lower,
        summed=first.summed,
        first=drawn.values[0],
        second=drawn.values[1],
        first_interval=drawn.intervals[0],
        second_interval=drawn.intervals[1],
        difference_interval=drawn.intervals[2],
        permutation=permutation_test(*rows, first.corpus, resamples=plan.permutations, seed=plan.seed),
        bootstrap_p=drawn.p,
        wilcoxon=wilcoxon(gains, plan.zero_method) if len(gains) else None,
        holm={},
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one paired bootstrap says: values of both; intervals of both and of the difference; p of the difference."""

    values: tuple[float, float]
    intervals: tuple[Interval | None, Interval | None, Interval | None]
    p: float | None


def _drawn(rows: tuple[FloatArray, FloatArray], corpus: Corpus, plan: Plan, within: NDArray[np.int64] | None) -> _Drawn:
    """Draw the same samples for both models; a single sample says nothing about its spread."""
    first, second = (float(corpus(each.sum(axis=0))) for each in rows)
    if len(rows[0]) < 2:
        return _Drawn((first, second), (None, None, None), None)
    sums = resampled_sums(np.hstack(rows), plan.resamples, plan.seed, within)
    left = np.hsplit(sums, 2)
    a, b = corpus(left[0]), corpus(left[1])
    kept_a, kept_b = (corpus(jackknife_sums(each)) for each in rows)
    bounds = (
        interval(a, plan.level, plan.interval, first, kept_a),
        interval(b, plan.level, plan.interval, second, kept_b),
        interval(b - a, plan.level, plan.interval, second - first, kept_b - kept_a),
    )
    return _Drawn((first, second), bounds, bootstrap_p(b - a, second - first))


def _rows(metric: Measured, used: NDArray[np.int64]) -> FloatArray:
    """Statistics of the samples, zero where this model is unscored."""
    rows: FloatArray = np.where(metric.scored[used, None], metric.statistics[used], 0.0)
    return rows


def _strata(first: Scored, second: Scored, key: str) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """(value, places of its samples) of a stratum key; numbers in their order, other values by name."""
    places: dict[str, list[int]] = {}
    for place, (mine, other) in enumerate(zip(first.strata, second.strata, strict=True)):
        if set(mine.get(key, ())) != set(other.get(key, ())):
            raise InputError(
                f"{second.path}: id {first.ids[place]!r} stands in another stratum {key!r} than in {first.path}"
            )
        for level in dict.fromkeys(mine.get(key, ())):
            places.setdefault(level, []).append(place)
    if not places:
        raise InputError(f"{first.path}: no stratum {key!r}: {_known(first, key)}")
    for level in sorted(places, key=_natural):
        yield level, np.array(places[level], np.int64)


def _natural(level: str) -> tuple[bool, float, str]:
    return (False, float(level), "") if level.isdigit() else (True, 0.0, level)


def _codes(scored: Scored, key: str) -> NDArray[np.int64]:
    """The one value of a stratum key that each sample has, numbered."""
    if not any(key in strata for strata in scored.strata):
        raise InputError(f"{scored.path}: no stratum {key!r}: {_known(scored, key)}")
    levels: dict[tuple[str, ...], int] = {}
    for name, strata in zip(scored.ids, scored.strata, strict=True):
        if len(strata.get(key, ())) != 1:
            raise InputError(f"{scored.path}: id {name!r} does not stand in exactly one stratum {key!r}")
    return np.array([levels.setdefault(strata[key], len(levels)) for strata in scored.strata], np.int64)


def _known(scored: Scored, key: str) -> str:
    return did_you_mean(key, {name for strata in scored.strata for name in strata})


def to_json(row: Compared) -> dict[str, Any]:
    """A row as `radtrace compare --json` writes it."""
    tests: dict[str, Any] = {
        "permutation": {"p": row.permutation.p, "swaps": row.permutation.swaps, "exact": row.permutation.exact},
    }
    if row.bootstrap_p is not None:
        tests["bootstrap"] = {"p": row.bootstrap_p}
    if row.wilcoxon:
        tests["wilcoxon"] = {
            "p": row.wilcoxon.p,
            "statistic": row.wilcoxon.statistic,
            "n": row.wilcoxon.n,
            "zeros": row.wilcoxon.zeros,
            "method": row.wilcoxon.method,
        }
    for test, p in row.holm.items():
        tests[test]["p_holm"] = p
    return {
        "n": row.n,
        "unpaired": row.unpaired,
        "better": "lower" if row.lower else "higher",
        "corpus": "statistics" if row.summed else "mean of samples",
        "a": _with_interval(row.first, row.first_interval),
        "b": _with_interval(row.second, row.second_interval),
        "difference": _with_interval(row.difference, row.difference_interval),
        **tests,
    }


def _with_interval(value: float, bounds: Interval | None) -> dict[str, Any]:
    return {"value": value, "ci": [bounds.low, bounds.high] if bounds else None}
