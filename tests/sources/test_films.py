"""Which files become which studies."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from radtrace.errors import FilmError, InputError
from radtrace.images import encode_png, load_film
from radtrace.records import Rejected, Study
from radtrace.sources.films import Films

PNG = encode_png(np.zeros((40, 40), np.float32))


def write(*names: str, data: bytes = PNG) -> None:
    """Files with all folders above them."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def write_dicom(name: str, study: str, modality: str = "DX") -> None:
    """The header of a film, whose SOP Instance UID is its own."""
    data = pytest.importorskip("pydicom").dataset.Dataset()
    data.file_meta = pytest.importorskip("pydicom").dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.{int.from_bytes(name.encode()) % 10**20}"
    data.StudyInstanceUID, data.Modality = study, modality
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    data.save_as(name, enforce_file_format=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Loose films, subfolders of films, and files that are none; the working folder."""
    monkeypatch.chdir(tmp_path)
    write("films/a.png", "films/b.jpg", "films/s1/front.png", "films/s1/more/side.png", "films/s2/a.png", "a.png")
    write("films/.hidden.png")
    Path("films/notes.txt").write_text("no film")
    Path("empty").mkdir()
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


def hashed(name: str, path: Path) -> str:
    return f"{name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def test_whole_names_that_are_alike_get_a_hash_of_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("x_y/c.png", "x/y/c.png", "scan/film.png", "in/scan/film.png")
    files = ("x_y/c.png", "x/y/c.png")
    expected = {hashed("x_y_c.png", folder / name): [name] for name in files}
    assert found(*files) == found(*reversed(files)) == expected
    write("films/s1/x_y_c.png/1.png", "elsewhere/c.png")
    asked = found(files[0], "elsewhere/c.png", "films/s1")
    assert asked["x_y_c.png"] == ["films/s1/x_y_c.png/1.png"]  # a subfolder called like another study's path
    assert asked[hashed("x_y_c.png", folder / files[0])] == [files[0]]
    monkeypatch.chdir("in")
    assert found("scan/film.png", "../scan/film.png") == {
        hashed("scan_film.png", folder / "in/scan/film.png"): ["scan/film.png"],
        hashed("scan_film.png", folder / "scan/film.png"): ["../scan/film.png"],
    }


def test_a_name_with_a_hash_has_room_for_a_suffix(folder: Path) -> None:
    long = "n" * 99
    write(f"{long}_{long}/c.png", f"{long}/{long}/c.png")
    asked = found(f"{long}_{long}/c.png", f"{long}/{long}/c.png")
    assert [len(name) for name in asked] == [200, 200]


def test_what_is_named_twice_is_one_study(folder: Path) -> None:
    Path("link.png").symlink_to("a.png")
    assert found("a.png", "films/../a.png", str(folder / "a.png"), "link.png") == {"a": ["a.png"]}
    assert found("films/s2", "films/s2/a.png") == {"a": ["films/s2/a.png"]}
    whole = found("films")
    for more in ("films/s1/more/side.png", "films/s1", "films", "films/a.png"):
        assert found(more, "films") == found("films", more) == whole
    assert len(list(Films(paths=(Path("films/s2"), Path("films/s2/a.png"))).studies())) == 1


def test_in_a_folder_two_links_to_a_film_are_of_the_studies_that_they_lie_in(folder: Path) -> None:
    Path("films/s2/shared.png").symlink_to("../s1/front.png")
    assert found("films")["s2"] == ["films/s2/a.png", "films/s2/shared.png"]


def test_a_subfolder_of_one_dicom_study_is_one_study_with_all_its_films(folder: Path) -> None:
    write_dicom("p/p1/frontal.dcm", "1.2.1")
    write("p/p1/lateral.png", "p/p1/more/z.jpg")
    write_dicom("p/p2/f.dcm", "1.2.2")
    write("p/p2/l.dcm", data=b"\0" * 128 + b"DICM\2")
    write("p/p2/m.dcm", data=b"")
    write("p/p2/DICOMDIR", data=b"\0" * 128 + b"DICM\2")
    assert found("p") == {
        "p1": ["p/p1/frontal.dcm", "p/p1/lateral.png", "p/p1/more/z.jpg"],
        "p2": ["p/p2/f.dcm", "p/p2/l.dcm", "p/p2/m.dcm"],
    }


def test_a_subfolder_of_several_dicom_studies_is_these(folder: Path) -> None:
    write_dicom("p/p1/a.dcm", "1.2.1")
    write_dicom("p/p1/b.dcm", "1.2.2")
    write("p/p1/c.png")
    assert found("p") == {"p1": ["p/p1/c.png"], "a": ["p/p1/a.dcm"], "b": ["p/p1/b.dcm"]}
    assert Films(paths=(Path("p"),), study="x").dicom_studies() == 2
    assert Films(paths=(Path("films"),), study="x").dicom_studies() == 0


def test_beside_dicom_files_that_are_no_films_the_others_are_read(folder: Path) -> None:
    write_dicom("p/p1/slice.dcm", "1.2.1", modality="CT")
    write("p/p1/frontal.png")
    asked = found("p")
    assert asked["p1"] == ["p/p1/frontal.png"]
    assert str(asked["slice"]).startswith("no CR or DX film for reading")


def test_no_subfolder_vanishes(folder: Path) -> None:
    Path("films/nothing/deeper").mkdir(parents=True)
    write("films/p2/IM1", "films/p3/1.2.840.7", data=b"")
    write("films/p4/IM1", "films/p4/IM2", "films/p4/log.txt", data=b"\1damaged")
    write("films/texts/readme.txt", data=b"no film")
    asked = {name: reason for name, reason in found("films").items() if isinstance(reason, str)}
    assert asked == {
        "nothing": "no film: the folder is empty",
        "p2": "no film: 1 of 1 files may be damaged ones",
        "p3": "no film: 1 of 1 files may be damaged ones",
        "p4": "no film: 2 of 3 files may be damaged ones",
    }
    refused = [study for study in Films(paths=(Path("films"),)).studies() if isinstance(study, Rejected)]
    assert {study.stage for study in refused} == {"source"}
    assert len(found("films", study="seven")["seven"]) == 5
    Path("films/s1/nothing").mkdir()
    twice = Films(paths=(Path("films"), Path("films/s1"), Path("./films"))).studies()
    assert sum(isinstance(study, Rejected) for study in twice) == len(asked)


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


@pytest.mark.parametrize(("path", "message"), [("x.png", "no such file or folder"), ("empty", "holds no film")])
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
