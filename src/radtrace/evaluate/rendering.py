"""A table as Markdown, LaTeX (booktabs) or JSON."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from radtrace.evaluate.tables import Cell, Table

NONE = "—"
"""Stands where there is no figure."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    NONE: "---",
}


def number(value: float, digits: int) -> str:
    """A figure as it is shown; what rounds to zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def bounds(cell: Cell, digits: int) -> str:
    """The interval beside a figure, empty where there is none."""
    if cell.interval is None:
        return ""
    return f"[{number(cell.interval.low, digits)}, {number(cell.interval.high, digits)}]"


def heading_groups(table: Table) -> list[tuple[str, int]]:
    """(group, number of columns) of neighbouring columns."""
    return [(name, len(list(columns))) for name, columns in groupby(column.group for column in table.columns)]


def to_markdown(table: Table, digits: int) -> str:
    """A GitHub table, a group's name before each of its columns; blocks are rows of their title."""
    width = len(table.heads) + len(table.columns)
    titles = [*table.heads, *(" ".join(part for part in (c.group, c.title) if part) for c in table.columns)]
    lines = [f"**{_markdown(table.caption)}**", "", _piped(map(_markdown, titles))]
    lines.append(_piped(["---"] * len(table.heads) + ["---:"] * len(table.columns)))
    for block in table.blocks:
        if block.title:
            lines.append(_piped([f"*{_markdown(block.title)}*", *[""] * (width - 1)]))
        for row in block.rows:
            cells = (_marked(cell, digits, ("**{}**", "<u>{}</u>"), str) for cell in row.cells)
            lines.append(_piped([*map(_markdown, row.heads), *cells]))
    return "\n".join([*lines, "", *(f"- {_markdown(note)}" for note in table.notes), ""])


def to_latex(table: Table, digits: int) -> str:
    """A table environment that needs the package booktabs."""
    heads, columns = len(table.heads), len(table.columns)
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.caption)}}}",
        r"\centering\small",
        rf"\begin{{tabular}}{{{'l' * heads}{'r' * columns}}}",
        r"\toprule",
        *_latex_groups(table),
        " & ".join(map(_latex, [*table.heads, *(column.title for column in table.columns)])) + r" \\",
        r"\midrule",
    ]
    for number_, block in enumerate(table.blocks):
        if block.title:
            rule = [r"\midrule"] if number_ else []
            lines += [*rule, rf"\multicolumn{{{heads + columns}}}{{l}}{{\textit{{{_latex(block.title)}}}}} \\"]
        for row in block.rows:
            cells = (_marked(cell, digits, (r"\textbf{{{}}}", r"\underline{{{}}}"), _small) for cell in row.cells)
            lines.append(" & ".join([*map(_latex, row.heads), *cells]) + r" \\")
    notes = (rf"\par\footnotesize {_latex(note)}" for note in table.notes)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}", ""])


def to_json(table: Table) -> dict[str, Any]:
    """The table unrounded."""
    return {
        "caption": table.caption,
        "columns": [
            {"title": column.title, "group": column.group, "better": "lower" if lower else "higher"}
            for column, lower in zip(table.columns, table.lower, strict=True)
        ],
        "rows": [
            {
                name.lower(): int(head) if head.isdigit() else head
                for name, head in zip(table.heads, row.heads, strict=True)
            }
            | {"block": block.title, "figures": [_figure(cell) for cell in row.cells]}
            for block in table.blocks
            for row in block.rows
        ],
        "notes": list(table.notes),
        "refused": {name: list(pair) for name, pair in table.refused.items()},
    }


def _figure(cell: Cell) -> dict[str, Any]:
    interval = [cell.interval.low, cell.interval.high] if cell.interval else None
    return {"value": cell.value, "ci": interval, "rank": cell.mark or None}


def _marked(cell: Cell, digits: int, marks: Sequence[str], beside: Callable[[str], str]) -> str:
    if cell.value is None:
        return NONE if marks[0].startswith("*") else "---"
    shown = number(cell.value, digits)
    shown = marks[cell.mark - 1].format(shown) if cell.mark else shown
    return f"{shown} {beside(bounds(cell, digits))}".rstrip()


def _piped(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown(text: str) -> str:
    """Words that Markdown must not read as marks, in one line."""
    return re.sub(r"([\\|*_<>`\[\]])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def _small(text: str) -> str:
    return rf"{{\scriptsize {text}}}" if text else ""


def _latex_groups(table: Table) -> list[str]:
    """The row of groups and the rules beneath them; nothing where no column has a group."""
    groups = heading_groups(table)
    if not any(name for name, _ in groups):
        return []
    cells, rules, start = [""] * len(table.heads), [], len(table.heads) + 1
    for name, count in groups:
        cells.append(rf"\multicolumn{{{count}}}{{c}}{{{_latex(name)}}}")
        if name:
            rules.append(rf"\cmidrule(lr){{{start}-{start + count - 1}}}")
        start += count
    return [" & ".join(cells) + r" \\", "".join(rules)]
