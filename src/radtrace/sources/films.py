"""Films as a user names them: files, and folders in which each subfolder is a study."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    any depth; only where it holds several DICOM studies each of these is one of its own. Where no single file or
    subfolder gives a DICOM study its name, it is called by a hash of its id. In folders files that are no films are
    passed over, but for films that cannot be opened, and of DICOM files only CR and DX images for reading are taken; a
    subfolder that is empty, or without films but with files that may be damaged ones, is refused. Studies that would be
    called the same are called by their whole paths, and by a hash of them where these do not tell them apart. What is
    named twice is taken once, with the outermost folder that holds it.

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
        if self.prior and len(cases) > 1:
            raise InputError(f"{self.prior}: an earlier film is of one study, and {len(cases)} are given")
        if self.prior and not (self.root / self.prior).is_file():
            raise InputError(f"{self.prior}: no such file")
        for case, name in zip(cases, self._names(cases), strict=True):
            yield self._named(case, name)

    def dicom_studies(self) -> int:
        """How many DICOM studies the films are of by their headers, also where `study` makes them one."""
        return len({uid for whole in self._wholes() for uid in self._by_study(whole)})

    def _names(self, cases: Sequence["_Case"]) -> list[str]:
        """What each study is called, as no other is."""
        names = [_file_name(case.name) for case in cases]
        taken = Counter(names)
        doubled = [number for number, name in enumerate(names) if taken[name] > 1]
        for number in doubled:
            names[number] = _file_name(cases[number].whole_name)
        taken = Counter(names)
        for number in doubled:
            if taken[names[number]] > 1:
                names[number] = _file_name(names[number], _hash(self._real(cases[number].path)))
        return names

    def _one(self, name: str) -> "_Case":
        paths = [path for whole in self._wholes() for path in whole.files]
        return _Case(name, Path(name), self._study(paths))

    def _named(self, case: "_Case", name: str) -> Study | Rejected:
        if isinstance(case.found, Rejected):
            return case.found.model_copy(update={"study_id": name})
        if not all(_is_text(view.uri) for view in case.found.views):
            return Rejected(study_id=name, stage="source", reason="a file name that is no UTF-8: rename it")
        return case.found.model_copy(update={"id": name, "prior": self.prior and self.prior.name})

    def _wholes(self) -> list["_Whole"]:
        """What belongs together: the loose files of each path, and each subfolder; each file once."""
        files = [path for path in self.paths if not (self.root / path).is_dir()]
        for path in files:
            if not (self.root / path).is_file():
                raise InputError(f"{path}: no such file or folder")
        folders = [path for path in self.paths if (self.root / path).is_dir()]
        seen: set[str] = set()
        inside: list[_Whole] = []
        for folder in sorted(folders, key=lambda path: len(Path(self._real(path)).parts)):  # the outermost first
            inside += self._unseen(self._in_folder(folder), seen)
        chosen = {self._real(path): path for path in reversed(files)}
        return [*self._unseen([_Whole(tuple(reversed(chosen.values())), None, chosen=True)], seen), *inside]

    def _unseen(self, wholes: Sequence["_Whole"], seen: set[str]) -> list["_Whole"]:
        """The same without the files and subfolders that were seen before, which these then are too."""
        real = {path: self._real(path) for whole in wholes for path in whole.files}
        new = [replace(one, files=tuple(path for path in one.files if real[path] not in seen)) for one in wholes]
        kept = [one for one in new if one.files or (one.fault and one.folder and not self._lies_in(one.folder, seen))]
        seen.update(real.values(), (self._real(one.folder) for one in wholes if one.folder))
        return kept

    def _lies_in(self, folder: Path, seen: set[str]) -> bool:
        path = Path(self._real(folder))
        return not seen.isdisjoint(map(str, (path, *path.parents)))

    def _in_folder(self, folder: Path) -> list["_Whole"]:
        entries = sorted(entry for entry in (self.root / folder).iterdir() if not entry.name.startswith("."))
        loose = _Whole(self._films(entry for entry in entries if not entry.is_dir()), None)
        wholes = [loose, *(self._subfolder(entry) for entry in entries if entry.is_dir())]
        if not any(whole.files for whole in wholes):
            raise InputError(f"{folder}: holds no film ({', '.join(sorted(FILM_SUFFIXES))})")
        return wholes

    def _subfolder(self, folder: Path) -> "_Whole":
        below = self._below(folder)
        if not os.access(folder, os.R_OK | os.X_OK):
            return _Whole((below,), below)  # is refused by its name
        inside = sorted(path for path in folder.rglob("*") if not path.is_dir() and path.name[0] != ".")
        films = self._films(inside)
        return _Whole(films, below, fault="" if films else _fault(inside))

    def _films(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        return tuple(self._below(path) for path in paths if _is_film(path))

    def _real(self, path: Path) -> str:
        """Where a path leads; unlike `Path.resolve` it bears a link that leads to itself."""
        return os.path.realpath(self.root / path)

    def _below(self, path: Path) -> Path:
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def _cases(self, whole: "_Whole") -> Iterator["_Case"]:
        """The studies of what belongs together."""
        by_study = list(self._by_study(whole).values())
        dicom = {path for files in by_study for path in files}
        loose = [path for path in whole.files if path not in dicom]
        if whole.fault and whole.folder:
            refused = Rejected(study_id="", stage="source", reason=whole.fault)
            yield _Case(whole.folder.name, whole.folder, refused)
        elif whole.folder and len(by_study) == 1:
            yield from self._together(whole.folder, by_study[0], loose)
        elif whole.folder and loose:
            yield _Case(whole.folder.name, whole.folder, self._study(loose))
            yield from map(self._archived, by_study)
        else:
            yield from (_Case(path.stem, path, self._study([path])) for path in loose)
            for files in by_study:
                named = whole.chosen and len(files) == 1
                yield _Case(files[0].stem, files[0], self._study(files)) if named else self._archived(files)

    def _together(self, folder: Path, files: Sequence[Path], loose: Sequence[Path]) -> Iterator["_Case"]:
        """A subfolder's one DICOM study with the films beside it; these alone where that is refused."""
        archived = self._archived(files)
        if isinstance(archived.found, Study):
            views = (*archived.found.views, *self._study(loose).views)
            yield _Case(folder.name, folder, archived.found.model_copy(update={"views": views}))
        elif loose:
            yield _Case(folder.name, folder, self._study(loose))
            yield archived
        else:
            yield _Case(folder.name, folder, archived.found)

    def _archived(self, files: Sequence[Path]) -> "_Case":
        """The study of the DICOM files of one Study Instance UID."""
        source = Dicom(kind="dicom", root=self.root, files=tuple(files), name_files=True, name=self.name)
        found = next(source.studies())
        called = found.study_id if isinstance(found, Rejected) else found.id
        return _Case(files[0].stem if len(files) == 1 else called, files[0].with_name(called), found)

    def _by_study(self, whole: "_Whole") -> dict[str, list[Path]]:
        """DICOM files by Study Instance UID; those without one stay loose."""
        found: dict[str, list[Path]] = defaultdict(list)
        if whole.chosen and len(whole.files) == 1:
            return found
        for path in whole.files:
            if _kind(self.root / path) == "DICOM":
                try:
                    found[read_header(self.root / path).study].append(path)
                except HeaderError:
                    continue
        return found

    def _study(self, paths: Sequence[Path]) -> Study:
        views = tuple(View(id=path.name, uri=path.as_posix()) for path in paths)
        if len({view.id for view in views}) < len(views):
            views = tuple(view.model_copy(update={"id": view.uri}) for view in views)
        return Study(id="", source=self.name, views=views)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Files below root that belong together.

    folder: the subfolder they lie in. chosen: each was named by the user. fault: why there are none.
    """

    files: tuple[Path, ...]
    folder: Path | None
    chosen: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """A study, what it is called, and where it lies."""

    name: str
    path: Path
    found: Study | Rejected

    @property
    def whole_name(self) -> str:
        """Its path in one name, without separators; paths that differ only in those are called alike."""
        return "_".join(part for part in self.path.parts if part not in (self.path.anchor, ".."))


def _file_name(name: str, digest: str = "") -> str:
    """A study's name as files can be called by it: printable, in one folder, and with room for a suffix.

    digest: to be appended; a name that is too long gets one of its own.
    """
    clean = "".join(each if each.isprintable() and each != "/" else "_" for each in name)
    if not digest and len(clean.encode()) <= _LONGEST_NAME:
        return clean
    digest = digest or _hash(clean)
    return f"{clean.encode()[: _LONGEST_NAME - len(digest) - 1].decode(errors='ignore')}-{digest}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _is_text(name: str) -> bool:
    """Whether it is more than bytes that the system calls a file by."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fault(files: Sequence[Path]) -> str:
    """Why a subfolder of files that are no films is refused; empty where their suffixes say that they are others."""
    if not files:
        return "no film: the folder is empty"
    unknown = sum(not path.suffix or path.suffix[1:].isdigit() for path in files)  # 1.2.840.1 has no suffix
    return f"no film: {unknown} of {len(files)} files may be damaged ones" if unknown else ""


def _is_film(path: Path) -> bool:
    if path.name == "DICOMDIR":
        return False
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
