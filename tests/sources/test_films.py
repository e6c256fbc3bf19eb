"""Which files become which studies."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from radtrace.errors import FilmError, InputError
from radtrace.images import encode_png, load_film
from radtrace.records import Rejected, Study
from radtrace.sources.films import Films


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Loose films, subfolders of films, and files that are none; the working folder."""
    monkeypatch.chdir(tmp_path)
    png = encode_png(np.zeros((40, 40), np.float32))
    for name in (
        "films/a.png",
        "films/b.jpg",
        "films/s1/front.png",
        "films/s1/more/side.png",
        "films/s2/a.png",
        "a.png",
    ):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    Path("films/notes.txt").write_text("no film")
    Path("films/.hidden.png").write_bytes(png)
    Path("films/empty").mkdir()
    return tmp_path


def found(*paths: str, **settings: object) -> dict[str, list[str] | str]:
    studies = Films(paths=tuple(map(Path, paths)), **settings).studies()
    return {
        s.id if isinstance(s, Study) else s.study_id: [v.uri for v in s.views] if isinstance(s, Study) else s.reason
        for s in studies
    }


def test_a_file_is_a_study_and_so_is_a_subfolder(folder: Path) -> None:
    assert found("a.png") == {"a": ["a.png"]}
    assert found("films") == {
        "a": ["films/a.png"],
        "b": ["films/b.jpg"],
        "s1": ["films/s1/front.png", "films/s1/more/side.png"],
        "s2": ["films/s2/a.png"],
    }


def test_studies_of_one_name_are_told_apart_by_their_paths(folder: Path) -> None:
    assert found("a.png", "films") == {
        "a.png": ["a.png"],
        "films_a.png": ["films/a.png"],
        "b": ["films/b.jpg"],
        "s1": ["films/s1/front.png", "films/s1/more/side.png"],
        "s2": ["films/s2/a.png"],
    }
    assert found("a.png", "a.png") == {"a": ["a.png"]}


def test_all_films_may_be_of_one_study(folder: Path) -> None:
    assert found("a.png", "films/s1", study="seven") == {
        "seven": ["a.png", "films/s1/front.png", "films/s1/more/side.png"]
    }


def test_relative_to_a_root_and_absolute(folder: Path) -> None:
    assert found("s2", root=folder / "films") == {"a": ["s2/a.png"]}
    assert found(str(folder / "films" / "s2")) == {"a": [f"{folder}/films/s2/a.png"]}


def test_an_earlier_film_is_of_one_study(folder: Path) -> None:
    (study,) = Films(paths=(Path("a.png"),), prior=Path("films/a.png")).studies()
    assert isinstance(study, Study)
    assert study.prior == "a.png"
    with pytest.raises(InputError, match="of one study, and 4 are given"):
        found("films", prior=Path("a.png"))
    with pytest.raises(InputError, match=r"x\.png: no such file"):
        found("a.png", prior=Path("x.png"))


@pytest.mark.parametrize(("path", "message"), [("x.png", "no such file or folder"), ("films/empty", "holds no film")])
def test_what_is_not_there_is_named(folder: Path, path: str, message: str) -> None:
    with pytest.raises(InputError, match=f"{path}: {message}"):
        found(path)


def test_whatever_files_are_called_studies_can_be_written(folder: Path) -> None:
    png = (folder / "a.png").read_bytes()
    strange = folder / "strange"
    strange.mkdir()
    for name in (b"red\x1b[31m\n.png", b"\xff.png", b"n" * 240 + b".png"):
        (strange / os.fsdecode(name)).write_bytes(png)
    asked = found("strange")
    assert asked.pop("_") == "a file name that is no UTF-8: rename it"
    long = next(name for name in asked if name.startswith("nn"))
    assert len(long) == 200
    assert set(asked) == {"red_[31m_", long}
    assert list(found("a.png", study="../up")) == [".._up"]


def test_a_film_that_cannot_be_opened_is_not_passed_over(folder: Path) -> None:
    Path("films/s2/gone.png").symlink_to("nowhere.png")
    Path("films/loop.jpg").symlink_to("loop.jpg")
    os.mkfifo("films/pipe.png")
    os.mkfifo("films/pipe")
    asked = found("films")
    assert set(asked) == {"a", "b", "s1", "s2", "loop", "pipe"}
    assert asked["s2"] == ["films/s2/a.png", "films/s2/gone.png"]
    for name in ("loop.jpg", "pipe.png", "s2/gone.png"):
        with pytest.raises(FilmError):
            load_film(Path("films") / name)


def test_dicom_files_of_one_study_stay_together(data_dir: Path, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    fuji = data_dir / "dicom" / "fuji_cr_pa_440_mono1_10bit_no_preamble.dcm"
    nih = data_dir / "dicom" / "nih_google_dx_1024_mono2_8bit.dcm"
    (tmp_path / "loose").mkdir()
    (tmp_path / "archive" / "patient" / "deep").mkdir(parents=True)
    for number in range(2):
        header = pydicom.dcmread(nih)
        header.SOPInstanceUID = f"1.2.3.{number}"
        header.save_as(tmp_path / "loose" / f"n{number}.dcm")
        header.save_as(tmp_path / "archive" / "patient" / "deep" / f"n{number}.dcm")
    shutil.copy(fuji, tmp_path / "loose" / "f.dcm")
    loose = found(str(tmp_path / "loose"))
    (hashed,) = set(loose) - {"f"}
    assert len(hashed) == 16
    assert [Path(uri).name for uri in loose[hashed]] == ["n0.dcm", "n1.dcm"]
    assert list(found(str(tmp_path / "archive"))) == ["patient"]
    files = [str(path) for path in sorted((tmp_path / "loose").iterdir())]
    assert set(found(*files)) == {"f", hashed}
    assert list(found(files[1])) == ["n0"]


def test_a_dicom_file_that_is_no_film_is_refused_in_a_folder(data_dir: Path, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    header = pydicom.dcmread(data_dir / "dicom" / "nih_google_dx_1024_mono2_8bit.dcm")
    header.Modality = "CT"
    (tmp_path / "s").mkdir()
    header.save_as(tmp_path / "s" / "slice.dcm")
    header.save_as(tmp_path / "other.dcm")
    studies = list(Films(paths=(tmp_path,)).studies())
    assert [(type(study), study.study_id) for study in studies] == [(Rejected, "other"), (Rejected, "s")]
    (chosen,) = Films(paths=(tmp_path / "other.dcm",)).studies()
    assert isinstance(chosen, Study)  # whoever names a file has it read, whatever its header says
