"""What is read once is not read again, unless it came with other films."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.reader.conftest import Write, locate
from tests.reader.test_reading import Terse

from radtrace.images import load_film
from radtrace.reader import Reader, Reading
from radtrace.reader.keeping import Readings, split_known
from radtrace.records import Study
from radtrace.sources.films import Films

READER = Reader(Terse(), load_film, locate)


class Folder:
    """A study of two films, one of them lateral, an earlier film, and the folder of its readings."""

    def __init__(self, frontal: Path, lateral: Path, readings: Path) -> None:
        self.frontal, self.lateral, self.readings = frontal, lateral, Readings(readings)
        self.prior = frontal.with_name("old.png")
        self.prior.write_bytes(frontal.read_bytes())
        readings.mkdir()

    def asked(self, *films: Path, prior: bool = True) -> tuple[Films, Study]:
        """The study as the command line names it."""
        paths = films or (self.frontal, self.lateral)
        source = Films(paths=paths, study="s", prior=self.prior if prior else None)
        (study,) = source.studies()
        assert isinstance(study, Study)
        return source, study

    def read(self) -> None:
        source, study = self.asked()
        outcome = READER.read(study, source)
        assert isinstance(outcome, Reading)
        self.readings.keep(outcome.trace)

    def is_known(self, *films: Path, prior: bool = True) -> bool:
        source, study = self.asked(*films, prior=prior)
        known, left = split_known(self.readings, [study], source, READER.stage)
        assert len(known) + len(left) == 1
        return bool(known)


@pytest.fixture
def folder(films: Write, tmp_path: Path) -> Folder:
    frontal, lateral = films("fl")
    return Folder(frontal, lateral, tmp_path / "out")


def test_the_same_films_are_not_read_again(folder: Folder) -> None:
    assert not folder.is_known()
    folder.read()
    assert folder.is_known()


def exchange(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


@pytest.mark.parametrize(
    "change",
    [lambda it: exchange(it.frontal), lambda it: exchange(it.lateral), lambda it: exchange(it.prior)],
    ids=["frontal", "lateral", "prior"],
)
def test_an_exchanged_film_is_read(folder: Folder, change: Callable[[Folder], None]) -> None:
    folder.read()
    change(folder)
    assert not folder.is_known()
    folder.read()
    assert folder.is_known()


def test_another_film_or_one_less_is_read(folder: Folder) -> None:
    folder.read()
    another = folder.frontal.with_name("another.png")
    another.write_bytes(folder.frontal.read_bytes())
    assert not folder.is_known(folder.frontal, folder.lateral, another)
    assert not folder.is_known(another, folder.frontal, folder.lateral)
    assert not folder.is_known(folder.frontal)
    assert not folder.is_known(prior=False)


def test_a_view_that_is_no_file_is_not_waited_for(folder: Folder) -> None:
    folder.lateral.unlink()
    os.mkfifo(folder.lateral)
    source = Films(paths=(folder.frontal.parent,), study="s")
    (study,) = source.studies()
    assert isinstance(study, Study)
    outcome = READER.read(study, source)
    assert isinstance(outcome, Reading)
    details = {stage.name: stage.detail for stage in outcome.trace.provenance}
    sha = hashlib.sha256(folder.frontal.read_bytes()).hexdigest()[:16]
    assert details["given"] == f"0f.png {sha}; 1l.png unread; old.png {sha}"
