"""Tables of results in the papers' shapes: figures with intervals, best and second best marked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from radtrace.errors import InputError, did_you_mean
from radtrace.evaluate.columns import SHAPES, Column, chosen, group, of_classes
from radtrace.evaluate.runs import ScoredRun
from radtrace.evaluate.scored import Measured
from radtrace.metrics.scores import FloatArray
from radtrace.metrics.statistics.bootstrap import Interval, interval, resampled_sums


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure; value and interval are None where there is none. mark: 1 best, 2 second best, 0 neither."""

    value: float | None = None
    interval: Interval | None = None
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """heads: the words before the figures, one for each of the table's."""

    heads: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under one title, which may be empty."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """heads, columns: headings; notes: what stands below. refused: metrics computed in two ways, with both."""

    caption: str
    heads: tuple[str, ...]
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    refused: dict[str, tuple[str, str]]
    lower: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How intervals are drawn, and how many digits are shown: figures that look alike share a mark."""

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    digits: int = 3


@dataclass(frozen=True, slots=True)
class _Figure:
    """A corpus value and its bootstrap values; None with a single sample."""

    value: float
    drawn: FloatArray | None


_HEADS: dict[str, tuple[tuple[str, Callable[[ScoredRun], str]], ...]] = {
    "mmrad2": (("CoT strategy", lambda run: run.about.strategy),),
    "mmrad3": (("Params.", lambda run: run.about.params), ("Domain", lambda run: run.about.domain)),
}
"""What a shape says of a model beside its name."""

_CAPTIONS = {
    "all": "Every metric, clinical columns first.",
    "headline": "One figure of each metric, clinical columns first.",
    "classes": "Each class by itself.",
    "mmrad2": "Kinds of chain of thought (MMRad-IVL, Table 2); marked within each model.",
    "mmrad3": "Understanding-only and unified models (MMRad-IVL, Table 3).",
    "deepmedix": "Report generation by split, and their average weighted by samples (DeepMedix-R1, Table 1).",
    "chestx-reasoner": "Reasoning and outcome (ChestX-Reasoner, Figures 3 and 4).",
}
TABLES = tuple(_CAPTIONS)


def table(runs: Sequence[ScoredRun], shape: str, drawing: Drawing, metrics: Sequence[str] = ()) -> Table:
    """A table of scored models.

    A metric that two files computed in different ways is left out of the columns and named in `refused`.

    Args:    shape: one of TABLES. metrics: the columns of the shape "all", as `chosen` takes them.
    Raises:  InputError where no file has a metric that is asked for, or a model stands twice in one split.
    """
    _check(runs)
    if shape == "classes":
        return _classes(runs, drawing)
    columns, refused = _agreed(_columns(runs, shape, metrics), runs)
    return _table(runs, shape, columns, refused, drawing)


def _classes(runs: Sequence[ScoredRun], drawing: Drawing) -> Table:
    """Blocks of classes; what is below each column is the signature of the first class."""
    parts: list[Table] = []
    for title, wanted in of_classes(_names(runs)).items():
        columns, refused = _agreed(wanted, runs)
        part = _table(runs, "classes", columns if not refused else (), refused, drawing)
        blocks = (replace(each, title=" - ".join(filter(None, (title, each.title)))) for each in part.blocks)
        parts.append(replace(part, blocks=tuple(blocks)))
    whole = [part for part in parts if not part.refused]
    if not whole:
        raise InputError(f"{runs[0].scored.path}: no class has sensitivity, specificity and F1 computed in one way")
    refused = {name: pair for part in parts for name, pair in part.refused.items()}
    return replace(whole[0], blocks=tuple(block for part in whole for block in part.blocks), refused=refused)


