"""The ranking of an arena as one self-contained HTML page: leaderboard, win rates and battle counts; no script."""

from math import log
from pathlib import Path
from typing import Any

from markupsafe import Markup

from radtrace.arena.ranking import Ranking
from radtrace.errors import InputError
from radtrace.pages.document import asset, csp_hash, template
from radtrace.runs import write_atomically

_STEPS = 20
"""Shades of a heat map on each side of its middle."""


def write_leaderboard(ranking: Ranking, path: Path, title: str) -> None:
    """Write the page; it appears whole or not at all. Raises InputError where the file cannot be written."""
    style = asset("base.css") + asset("leaderboard.css") + _shades()
    html = template("leaderboard.html.j2").render(
        title=title,
        style=Markup(style),  # noqa: S704 our own file
        style_hash=csp_hash(style),
        rows=_rows(ranking),
        heads=[(number, name) for number, name in enumerate(ranking.models, start=1)],
        rates=_rates(ranking),
        counts=_counts(ranking),
        warnings=ranking.warnings,
        ranking=ranking,
        total=sum(ranking.outcomes.values()),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, html)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _rows(ranking: Ranking) -> list[dict[str, Any]]:
    """The leaderboard's rows, each with its place on a common logarithmic axis, in percent."""
    intervals = {name: ranking.bootstrap[name] or ranking.sandwich[name] for name in ranking.models}
    known = [value for value in ranking.strengths.values() if value]
    ends = [end for bounds in intervals.values() if bounds for end in bounds] + known
    low, high = log(min(ends, default=1)), log(max(ends, default=1))

    def place(value: float) -> float:
        return round(100 * (log(value) - low) / (high - low), 2) if high > low else 50.0

    rows = []
    for name, fought in zip(ranking.models, ranking.battles.sum(1).tolist(), strict=True):
        strength, bounds = ranking.strengths[name], intervals[name]
        rows.append(
            {
                "name": name,
                "rank": ranking.rank[name],
                "strength": strength,
                "bounds": bounds,
                "at": place(strength) if strength else None,
                "span": [place(end) for end in bounds] if bounds else None,
                "theta": ranking.thetas[name],
                "scaled": ranking.scaled[name],
                "battles": int(fought),
            }
        )
    return rows


def _rates(ranking: Ranking) -> list[list[dict[str, str]]]:
    """Cells of the win rates: text, shade and what it says in words."""
    fought = ranking.battles.astype(int).tolist()
    return [
        [
            {"text": "", "shade": "same" if row == column else "none", "title": ""}
            if rate != rate
            else {
                "text": f"{rate:.2f}".removeprefix("0") if rate < 1 else "1.0",
                "shade": f"h{round((rate - 0.5) * 2 * _STEPS)}".replace("-", "m"),
                "title": f"{ranking.models[row]} against {ranking.models[column]}: {rate:.3f} of {fought[row][column]}",
            }
            for column, rate in enumerate(line)
        ]
        for row, line in enumerate(ranking.win_rates.tolist())
    ]


def _counts(ranking: Ranking) -> list[list[dict[str, str]]]:
    """Cells of the battle counts."""
    most = max(1.0, ranking.battles.max().item())
    return [
        [
            {
                "text": f"{count:.0f}" if row != column else "",
                "shade": "same" if row == column else f"c{round(count / most * _STEPS)}",
                "title": f"{ranking.models[row]} against {ranking.models[column]}: {count:.0f} battles",
            }
            for column, count in enumerate(line)
        ]
        for row, line in enumerate(ranking.battles.tolist())
    ]


def _shades() -> str:
    """Classes of the heat maps: h-20..h20 from amber over neutral to blue, c0..c20 from dark to light."""
    rules = []
    for step in range(-_STEPS, _STEPS + 1):
        name = f"h{step}".replace("-", "m")
        rules.append(f".{name}{{--mix:{abs(step) * 100 // _STEPS}%;--hue:var(--{'win' if step > 0 else 'loss'})}}")
    rules += [f".c{step}{{--mix:{step * 100 // _STEPS}%;--hue:var(--count)}}" for step in range(_STEPS + 1)]
    return "\n".join(rules) + "\n"
