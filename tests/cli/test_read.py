"""`radtrace read` as a user runs it, with a model of random weights."""

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from radtrace.cli.demo import demo
from radtrace.cli.read import read
from radtrace.errors import InputError
from radtrace.images import Pixels, encode_png, resized
from radtrace.phantoms import phantom
from radtrace.records import Rejected, Trace

MODEL = ("--model", "tests.reader.tiny:mind")


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Good films and bad ones."""
    film = phantom(3, (256, 256)).pixels
    large = resized(phantom(4, (256, 256)).pixels, 2048, 2560)
    files: dict[str, Pixels] = {
        "good": film,
        "turned": np.rot90(film),
        "megapixels": large,
        "small": film[:24, :24],
        "black": np.zeros((400, 400), np.float32),
        "study/one": film,
        "study/two": np.ascontiguousarray(film[:, ::-1]),
    }
    for name, pixels in files.items():
        path = tmp_path / "films" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(pixels))
    (tmp_path / "films" / "cut.png").write_bytes(encode_png(film)[:900])
    return tmp_path / "films"


def test_good_films_are_read_and_bad_ones_refused_in_one_line_each(run, films, tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_STOPS", "turned")
    stopped = run(films, *MODEL, "-o", "out", "--samples", "1")
    assert isinstance(stopped.exception, KeyboardInterrupt | click.Abort)
    monkeypatch.delenv("TINY_STOPS")
    monkeypatch.setenv("TINY_BREAKS", "study")
    done = run(films, *MODEL, "-o", "out")
    assert done.return_value == 0
    monkeypatch.delenv("TINY_BREAKS")
    rows = [
        Rejected.model_validate_json(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    ]
    assert {row.study_id: row.stage for row in rows} == {
        "small": "image", "black": "localize", "cut": "image", "study": "read",
    }  # fmt: skip
    assert all("\n" not in row.reason for row in rows)
    assert "out of memory" in next(row.reason for row in rows if row.study_id == "study")
    assert done.stderr.splitlines()[-1] == "3 read; rejected: 4; see out/rejected.jsonl"
    again = run(films, *MODEL, "-o", "out", "--json", "--strict")
    assert again.return_value == 1
    assert again.stderr.splitlines()[-1] == "1 read, 3 were read before; rejected: 3; see out/rejected.jsonl"
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    traces = [Trace.model_validate(line) for line in lines if "steps" in line]
    assert sorted(trace.study_id for trace in traces) == ["good", "megapixels", "study", "turned"]
    for trace in traces:
        assert Trace.model_validate_json((tmp_path / "out" / f"{trace.study_id}.trace.json").read_bytes()) == trace
        page = (tmp_path / "out" / f"{trace.study_id}.html").read_text()
        assert "Research use only" in page
        assert ('"crops":["data:' in page) == any(step.image for step in trace.steps[:1])
    rows = (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()
    assert len(rows) == 3


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(read, list(map(str, arguments)), standalone_mode=False)

    return invoke


def test_one_film_is_written_while_it_is_read(run, films, tmp_path):
    done = run(films / "good.png", "--prior", films / "turned.png", *MODEL, "--visual", "none")
    assert done.return_value == 0
    assert "not for clinical use" in done.stdout
    trace = Trace.model_validate_json((tmp_path / "readings" / "good.trace.json").read_bytes())
    for number, step in enumerate(trace.steps, start=1):
        assert f"\n{number}  " in done.stdout
        assert step.image is None
        assert not any(mark in done.stdout for mark in ("<step", "</", "<box", "<report"))
    assert "turned.png" in next(stage.detail for stage in trace.provenance if stage.name == "prior")


def test_wrong_input_is_one_line(run, films, tmp_path, monkeypatch):
    monkeypatch.setenv("RADTRACE_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "localizer.safetensors").touch()
    for arguments, said in (
        (["missing.png"], "missing.png: no such file or folder"),
        ([films, "--prior", films / "good.png"], "an earlier film is of one study"),
        ([films / "good.png"], "these weights hold no reader"),
        ([films / "good.png", "--json", "--open"], "--open"),
        ([films / "good.png", "--model", "nowhere:mind"], "there is no module 'nowhere'"),
    ):
        error = run(*arguments).exception
        assert isinstance(error, InputError)
        assert said in str(error)
        assert "\n" not in str(error)


def test_a_film_that_cannot_be_read_ends_with_status_2(run, films):
    done = run(films / "black.png", *MODEL, "--json")
    assert done.return_value == 2
    assert done.stderr.splitlines() == [
        "radtrace: black: black.png: taken for other: the film is blank",
        "0 read; rejected: 1",
    ]
    assert json.loads(done.stdout)["stage"] == "localize"


def test_a_real_film_is_read_in_every_form_and_what_is_none_is_refused(run, data_dir, tmp_path):
    with Image.open(min((data_dir / "boxes" / "nih" / "images").iterdir())) as image:
        film = image.convert("L")
    pixels = np.asarray(film)
    colours = np.stack([np.add.outer(np.arange(200), np.arange(300)) % 255, *np.indices((200, 300)) % 255], -1)
    read_as = {
        "deep.png": Image.fromarray(pixels.astype(np.uint16) * 257),
        "colour.jpg": film.convert("RGB"),
        "clear.png": film.convert("RGBA"),
        "inverted.png": Image.fromarray(255 - pixels),
        "down.png": film.rotate(180),
        "large.jpg": film.resize((5000, 5000)),
    }
    refused = {
        "white.png": Image.new("L", (400, 400), 255),
        "photo.jpg": Image.fromarray(colours.astype(np.uint8)),
        "inks.jpg": film.convert("CMYK"),
        "line.png": film.crop((0, 0, 400, 3)),
    }
    (tmp_path / "f").mkdir()
    for name, picture in (read_as | refused).items():
        picture.save(tmp_path / "f" / name)
    (tmp_path / "f" / "gone\x1b.png").symlink_to("nowhere")
    done = run("f", *MODEL, "--visual", "none", "-o", "out")
    assert done.return_value == 0
    assert {path.stem.split(".")[0] for path in (tmp_path / "out").glob("*.trace.json")} == {
        name.split(".")[0] for name in read_as
    }
    rows = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_text().splitlines()]
    assert {row["study_id"] for row in rows} == {"white", "photo", "inks", "line", "gone_"}
    assert sum(line.startswith("radtrace: ") for line in done.stderr.splitlines()) == len(rows)
    assert "\x1b" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_what_was_read_before_the_disk_was_full_is_kept(run, films, tmp_path):
    file = "turned.trace.json"
    command = (films / "good.png", films / "turned.png", *MODEL, "--visual", "none", "-o", "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".{file}.part").symlink_to("/dev/full")
    error = run(*command).exception
    assert isinstance(error, InputError)
    assert str(error) == f"out/{file}: cannot be written: No space left on device"
    assert (tmp_path / "out" / "good.trace.json").exists()
    assert not (tmp_path / "out" / file).exists()
    assert run(*command).stderr.splitlines()[-1] == "1 read, 1 were read before; rejected: 0"


def test_the_demo_reads(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(demo, ["--count", "2", "--no-open", *MODEL], standalone_mode=False)
    assert done.exception is None
    assert "2 of 2 phantom studies read" in done.stdout
    assert (tmp_path / "demo" / "readings.html").stat().st_size > 100_000
    wrong = CliRunner().invoke(demo, ["--model", "nowhere:mind", "--no-open"], standalone_mode=False)
    assert isinstance(wrong.exception, InputError)