def _table(
    runs: Sequence[ScoredRun],
    shape: str,
    columns: tuple[Column, ...],
    refused: dict[str, tuple[str, str]],
    drawing: Drawing,
) -> Table:
    names: list[str | None] = [_shown(column, runs) for column in columns]
    lines = [_Line(run, _figures(run, names, drawing, runs)) for run in runs]
    averaged = shape == "deepmedix"
    if averaged:
        lines = [line.with_mean() for line in [*lines, *_weighted(lines)]]
        columns, names = (*columns, Column((), "Average", "")), [*names, None]
    lower = tuple(bool(name and _any(runs, name).lower) for name in names)
    extra = _HEADS.get(shape, ())
    within = (lambda about: (about.split, about.model)) if shape == "mmrad2" else (lambda about: (about.split,))
    scopes = _scopes(lines, lambda line: within(line.run.about))
    rows = {id(line): row for scope in scopes for line, row in _marked(scope, extra, lower, drawing)}
    return Table(
        caption=_CAPTIONS[shape],
        heads=("Model", *(title for title, _ in extra), "n", "failed"),
        columns=columns,
        blocks=tuple(_blocks(lines, rows)),
        notes=tuple(_notes(runs, columns, names, drawing, averaged)),
        refused=refused,
        lower=lower,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    run: ScoredRun
    figures: tuple[_Figure | None, ...]

    def with_mean(self) -> "_Line":
        """The line with the plain mean of its figures added, where it has all of them."""
        figures = [figure for figure in self.figures if figure]
        if not figures or len(figures) < len(self.figures):
            return replace(self, figures=(*self.figures, None))
        return replace(self, figures=(*self.figures, _mean(figures, [1.0] * len(figures))))


def _mean(figures: Sequence[_Figure], weights: Sequence[float]) -> _Figure:
    share = np.array(weights) / sum(weights)
    drawn = [figure.drawn for figure in figures if figure.drawn is not None]
    spread = None if len(drawn) < len(figures) else np.einsum("i,ij->j", share, np.stack(drawn))
    return _Figure(float(share @ [figure.value for figure in figures]), spread)


def _check(runs: Sequence[ScoredRun]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for run in runs:
        key = run.about.model, run.about.split, run.about.strategy
        if key in seen:
            raise InputError(f"{run.scored.path}: the model {run.about.model!r} stands twice; name it NAME=FILE")
        seen.add(key)


def _names(runs: Sequence[ScoredRun]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run.scored.metrics))


def _columns(runs: Sequence[ScoredRun], shape: str, metrics: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a shape; of "headline" those that were scored.

    "all" leaves those of single classes to the shape "classes" unless they are asked for.
    """
    if shape not in TABLES:
        raise InputError(f"no table {shape!r}: {did_you_mean(shape, TABLES)}")
    wanted = chosen(_names(runs), metrics)
    if shape == "headline":
        return tuple(column for column in SHAPES[shape] if _shown(column, runs))
    return SHAPES[shape] if shape != "all" else tuple(Column((name,), name, group(name)) for name in wanted)


def _agreed(
    columns: Sequence[Column], runs: Sequence[ScoredRun]
) -> tuple[tuple[Column, ...], dict[str, tuple[str, str]]]:
    """The columns that all files computed in one way, and the metrics of the others."""
    shown = [_shown(column, runs) for column in columns]
    conflicts = {name: _conflict(runs, name) for name in shown if name}
    refused = {name: pair for name, pair in conflicts.items() if pair}
    return tuple(column for column in columns if _shown(column, runs) not in refused), refused


def _shown(column: Column, runs: Sequence[ScoredRun]) -> str | None:
    """The metric of a column: its first name that any file has."""
    return next((name for name in column.metrics if any(name in run.scored.metrics for run in runs)), None)


def _any(runs: Sequence[ScoredRun], name: str) -> Measured:
    return next(run.scored.metrics[name] for run in runs if name in run.scored.metrics)


def _conflict(runs: Sequence[ScoredRun], name: str) -> tuple[str, str] | None:
    signatures = [run.scored.metrics[name].signature for run in runs if name in run.scored.metrics]
    return next(((signatures[0], other) for other in signatures if other != signatures[0]), None)


def _figures(
    run: ScoredRun, names: Sequence[str | None], drawing: Drawing, runs: Sequence[ScoredRun]
) -> tuple[_Figure | None, ...]:
    """Each split draws by a seed of its own, so that averages over splits are of independent draws."""
    seed = drawing.seed + sorted({each.about.split for each in runs}).index(run.about.split)
    return tuple(_figure(run.scored.metrics.get(name or ""), drawing.resamples, seed) for name in names)


def _figure(metric: Measured | None, resamples: int, seed: int) -> _Figure | None:
    if metric is None or metric.value is None:
        return None
    rows = metric.statistics[metric.scored]
    drawn = metric.corpus(resampled_sums(rows, resamples, seed)) if len(rows) > 1 else None
    return _Figure(metric.value, drawn)


def _weighted(lines: Sequence[_Line]) -> Iterable[_Line]:
    """The average of each model over the splits, weighted by their samples; none where a split is missing."""
    splits = {line.run.about.split for line in lines}
    if len(splits) < 2:
        return
    for model in dict.fromkeys(line.run.about.model for line in lines):
        mine = [line for line in lines if line.run.about.model == model]
        if {line.run.about.split for line in mine} == splits:
            weights = [float(line.run.count) for line in mine]
            columns = zip(*(line.figures for line in mine), strict=True)
            figures = tuple(_mean([f for f in column if f], weights) if all(column) else None for column in columns)
            about = mine[0].run.about.model_copy(update={"split": "Weighted average"})
            count, failures = sum(line.run.count for line in mine), sum(line.run.failures for line in mine)
            yield _Line(ScoredRun(about, mine[0].run.scored, count, failures), figures)


def _scopes(lines: Sequence[_Line], key: Callable[[_Line], Any]) -> list[list[_Line]]:
    """The lines that are marked against each other."""
    return [list(scope) for _, scope in groupby(sorted(lines, key=key), key)]


def _marked(
    lines: Sequence[_Line],
    extra: Sequence[tuple[str, Callable[[ScoredRun], str]]],
    lower: Sequence[bool],
    drawing: Drawing,
) -> Iterable[tuple[_Line, Row]]:
    columns = [
        _marks([line.figures[place] for line in lines], is_lower, drawing) for place, is_lower in enumerate(lower)
    ]
    for line, cells in (
        zip(lines, zip(*columns, strict=True), strict=True) if columns else ((line, ()) for line in lines)
    ):
        about = tuple(describe(line.run) for _, describe in extra)
        counts = str(line.run.count), str(line.run.failures)
        yield line, Row((line.run.about.model, *about, *counts), tuple(cells))


def _marks(figures: Sequence[_Figure | None], lower: bool, drawing: Drawing) -> list[Cell]:
    """One column of a scope; what looks alike at the digits shown shares its mark. Of two only the better is marked."""
    shown = [None if figure is None else round(figure.value, drawing.digits) for figure in figures]
    ranked = sorted({value for value in shown if value is not None}, reverse=not lower)
    count = sum(value is not None for value in shown)
    marked = min(2, count - 1) if len(ranked) > 1 else 0
    cells = []
    for figure, value in zip(figures, shown, strict=True):
        if figure is None or value is None:
            cells.append(Cell())
            continue
        place = ranked.index(value) + 1
        bounds = None if figure.drawn is None else interval(figure.drawn, drawing.level)
        cells.append(Cell(figure.value, bounds, place if place <= marked else 0))
    return cells


def _blocks(lines: Sequence[_Line], rows: dict[int, Row]) -> Iterable[Block]:
    """Rows under their split and group, in the order in which they were given."""
    titles = list(dict.fromkeys(line.run.title for line in lines))
    for title in titles:
        yield Block(title, tuple(rows[id(line)] for line in lines if line.run.title == title))


def _notes(
    runs: Sequence[ScoredRun], columns: Sequence[Column], names: Sequence[str | None], drawing: Drawing, averaged: bool
) -> Iterable[str]:
    yield (
        f"Bold: best; underlined: second best; figures alike at {drawing.digits} digits share a mark. Brackets: "
        f"{100 * drawing.level:g}% bootstrap intervals ({drawing.resamples} resamples). Failed predictions count."
    )
    if averaged:
        yield "Average: the plain mean of the row's figures, where it has all of them."
    for column, name in zip(columns, names, strict=True):
        if name:
            metric = _any(runs, name)
            notes = [] if metric.summed else ["mean of samples"]
            notes += ["lower is better"] if metric.lower else []
            yield f"{column.title}: {metric.signature}" + (f" ({', '.join(notes)})" if notes else "")
    missing = [column.title for column, name in zip(columns, names, strict=True) if column.metrics and not name]
    if missing:
        yield f"Not scored in any file: {', '.join(missing)}."
