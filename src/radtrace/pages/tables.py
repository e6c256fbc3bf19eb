"""Tables of results as one self-contained HTML page without a script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from radtrace.evaluate.rendering import bounds, heading_groups, number
from radtrace.evaluate.tables import Table
from radtrace.pages.document import asset, csp_hash, template, write_pieces


def tables_page(tables: Sequence[Table], title: str, digits: int) -> str:
    """The page; best figures are bold, second best ones underlined, intervals stand below."""
    style = asset("tables.css")
    return template("tables.html.j2").render(
        title=title,
        tables=[_shown(table, digits) for table in tables],
        style=Markup(style),  # noqa: S704 our own file
        style_hash=csp_hash(style),
    )


def write_tables(tables: Sequence[Table], path: Path, title: str, digits: int) -> None:
    """Write the page. Raises InputError where the file cannot be written."""
    write_pieces([tables_page(tables, title, digits)], path)


def _shown(table: Table, digits: int) -> dict[str, Any]:
    """A table with its figures as texts."""
    groups = heading_groups(table)
    return {
        "caption": table.caption,
        "heads": table.heads,
        "groups": groups if any(name for name, _ in groups) else [],
        "columns": [(column.title, lower) for column, lower in zip(table.columns, table.lower, strict=True)],
        "blocks": [
            {
                "title": block.title,
                "rows": [
                    {
                        "heads": row.heads,
                        "cells": [
                            {
                                "text": "" if cell.value is None else number(cell.value, digits),
                                "bounds": bounds(cell, digits),
                                "mark": cell.mark,
                            }
                            for cell in row.cells
                        ],
                    }
                    for row in block.rows
                ],
            }
            for block in table.blocks
        ],
        "notes": table.notes,
    }
