"""The public way to read one study."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.sources.test_films import write_dicom

import radtrace
from radtrace.errors import InputError
from radtrace.images import encode_png
from radtrace.phantoms import phantom
from radtrace.reader import Manner, load_reader

MODEL = "tests.reader.tiny:mind"


def test_one_study_is_read_and_a_bad_one_is_an_error(tmp_path: Path) -> None:
    film = phantom(3, (256, 256)).pixels
    (tmp_path / "study").mkdir()
    for name in ("a", "b"):
        (tmp_path / "study" / f"{name}.png").write_bytes(encode_png(film))
    trace = radtrace.read(tmp_path / "study" / "a.png", MODEL)
    assert trace.study_id == "a"
    whole = radtrace.read(str(tmp_path / "study"), MODEL)
    assert (whole.study_id, [step.box for step in whole.steps]) == ("study", [step.box for step in trace.steps])
    (tmp_path / "black.png").write_bytes(encode_png(np.zeros((90, 90), np.float32)))
    with pytest.raises(InputError, match=r"^black\.png: taken for other: the film is blank"):
        radtrace.read(tmp_path / "black.png", MODEL)


def test_a_folder_is_called_by_its_name_however_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = encode_png(phantom(3, (256, 256)).pixels)
    (tmp_path / "no.7" / "more").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "no.7" / f"{name}.png").write_bytes(film)
    monkeypatch.chdir(tmp_path / "no.7" / "more")
    for path in ("..", tmp_path / "no.7", "../more/.."):
        assert radtrace.read(path, MODEL).study_id == "no.7"
    monkeypatch.chdir(tmp_path / "no.7")
    assert radtrace.read(".", MODEL).study_id == "no.7"
    for name in ("a", "b"):
        Path(f"{name}.png").write_bytes(encode_png(np.zeros((90, 90), np.float32)))
    with pytest.raises(InputError, match=r"a\.png: taken for other: the film is blank"):
        radtrace.read(".", MODEL)


def test_a_folder_of_several_studies_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    write_dicom(f"{tmp_path}/p/a/1.dcm", "1.2.1")
    write_dicom(f"{tmp_path}/p/b/1.dcm", "1.2.2")
    with pytest.raises(InputError, match=r"p: holds 2 studies; name the folder or a film of one.*`radtrace read`$"):
        radtrace.read(tmp_path / "p", MODEL)


def test_a_wrong_model_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("radtrace.errors:nothing", "nowhere.at.all:mind"):
        with pytest.raises(InputError):
            load_reader(model)
    (tmp_path / "localizer.safetensors").touch()
    monkeypatch.setenv("RADTRACE_WEIGHTS", str(tmp_path))
    with pytest.raises(InputError, match="hold no reader"):
        load_reader("bundled", Manner())


def test_the_package_alone_imports_nothing_heavy() -> None:
    script = "import radtrace, sys; print('radtrace.reader' in sys.modules, 'read' in radtrace.__all__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'write'"):
        _ = radtrace.write  # type: ignore[attr-defined]
