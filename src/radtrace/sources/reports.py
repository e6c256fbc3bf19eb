"""Reports that stand in a table beside the films: one row a study."""

from collections.abc import Mapping
from pathlib import Path

from radtrace.errors import InputError
from radtrace.records import Report
from radtrace.reports import sections
from radtrace.sources.tables import Row, read_table

_SECTIONS = ("findings", "impression", "indication", "comparison", "technique")


class ReportTable:
    """Reports by key.

    A row holds the key and a headed text in `report`, or any of the columns findings, impression, indication,
    comparison, technique. `faults`: key (or place) -> why that row gives no report.
    """

    def __init__(self, path: Path, key: str) -> None:
        """Read a .csv, .tsv or .jsonl file. Raises InputError where it is missing or lacks the key's column."""
        self._reports: dict[str, Report] = {}
        self._used: set[str] = set()
        self.faults: dict[str, str] = {}
        places: dict[str, str] = {}
        for row in read_table(path, (key,)):
            name = row.text(key) or row.place
            if name in places:
                self.faults[name] = f"doubled {key}: {places[name]}, {row.place}"
                self._reports.pop(name, None)
                continue
            places[name] = row.place
            fault = row.fault or ("" if row.text(key) else f"no {key}")
            if fault:
                self.faults[name] = f"{row.place}: {fault}"
                continue
            try:
                self._reports[name] = _report(row)
            except ValueError as error:
                self.faults[name] = f"{row.place}: {error}"

    def get(self, *keys: str) -> Report | None:
        """The report of the first key that has one. Raises InputError where that key's row is at fault."""
        for key in keys:
            if key in self.faults:
                self._used.add(key)
                raise InputError(self.faults[key])
            if key in self._reports:
                self._used.add(key)
                return self._reports[key]
        return None

    def unasked_faults(self) -> Mapping[str, str]:
        """Key (or place) -> fault of the bad rows that no study asked for."""
        return {key: fault for key, fault in self.faults.items() if key not in self._used}


def _report(row: Row) -> Report:
    parts = {name: row.text(name) for name in _SECTIONS}
    return Report(**parts) if any(parts.values()) else sections(row.text("report"))
