"""A folder of DICOM films, as an archive exports them, with reports from a table or from structured reports."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from radtrace.errors import FilmError, InputError
from radtrace.images import Film, load_film
from radtrace.records import Rejected, Report, Study, View
from radtrace.sources import Load, OwnSource
from radtrace.sources.dicom_headers import Header, HeaderError, WrittenReport, read_directory, read_header, read_report
from radtrace.sources.reports import ReportTable
from radtrace.sources.tables import one_line


class Dicom(OwnSource):
    """Files grouped by Study Instance UID; studies, views and patients are called by a hash of their ids.

    Films are CR and DX images for reading; other files (presentation states, DX "for processing", CT …) are counted in
    `Study.notes`. The hashes are pseudonyms: who knows an id can find it again. A report's own words are left as they
    are, so a report that names the patient does so in the dataset too.

    root: folder that holds the files, at any depth. dicomdir: a DICOMDIR, relative to root; only the files that it
        names are read; None: all.
    files: these only, relative to root; None: all.
    reports: a table (see `radtrace.sources.reports`), relative to root, whose column `study_id` holds what `report_key`
        says, or the study's hash; None: structured reports among the files, the last verified one of a study.
    report_key: what the table calls a study by.
    name_files: whether messages and the dataset may name files; their names may hold a patient's. Otherwise a file is
        called by a hash of its path below root.
    name, licence, citation: see `OwnSource`.
    """

    dicomdir: Path | None = None
    files: tuple[Path, ...] | None = None
    reports: Path | None = None
    report_key: Literal["StudyInstanceUID", "AccessionNumber"] = "StudyInstanceUID"
    name_files: bool = False
    name: str = "dicom"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`; what belongs to no study is rejected file by file."""
        paths = self._paths()
        table = ReportTable(self.root / self.reports, "study_id") if self.reports else None
        by_study: dict[str, list[_File]] = defaultdict(list)
        for path in paths:
            try:
                header = read_header(self.root / path)
                by_study[header.study].append(_File(path, header))
            except HeaderError as error:
                reason = f"{self._called(path)}: {error}"
                yield Rejected(study_id=f"file {pseudonym(path)}", stage="source", reason=reason)
        for uid, files in by_study.items():
            try:
                yield self._study(files, table)
            except (ValueError, InputError) as error:
                yield Rejected(study_id=pseudonym(uid), stage="source", reason=one_line(error))
        for key, fault in (table.unasked_faults() if table else {}).items():
            yield Rejected(study_id=f"report {pseudonym(key)}", stage="source", reason=fault)

    def film(self, view: View, load: Load = load_film) -> Film:
        """See `Source.film`; the error calls the file as `name_files` says."""
        try:
            return super().film(view, load)
        except FilmError as error:
            message = str(error).replace(str(self.root / view.uri), self._called(view.uri))
            raise FilmError(message) from None

    def reference(self, view: View) -> str:
        """See `Source.reference`."""
        return view.uri if self.name_files else f"{view.id}.dcm"

    def _called(self, path: str) -> str:
        return path if self.name_files else f"file {pseudonym(path)}"

    def _paths(self) -> list[str]:
        """Files below root, sorted; the table of reports, DICOMDIRs and hidden files are none of them."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: no such folder")
        if self.files is not None:
            return [path.as_posix() for path in self.files]
        if self.dicomdir is not None:
            return self._named_paths(self.dicomdir)
        left_out = {self.root / self.reports} if self.reports else set()
        found = sorted(
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.is_file() and path not in left_out and path.name != "DICOMDIR" and not path.name.startswith(".")
        )
        if not found:
            raise InputError(f"{self.root}: holds no files")
        return found

    def _named_paths(self, dicomdir: Path) -> list[str]:
        """Paths as the DICOMDIR writes them, or in lower case, as some discs are copied."""
        try:
            named = read_directory(self.root / dicomdir)
        except HeaderError as error:
            raise InputError(f"{self.root / dicomdir}: {error}") from error
        below = dicomdir.parent
        paths = [below.joinpath(*parts).as_posix() for parts in named]
        lower = [below.joinpath(*(part.lower() for part in parts)).as_posix() for parts in named]
        return sorted(
            {
                small if not (self.root / path).exists() and (self.root / small).exists() else path
                for path, small in zip(paths, lower, strict=True)
            }
        )

    def _study(self, files: list["_File"], table: ReportTable | None) -> Study:
        headers = [file.header for file in files]
        if len({header.patient for header in headers} - {""}) > 1:
            raise ValueError(f"{len(files)} files of one study differ in patient")
        single, doubled = self._without_copies(files)
        films = [file for file in single if file.header.is_film]
        others = Counter(
            f"{file.header.modality} ({file.header.kind})"
            for file in single
            if not file.header.is_film and not file.header.is_report
        )
        notes = [f"{count} left out: {kind}" for kind, count in sorted(others.items())]
        if doubled:
            notes.append(f"{doubled} files are copies of others")
        if not films:
            raise ValueError("; ".join(["no CR or DX film for reading", *notes]))
        report, more = self._report(single, table)
        return Study(
            id=pseudonym(headers[0].study),
            source=self.name,
            patient_id=next((pseudonym(h.patient) for h in headers if h.patient), None),
            views=tuple(
                View(id=pseudonym(file.header.instance or file.path), uri=file.path, projection=file.header.projection)
                for file in films
            ),
            report=report,
            notes=(*notes, *more),
        )

    def _without_copies(self, files: list["_File"]) -> tuple[list["_File"], int]:
        """Files without those of the same SOP Instance UID and bytes, and how many these were."""
        by_instance: dict[str, list[_File]] = defaultdict(list)
        for file in files:
            by_instance[file.header.instance or file.path].append(file)
        for same in by_instance.values():
            if len(same) > 1 and len({_digest(self.root / file.path) for file in same}) > 1:
                called = ", ".join(self._called(file.path) for file in same)
                raise ValueError(f"{called}: one SOP Instance UID, different contents")
        return [same[0] for same in by_instance.values()], len(files) - len(by_instance)

    def _report(self, files: list["_File"], table: ReportTable | None) -> tuple[Report | None, list[str]]:
        """The table's report, or the last and most final structured one; and what to note of it."""
        uid = files[0].header.study
        if table is not None:
            accessions = sorted({file.header.accession for file in files} - {""})
            keys = [uid] if self.report_key == "StudyInstanceUID" else accessions
            return table.get(*keys, pseudonym(uid)), []
        written: list[WrittenReport] = []
        notes = []
        for file in files:
            if file.header.is_report:
                try:
                    found = read_report(self.root / file.path)
                except HeaderError as error:
                    notes.append(f"{self._called(file.path)}: {error}")
                    continue
                written += [found] if found else []
        if not written:
            return None, notes
        last = max(written, key=lambda one: one.rank)
        if len(written) > 1:
            notes.append(f"the last of {len(written)} structured reports is used")
        if last.left_out:
            notes.append(f"{last.left_out} texts of the report stand under other headings and are left out")
        return last.report, notes


@dataclass(frozen=True, slots=True)
class _File:
    """A file below root and its header."""

    path: str
    header: Header


def pseudonym(identifier: str) -> str:
    """A file-safe name for an id or path: the first 16 hex digits of its sha256."""
    return hashlib.sha256(identifier.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ValueError(f"a file cannot be read: {error.strerror}") from error
