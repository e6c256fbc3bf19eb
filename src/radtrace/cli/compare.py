"""`radtrace compare`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from radtrace.errors import InputError

if TYPE_CHECKING:  # numpy and pydantic load only where files are compared
    from radtrace.evaluate.comparison import Choice, Compared, Plan
    from radtrace.evaluate.scored import Scored
    from radtrace.metrics.statistics.bootstrap import Interval


@click.command()
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("--metrics", metavar="NAMES", help="Only these, or patterns (bleu_*), with commas.")
@click.option(
    "--by", "keys", multiple=True, metavar="KEY", help="Each stratum too: source, steps, finding …; repeatable."
)
@click.option("--within", metavar="KEY", help="Bootstrap within the strata of KEY: each keeps its number of samples.")
@click.option("--resamples", type=click.IntRange(min=100), default=1000, show_default=True, help="Of the bootstrap.")
@click.option(
    "--permutations", type=click.IntRange(min=100), default=10_000, show_default=True, help="Random swaps of the test."
)
@click.option("--level", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True, help="Of the intervals.")
@click.option("--interval", type=click.Choice(["percentile", "bca"]), default="percentile", show_default=True)
@click.option("--zeros", type=click.Choice(["wilcox", "pratt"]), default="wilcox", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of every random draw.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def compare(
    first: Path, second: Path, metrics: str | None, keys: tuple[str, ...], as_json: bool, **settings: Any
) -> None:
    """Whether model B scores better than model A on the same samples.

    A and B are per-sample score files that `radtrace score -o` wrote; their ids must be the same. Differences are B - A
    of the corpus values, with bootstrap intervals; p-values are two-sided for the permutation and the bootstrap and
    one-tailed (B is better) for Wilcoxon, and corrected by Holm over the metrics, or over all strata of a KEY.

    A metric that the two files computed in different ways is refused by name, the rest is compared, and the exit
    status is 2. --zeros: Wilcoxon leaves equal samples out before ranking (wilcox) or after it (pratt).

    \b
    Examples:
      radtrace compare baseline.scores.jsonl model.scores.jsonl
      radtrace compare a.jsonl b.jsonl --metrics bleu_4,rouge_l --by source --by finding
      radtrace compare a.jsonl b.jsonl --interval bca --resamples 10000 --json
    """
    from radtrace.evaluate.comparison import Plan, choose, compare_strata
    from radtrace.evaluate.comparison import compare as compared
    from radtrace.evaluate.scored import aligned, read_scored

    plan = Plan(interval=settings.pop("interval"), zero_method=settings.pop("zeros"), **settings)
    a = read_scored(first)
    b = aligned(a, read_scored(second))
    choice = choose(a, b, [name.strip() for name in metrics.split(",")] if metrics else ())
    names = choice.comparable
    rows = compared(a, b, names, plan)
    strata = {key: compare_strata(a, b, names, plan, key) for key in keys}
    if as_json:
        click.echo(json.dumps(_as_json(a, b, plan, choice, rows, strata)))
    else:
        click.echo(_text(a, b, plan, rows, strata))
    _doubt(plan, max([len(rows), *(sum(map(len, levels.values())) for levels in strata.values())]))
    _end(choice, [name for name in names if name not in {row.metric for row in rows}], a, b)


def _doubt(plan: "Plan", family: int) -> None:
    """Say where so many tests need more resamples: Holm multiplies the smallest p that they can give."""
    for name, draws in (("resamples", plan.resamples), ("permutations", plan.permutations)):
        if family / (draws + 1) > 1 - plan.level:
            click.echo(f"radtrace: with {family} tests and {draws} {name} no p is small after Holm; --{name}", err=True)


def _end(choice: "Choice", undefined: Sequence[str], a: "Scored", b: "Scored") -> None:
    """Say what was left out, and fail where that was not for lack of it."""
    if choice.unasked:
        click.echo(f"radtrace: {len(choice.unasked)} figures of single classes left out; see --metrics", err=True)
    if choice.alone:
        click.echo(f"radtrace: in only one of the files: {', '.join(choice.alone)}", err=True)
    if undefined:
        click.echo(f"radtrace: without a value in one of the files: {', '.join(undefined)}", err=True)
    for name, (mine, other) in choice.refused.items():
        click.echo(f"radtrace: {name} refused, computed in two ways: {mine} in {a.path}, {other} in {b.path}", err=True)
    if choice.refused:
        raise InputError(f"{b.path}: {len(choice.refused)} metrics are not comparable with {a.path}")
    if not choice.comparable:
        raise InputError(f"{b.path}: no metric in common with {a.path}")


def _as_json(
    a: "Scored",
    b: "Scored",
    plan: "Plan",
    choice: "Choice",
    rows: Sequence["Compared"],
    strata: dict[str, dict[str, list["Compared"]]],
) -> dict[str, Any]:
    from dataclasses import asdict

    from radtrace.evaluate.comparison import to_json

    return {
        "a": {"file": str(a.path), "failed": int(a.failed.sum())},
        "b": {"file": str(b.path), "failed": int(b.failed.sum())},
        "n": len(a.ids),
        "settings": asdict(plan),
        "signatures": {name: a.metrics[name].signature for name in choice.comparable},
        "metrics": {row.metric: to_json(row) for row in rows},
        "strata": {
            key: {level: {row.metric: to_json(row) for row in of_level} for level, of_level in levels.items()}
            for key, levels in strata.items()
        },
        "refused": {name: list(pair) for name, pair in choice.refused.items()},
        "in_one_file": list(choice.alone),
    }


_HEADINGS = ("metric", "n", "A", "B", "B - A", "permutation (Holm)", "bootstrap (Holm)", "Wilcoxon (Holm)")


def _text(
    a: "Scored", b: "Scored", plan: "Plan", rows: Sequence["Compared"], strata: dict[str, dict[str, list["Compared"]]]
) -> str:
    level = f"{100 * plan.level:g}%"
    parts = [
        f"A  {a.path}  {len(a.ids)} samples, {int(a.failed.sum())} failed",
        f"B  {b.path}  {len(b.ids)} samples, {int(b.failed.sum())} failed",
        f"{level} {plan.interval} intervals of {plan.resamples} resamples; p two-sided, Wilcoxon's one-tailed for B "
        f"(zeros: {plan.zero_method}); (v) lower is better, (m) mean of samples, not of a corpus",
        "",
        _table(rows),
    ]
    for key, levels in strata.items():
        for name, of_level in levels.items():
            parts += ["", f"{key}: {name}", _table(of_level)]
    return "\n".join(parts)


def _table(rows: Sequence["Compared"]) -> str:
    lines = [_HEADINGS, *(_line(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _line(row: "Compared") -> tuple[str, ...]:
    marks = (" (v)" if row.lower else "") + ("" if row.summed else " (m)")
    return (
        row.metric + marks,
        str(row.n) + (f", {row.unpaired} unpaired" if row.unpaired else ""),
        _figure(row.first, row.first_interval),
        _figure(row.second, row.second_interval),
        _figure(row.difference, row.difference_interval, sign="+"),
        *(_p(row.p(test), row.holm.get(test)) for test in ("permutation", "bootstrap", "wilcoxon")),
    )


def _figure(value: float, bounds: "Interval | None", sign: str = "-") -> str:
    spread = f" [{bounds.low:{sign}.4f}, {bounds.high:{sign}.4f}]" if bounds else ""
    return f"{value:{sign}.4f}{spread}"


def _p(p: float | None, corrected: float | None) -> str:
    return "-" if p is None or corrected is None else f"{p:.4g} ({corrected:.4g})"
