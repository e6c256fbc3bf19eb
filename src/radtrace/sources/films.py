"""Films as a user names them: files, and folders in which each subfolder is a study."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from radtrace.errors import InputError
from radtrace.images import FILM_SUFFIXES
from radtrace.images.dicom import looks_like_dicom
from radtrace.images.pictures import JPEG_MAGIC, PNG_MAGIC
from radtrace.records import Rejected, Study, View
from radtrace.sources import OwnSource
from radtrace.sources.dicom import Dicom
from radtrace.sources.dicom_headers import HeaderError, read_header

_LONGEST_NAME = 200
"""Bytes of a study's name."""
_SNIFFED = 256
"""First bytes of a file, which tell what it is."""


class Films(OwnSource):
    """Studies without reports, from files and folders.

    A file is a study of its own, called by its stem; DICOM files of one Study Instance UID are one study. In a folder,
    loose files are taken in the same way and each subfolder is one study, called by its name, whose films may lie at
    any depth. Where no single file or subfolder gives a DICOM study its name, it is called by a hash of its id. In
    folders files that are no films are passed over, but for films that cannot be opened, and of DICOM files only CR and
    DX images for reading are taken. Studies that would be called the same are called by their whole paths.

    root: what relative paths start from. study: all films are of one study, called so. prior: an earlier film of the
    study, of which there may then be only one.
    """

    kind: str = "films"
    root: Path = Path()
    paths: tuple[Path, ...]
    study: str | None = None
    prior: Path | None = None
    name: str = "films"

    def studies(self) -> Iterator[Study | Rejected]:
        """See `Source.studies`. Raises InputError for a path that is not there, and a folder without films."""
        cases = [self._one(self.study)] if self.study else [each for one in self._wholes() for each in self._cases(one)]
        taken = Counter(_file_name(case.name) for case in cases)
        if self.prior and len(cases) > 1:
            raise InputError(f"{self.prior}: an earlier film is of one study, and {len(cases)} are given")
        if self.prior and not (self.root / self.prior).is_file():
            raise InputError(f"{self.prior}: no such file")
        for case in cases:
            name = _file_name(case.name)
            yield self._named(case, name if taken[name] == 1 else _file_name(case.whole_name))

    def _one(self, name: str) -> "_Case":
        paths = [path for whole in self._wholes() for path in whole.files]
        return _Case(name, Path(name), self._study(list(dict.fromkeys(paths))))

    def _named(self, case: "_Case", name: str) -> Study | Rejected:
        if isinstance(case.found, Rejected):
            return case.found.model_copy(update={"study_id": name})
        if not all(_is_text(view.uri) for view in case.found.views):
            return Rejected(study_id=name, stage="source", reason="a file name that is no UTF-8: rename it")
        return case.found.model_copy(update={"id": name, "prior": self.prior and self.prior.name})

    def _wholes(self) -> Iterator["_Whole"]:
        """What belongs together: the loose files of each path, and each subfolder."""
        files = [path for path in self.paths if not (self.root / path).is_dir()]
        for path in files:
            if not (self.root / path).is_file():
                raise InputError(f"{path}: no such file or folder")
        if files:
            yield _Whole(tuple(dict.fromkeys(files)), None, chosen=True)
        for path in self.paths:
            if (self.root / path).is_dir():
                yield from self._in_folder(path)

    def _in_folder(self, folder: Path) -> Iterator["_Whole"]:
        entries = sorted(entry for entry in (self.root / folder).iterdir() if not entry.name.startswith("."))
        wholes = [_Whole(self._films(entry for entry in entries if not entry.is_dir()), None)]
        for entry in entries:
            if entry.is_dir():
                inside = sorted(path for path in entry.rglob("*") if not path.is_dir() and path.name[0] != ".")
                closed = not os.access(entry, os.R_OK | os.X_OK)  # is refused by its name
                wholes.append(_Whole((entry,) if closed else self._films(inside), self._below(entry)))
        if not any(whole.files for whole in wholes):
            raise InputError(f"{folder}: holds no film ({', '.join(sorted(FILM_SUFFIXES))})")
        yield from (whole for whole in wholes if whole.files)

    def _films(self, paths: "Iterator[Path] | Sequence[Path]") -> tuple[Path, ...]:
        return tuple(self._below(path) for path in paths if _is_film(path))

    def _below(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _cases(self, whole: "_Whole") -> Iterator["_Case"]:
        """The studies of what belongs together."""
        by_study = self._by_study(whole)
        dicom = {path for files in by_study for path in files}
        loose = [path for path in whole.files if path not in dicom]
        if whole.folder is None:
            yield from (_Case(path.stem, path, self._study([path])) for path in loose)
        elif loose:
            yield _Case(whole.folder.name, whole.folder, self._study(loose))
        alone = whole.folder if len(by_study) == 1 and not loose else None
        for files in by_study:
            if whole.chosen and len(files) == 1:
                yield _Case(files[0].stem, files[0], self._study(files))
            else:
                yield from self._archived(files, alone)

    def _archived(self, files: Sequence[Path], folder: Path | None) -> Iterator["_Case"]:
        """The study of some DICOM files. folder: the subfolder that is theirs alone."""
        source = Dicom(kind="dicom", root=self.root, files=tuple(files), name_files=True, name=self.name)
        for found in source.studies():
            called = found.study_id if isinstance(found, Rejected) else found.id
            name = folder.name if folder else files[0].stem if len(files) == 1 else called
            yield _Case(name, folder or files[0].with_name(called), found)

    def _by_study(self, whole: "_Whole") -> list[list[Path]]:
        """DICOM files by Study Instance UID; those without one stay loose."""
        found: dict[str, list[Path]] = defaultdict(list)
        if whole.chosen and len(whole.files) == 1:
            return []
        for path in whole.files:
            if _kind(self.root / path) == "DICOM":
                try:
                    found[read_header(self.root / path).study].append(path)
                except HeaderError:
                    continue
        return list(found.values())

    def _study(self, paths: Sequence[Path]) -> Study:
        views = tuple(View(id=path.name, uri=path.as_posix()) for path in paths)
        if len({view.id for view in views}) < len(views):
            views = tuple(view.model_copy(update={"id": view.uri}) for view in views)
        return Study(id="", source=self.name, views=views)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Files below root that belong together. folder: the subfolder they lie in. chosen: each was named by the user."""

    files: tuple[Path, ...]
    folder: Path | None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """A study, what it is called, and where it lies."""

    name: str
    path: Path
    found: Study | Rejected

    @property
    def whole_name(self) -> str:
        """A name that no other study has, without separators."""
        return "_".join(part for part in self.path.parts if part not in (self.path.anchor, ".."))


def _file_name(name: str) -> str:
    """A study's name as files can be called by it: printable, in one folder, and with room for a suffix."""
    clean = "".join(each if each.isprintable() and each != "/" else "_" for each in name)
    if len(clean.encode()) <= _LONGEST_NAME:
        return clean
    digest = hashlib.sha256(clean.encode()).hexdigest()[:8]
    return f"{clean.encode()[: _LONGEST_NAME - len(digest) - 1].decode(errors='ignore')}-{digest}"


def _is_text(name: str) -> bool:
    """Whether it is more than bytes that the system calls a file by."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_film(path: Path) -> bool:
    return path.suffix.lower() in FILM_SUFFIXES or _kind(path) is not None


def _kind(path: Path) -> str | None:
    """What a file is by its first bytes, or its suffix where these do not tell."""
    if not path.is_file():  # a pipe would be waited for
        return None
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError:
        return None
    if start.startswith((PNG_MAGIC, JPEG_MAGIC)):
        return "picture"
    return "DICOM" if looks_like_dicom(start) or path.suffix.lower() in {".dcm", ".dicom", ".ima"} else None
