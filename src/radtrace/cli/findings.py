"""`radtrace findings`."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from radtrace.errors import InputError

_FILE_NAME = re.compile(r"\S+\.(jsonl?|txt|csv|tsv|gz|xml)")
"""What is meant as a file; no report is one such word."""


@click.command()
@click.argument("report")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines for a text on the command line too.")
def findings(report: str, as_json: bool) -> int:
    """What a report says: finding, status, severity, side, regions and where in the text; by rules, without a model.

    REPORT is the text itself, or a file of JSON Lines {"id": …, "text": …}, or "-" for such lines on standard input.
    JSON Lines in give JSON Lines out, one row an id, with the 14 CheXpert labels and the 14 NIH labels; a line that
    cannot be read is named on stderr, the rest is done, and the exit status is 2.

    \b
    Examples:
      radtrace findings "Heart size normal. Small right pleural effusion, no pneumothorax."
      radtrace findings reports.jsonl > findings.jsonl
      zcat reports.jsonl.gz | radtrace findings -
    """
    from radtrace.findings import row

    if report != "-" and not _is_file(report):
        if _FILE_NAME.fullmatch(report):
            raise InputError(f"{report}: no such file")
        result = row("text", report)
        click.echo(json.dumps(result) if as_json else _table(result))
        return 0
    faults = 0
    for identifier, text in _lines(report):
        if identifier is None:
            click.echo(f"radtrace: {text}", err=True)
            faults += 1
        else:
            click.echo(json.dumps(row(identifier, text)))
    if faults:
        raise InputError(f"{report}: {faults} lines could not be used")
    return 0


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a report is often longer than a file name may be
        return False


def _lines(source: str) -> Iterator[tuple[Any, str]]:
    """(id, text) of each line, or (None, what is wrong with it)."""
    if source == "-":
        yield from _parsed(sys.stdin.buffer, "standard input")
    else:
        with Path(source).open("rb") as file:
            yield from _parsed(file, source)


def _parsed(lines: Iterable[bytes], name: str) -> Iterator[tuple[Any, str]]:
    seen: set[str | int] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{name}: line {number}"
        try:
            entry = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            yield None, f"{place}: not JSON in UTF-8"
            continue
        fault = _fault(entry, seen)
        if fault:
            yield None, f"{place}: {fault}"
        else:
            seen.add(entry["id"])
            yield entry["id"], entry["text"]


def _fault(entry: Any, seen: set[str | int]) -> str | None:
    if not isinstance(entry, dict) or type(entry.get("id")) not in (str, int) or not isinstance(entry.get("text"), str):
        return 'not {"id": …, "text": …}'
    return f"doubled id {entry['id']!r}" if entry["id"] in seen else None


def _table(result: dict[str, Any]) -> str:
    lines = [
        "  ".join(
            (
                f"{finding['status']:<9}",
                f"{finding['label']:<28}",
                f"{finding['severity'] or '':<8}",
                f"{finding['laterality'] or '':<9}",
                f"{finding['change'] or '':<8}",
                f"{finding['text']!r}",
                f"[{', '.join(finding['regions'])}]",
            )
        )
        for finding in result["findings"]
    ]
    labels = [f"{title}: {_labels(result[key])}" for title, key in (("CheXpert", "labels"), ("NIH", "nih14"))]
    return "\n".join([*(lines or ["no finding named"]), "", *labels])


def _labels(labels: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {status}" for name, status in labels.items() if status) or "none"
