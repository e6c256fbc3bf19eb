"""The statistics of a dataset as one self-contained page of inline SVG bar charts (MMRad-IVL Fig. 2)."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from radtrace.anatomy import DOMAIN_OF

STATUSES = ("present", "uncertain", "absent")
_MOST_BARS = 30
"""Columns of a histogram, and rows of a chart; what is left out stands in the table below it."""
_NICE = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)
"""Widths of a histogram's bins."""
_LABELS = 8
"""Labels along a histogram, so that they do not touch on a phone."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar. tone: CSS class; share: percent of the longest bar; start: percent where it begins."""

    name: str
    count: int
    tone: str
    start: float
    share: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, or a column of a histogram."""

    label: str
    count: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart. columns: a histogram; rows: bars from top to bottom. table: header and rows of every figure in it."""

    name: str
    title: str
    caption: str
    bars: tuple[Bar, ...]
    upright: bool
    table: tuple[tuple[str, ...], ...]
    hidden: int = 0
    tones: tuple[tuple[str, str], ...] = ()

    @property
    def label_every(self) -> int:
        """Every how many columns one is labelled."""
        return -(-len(self.bars) // _LABELS)


def statistics_page(name: str, statistics: Mapping[str, Any]) -> str:
    """One HTML page, nothing fetched and no script, of what `statistics.json` holds.

    Args:    name: of the dataset's source.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    package = resources.files(__package__).joinpath("templates")
    style = package.joinpath("statistics.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    return environment.from_string(package.joinpath("statistics.html.j2").read_text("utf-8")).render(
        name=name,
        style=Markup(style),  # noqa: S704 our own file
        style_hash=f"'sha256-{digest}'",
        statistics=statistics,
        figures=figures(statistics),
    )


def figures(statistics: Mapping[str, Any]) -> tuple[Figure, ...]:
    """The charts, in the order of the page."""
    domains = {region: DOMAIN_OF[region] for region in statistics["regions"]}
    return (
        histogram("steps", "Steps per trace", "Looks before the report.", "steps", statistics["steps_per_trace"]),
        histogram(
            "words", "Words per rationale", "What is said at one look.", "words", statistics["words_per_rationale"]
        ),
        rows(
            "domains",
            "Steps by domain",
            "Where the looks go; general: words that belong to no place.",
            statistics["steps_by_domain"],
            {domain: domain for domain in statistics["steps_by_domain"]},
        ),
        rows("regions", "Regions", "In how many steps each region is named.", statistics["regions"], domains),
        by_status(statistics["findings"]),
    )


def histogram(name: str, title: str, caption: str, unit: str, counts: Mapping[str, int]) -> Figure:
    """Columns of equal width from the smallest number to the largest, empty ones included.

    Args:    counts: whole number -> how often it occurs.
    """
    numbers = {int(number): count for number, count in counts.items()}
    first, last = min(numbers, default=0), max(numbers, default=0)
    width = next((nice for nice in _NICE if last // nice - first // nice < _MOST_BARS), last)
    bins = dict.fromkeys(range(first // width, last // width + 1), 0)
    for number, count in numbers.items():
        bins[number // width] += count
    labels = {b: str(b * width) if width == 1 else f"{b * width}–{b * width + width - 1}" for b in bins}
    top = max(bins.values())
    bars = tuple(_bar(labels[b], [(labels[b], count, "plain")], top) for b, count in bins.items())
    table = ((unit.capitalize(), "Count"), *((bar.label, f"{bar.count:,}") for bar in bars))
    return Figure(name, title, caption, bars, upright=True, table=table)


def rows(name: str, title: str, caption: str, counts: Mapping[str, int], tones: Mapping[str, str]) -> Figure:
    """One bar a name, the longest first. tones: name -> CSS class."""
    top = max(counts.values(), default=0)
    bars = tuple(_bar(label, [(label, count, tones[label])], top) for label, count in counts.items())
    table = (("Name", "Count"), *((label, f"{count:,}") for label, count in counts.items()))
    used = tuple((tone, tone) for tone in dict.fromkeys(tones.values())) if set(tones) != set(tones.values()) else ()
    return Figure(name, title, caption, bars, upright=False, table=table, tones=used)


def by_status(findings: Mapping[str, Mapping[str, int]]) -> Figure:
    """One bar a finding, in pieces by status; those that are present most often first."""
    labels = sorted(
        {label for counts in findings.values() for label in counts},
        key=lambda label: (*(-findings[status].get(label, 0) for status in STATUSES), label),
    )
    counts = {label: tuple(findings[status].get(label, 0) for status in STATUSES) for label in labels}
    shown = labels[:_MOST_BARS]
    top = max((sum(counts[label]) for label in shown), default=0)
    bars = tuple(
        _bar(label, [(s, count, s) for s, count in zip(STATUSES, counts[label], strict=True)], top) for label in shown
    )
    table = (
        ("Finding", *(status.capitalize() for status in STATUSES)),
        *((label, *(f"{count:,}" for count in counts[label])) for label in labels),
    )
    return Figure(
        "findings",
        "Findings by status",
        "What the steps say, all three together; those that are present most often first.",
        bars,
        upright=False,
        table=table,
        hidden=len(labels) - len(shown),
        tones=tuple((status, status) for status in STATUSES),
    )


def _bar(label: str, parts: Sequence[tuple[str, int, str]], top: int) -> Bar:
    pieces, start = [], 0.0
    for name, count, tone in parts:
        share = 100 * count / top if top else 0.0
        if count:
            pieces.append(Part(name, count, tone, round(start, 3), round(share, 3)))
        start += share
    return Bar(label, sum(count for _, count, _ in parts), tuple(pieces))
