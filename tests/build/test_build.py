import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from radtrace.anatomy import REGIONS
from radtrace.build import BuildRecipe, build
from radtrace.build.ledger import Ledger
from radtrace.build.reading import find_traces
from radtrace.build.shards import read_rows, study_ids
from radtrace.config import load_recipe
from radtrace.errors import FailureRateError, InputError, RecipeError
from radtrace.geometry import Box
from radtrace.images import crop, encode_png, load_film

ROOT = Path(__file__).parents[2]


def phantoms(output, **settings):
    source = {"kind": "phantoms", "count": 40, "side": 128}
    return BuildRecipe.model_validate({"output": output, "source": source, "workers": 1, **settings})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    output = tmp_path_factory.mktemp("dataset") / "phantoms"
    build(phantoms(output))
    return output


def rows(dataset):
    return [
        row
        for path in sorted((dataset / "data").glob("*.parquet"))
        for row in read_rows(path, range(len(study_ids(path))))
    ]


def test_every_study_is_a_trace_in_one_split(dataset):
    names = [row.trace.study_id for row in rows(dataset)]
    assert sorted(names) == [f"phantom-{seed:05d}" for seed in range(40)]
    counts = Counter(path.name.split("-")[0] for path in (dataset / "data").glob("*") for _ in study_ids(path))
    assert counts == {"train": 32, "val": 4, "test": 4}


def test_a_step_shows_the_pixels_of_its_box_and_its_box_is_the_hull(dataset, tmp_path):
    for row in rows(dataset)[:10]:
        film = tmp_path / "film.png"
        film.write_bytes(row.film_png)
        pixels = load_film(film).pixels
        for step, png in zip(row.trace.steps, row.step_pngs, strict=True):
            if step.box is None:
                assert png is None
                continue
            assert png == encode_png(crop(pixels, step.box))
            assert step.box == Box.hull([region.box for region in step.regions])
            assert step.image.kind == "crop"


def test_confidence_is_written_and_read_back_and_older_files_have_none(dataset, tmp_path):
    path = next((dataset / "data").glob("val-*.parquet"))
    table = pq.read_table(path)
    place = table.schema.get_field_index("assessments")
    said = [{"label": "edema", "probability": 0.25}, {"label": "nodule", "probability": None}]
    column = pa.array([said] * len(table), table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), column), tmp_path / "said.parquet")
    pq.write_table(table.remove_column(place), tmp_path / "older.parquet")
    read = next(read_rows(tmp_path / "said.parquet", [0])).trace
    assert [each.model_dump() for each in read.assessments] == said
    assert next(read_rows(tmp_path / "older.parquet", [0])).trace.assessments == ()


def test_the_report_is_the_conclusion_and_the_stages_are_named(dataset):
    trace = rows(dataset)[0].trace
    assert trace.report.findings
    assert [stage.name for stage in trace.provenance] == ["view", "annotate"]
    assert (trace.view.width, trace.view.projection, len(trace.view.sha256)) == (128, "PA", 64)


def test_datasets_opens_the_folder_and_decodes_the_images(dataset, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(dataset), cache_dir=str(tmp_path))
    assert {split: len(part) for split, part in loaded.items()} == {"train": 32, "test": 4, "val": 4}
    by_id = {row.trace.study_id: row for row in rows(dataset)}
    case = loaded["train"][0]
    row = by_id[case["study_id"]]
    assert isinstance(case["image"], Image.Image)
    assert case["image"].size == (128, 128)
    for step, expected in zip(case["steps"], row.trace.steps, strict=True):
        assert step["rationale"] == expected.rationale
        assert step["box"] == (list(expected.box.xyxy) if expected.box else None)
        assert (step["image"] is None) == (expected.box is None)
        assert [region["name"] for region in step["regions"]] == [region.name for region in expected.regions]


def test_the_folder_describes_itself(dataset):
    manifest = json.loads((dataset / "manifest.json").read_text())
    for name, described in manifest["files"].items():
        assert hashlib.sha256((dataset / name).read_bytes()).hexdigest() == described["sha256"]
    assert manifest["recipe_digest"] == phantoms(dataset).digest()
    assert (dataset / "rejected.jsonl").read_text() == ""
    statistics = json.loads((dataset / "statistics.json").read_text())
    traces = [row.trace for row in rows(dataset)]
    assert statistics["steps"] == sum(len(trace.steps) for trace in traces)
    assert statistics["findings"]["present"]
    card = (dataset / "README.md").read_text()
    assert "license: apache-2.0" in card
    assert 'path: "data/val-*.parquet"' in card
    assert "Not for clinical use" in card


def digests(folder):
    names = ("data/*.parquet", "rejected.jsonl", "statistics.json", "README.md", "manifest.json")
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for n in names for p in folder.glob(n)
    }


@pytest.mark.parametrize("chunks_before", [0, 1])
def test_a_build_that_dies_goes_on_to_the_same_bytes(dataset, tmp_path, monkeypatch, chunks_before):
    add, calls = Ledger.add, []

    def dying(ledger, chunk):
        if len(calls) == chunks_before:
            raise KeyboardInterrupt
        calls.append(chunk)
        add(ledger, chunk)

    monkeypatch.setattr(Ledger, "add", dying)
    with pytest.raises(KeyboardInterrupt):
        build(phantoms(tmp_path / "run"))
    assert (tmp_path / "run" / "rejected.jsonl").exists()
    monkeypatch.setattr(Ledger, "add", add)
    build(phantoms(tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(dataset)
    build(phantoms(tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(dataset)


def test_two_workers_make_the_same_bytes(dataset, tmp_path):
    build(phantoms(tmp_path / "run", workers=2))
    assert digests(tmp_path / "run") == digests(dataset)


def test_a_changed_recipe_is_refused_by_name(dataset):
    with pytest.raises(InputError, match="seed was 0, is 1"):
        build(phantoms(dataset, seed=1))


def test_studies_that_changed_since_the_run_began_are_refused(tmp_path):
    recipe = table(tmp_path, "study_id,image,projection,findings\na,a.png,PA,Clear.\n", max_rejected=1.0)
    with pytest.raises(InputError, match="no study became a trace"):
        build(recipe)
    with pytest.raises(InputError, match="studies have changed since this run began"):
        build(table(tmp_path, "study_id,image,projection,findings\na,a.png,PA,New.\n", max_rejected=1.0))


def test_other_weights_than_the_run_began_with_are_refused(tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "localizer.safetensors").write_bytes(b"one")
    monkeypatch.setenv("RADTRACE_WEIGHTS", str(weights))
    build(phantoms(tmp_path / "run", source={"kind": "phantoms", "count": 2, "side": 128}))
    (weights / "localizer.safetensors").write_bytes(b"two")
    with pytest.raises(InputError, match="the localizer's weights have changed since this run began"):
        build(phantoms(tmp_path / "run", source={"kind": "phantoms", "count": 2, "side": 128}))


def test_a_finished_dataset_that_lost_a_file_is_not_called_finished(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "run")
    next((tmp_path / "run" / "data").glob("val-*")).unlink()
    with pytest.raises(InputError, match=r"val-00000-of-00001\.parquet: missing or changed"):
        build(phantoms(tmp_path / "run"))


@pytest.mark.parametrize("name", ["run.json", "inputs.json", "manifest.json", "cases.jsonl"])
def test_a_damaged_run_folder_is_named(dataset, tmp_path, name):
    shutil.copytree(dataset, tmp_path / "run")
    (tmp_path / "run" / name).write_text("[1]\n")
    with pytest.raises(InputError, match=f"{name}: damaged"):
        build(phantoms(tmp_path / "run"))


def test_splits_with_yaml_words_for_names_open_in_datasets(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(tmp_path / "good.png")
    lines = ["study_id,image,projection,findings,split,boxes"]
    lines += [f's{name},good.png,PA,Clear.,{name},"{whole_view_boxes()}"' for name in ("no", "0", "null")]
    build(table(tmp_path, "\n".join(lines)))
    loaded = datasets.load_dataset(str(tmp_path / "run"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(part) for split, part in loaded.items()} == {"no": 1, "0": 1, "null": 1}


def table(tmp_path, content, **settings):
    (tmp_path / "t.csv").write_text(content)
    source = {"kind": "table", "root": tmp_path, "table": "t.csv"}
    return BuildRecipe.model_validate({"output": tmp_path / "run", "source": source, "workers": 1, **settings})


def whole_view_boxes():
    return json.dumps([{"region": name, "box": [0.1, 0.1, 0.9, 0.9]} for name in REGIONS]).replace('"', '""')


def rejected(output):
    found = [json.loads(line) for line in (output / "rejected.jsonl").read_text().splitlines()]
    return {row["study_id"]: (row["stage"], row["reason"]) for row in found}


def test_what_cannot_be_a_trace_is_rejected_with_its_reason(tmp_path):
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    boxes = whole_view_boxes()
    lines = [
        "study_id,image,projection,findings,impression,boxes",
        f'good,good.png,PA,The lungs are clear.,,"{boxes}"',
        "side,good.png,lateral,The lungs are clear.,,",
        f'cut,cut.png,PA,The lungs are clear.,,"{boxes}"',
        f'gone,gone.png,PA,The lungs are clear.,,"{boxes}"',
        "mute,good.png,PA,,,",
        'boxed,good.png,PA,The lungs are clear.,,"[{""region"": ""left lung"", ""box"": [0.9, 0, 0.1, 1]}]"',
    ]
    result = build(table(tmp_path, "\n".join(lines), max_rejected=0.9))
    assert (result.traces, sum(result.rejected.values())) == (1, 5)
    reasons = rejected(tmp_path / "run")
    assert reasons["side"] == ("view", "no frontal film: 1 lateral")
    assert reasons["cut"][0] == reasons["gone"][0] == "image"
    assert "cut.png" in reasons["cut"][1]
    assert "gone.png: No such file" in reasons["gone"][1]
    assert reasons["mute"] == ("report", "neither findings nor impression")
    assert "t.csv line 7" in reasons["boxed"][1]
    assert "left lung" in reasons["boxed"][1]


def test_a_second_frontal_film_stands_in_for_one_that_cannot_be_read(tmp_path):
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes(b"")
    boxes = whole_view_boxes()
    lines = ["study_id,image,projection,findings,boxes"]
    lines += [f's,{name},PA,The lungs are clear.,"{boxes}"' for name in ("cut.png", "good.png")]
    build(table(tmp_path, "\n".join(lines)))
    (row,) = rows(tmp_path / "run")
    assert row.trace.view.id == "good.png"
    assert "cut.png" in row.trace.provenance[0].detail


def test_too_many_rejections_stop_the_run_and_are_kept(tmp_path):
    lines = ["study_id,image,projection,findings", "a,a.png,PA,Clear.", "b,b.png,PA,Clear."]
    with pytest.raises(FailureRateError, match=r"2 of 2 studies rejected, more than max_rejected = 0\.5"):
        build(table(tmp_path, "\n".join(lines)))
    assert set(rejected(tmp_path / "run")) == {"a", "b"}


def test_nothing_to_build_is_said(tmp_path):
    with pytest.raises(InputError, match="no study became a trace"):
        build(table(tmp_path, "study_id,image,projection,findings\na,a.png,PA,Clear.\n", max_rejected=1.0))


def test_finding_traces(dataset):
    assert find_traces(dataset).count == 40
    assert find_traces(dataset, split="val").count == 4
    assert [row.trace.study_id for row in find_traces(dataset, ids=["phantom-00007"]).rows()] == ["phantom-00007"]
    drawn = find_traces(dataset, limit=5, seed=3)
    assert (drawn.count, drawn.total) == (5, 40)
    assert drawn == find_traces(dataset, limit=5, seed=3) != find_traces(dataset, limit=5, seed=4)
    with pytest.raises(InputError, match="did you mean 'val'"):
        find_traces(dataset, split="vla")
    with pytest.raises(InputError, match="no trace of study 99"):
        find_traces(dataset, ids=["99"])
    with pytest.raises(InputError, match="no dataset of traces"):
        find_traces(dataset / "data")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        find_traces(dataset / "README.md")


def recipes_of_build():
    texts = {path.name: path.read_text() for path in (ROOT / "recipes").glob("*.toml")}
    return sorted(name for name, text in texts.items() if "\n[source]\n" in text and "\n[manner]\n" not in text)


@pytest.mark.parametrize("name", recipes_of_build())
def test_every_recipe_is_valid(name, tmp_path):
    recipe = load_recipe(ROOT / "recipes" / name, BuildRecipe, [f"output={tmp_path}", f"source.root={tmp_path}"])
    assert recipe.output == tmp_path


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source.split=valid", "source.split"),
        ("source.rot=x", "source.rot"),
        ("source.kind=openai", "did you mean 'openi'"),
        ("split.train=0.5", "split: .*not 1"),
        ("workers=0", "workers"),
        ("sede=1", "did you mean 'seed'"),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(ROOT / "recipes" / "openi.toml", BuildRecipe, [override])


def command(tmp_path, *settings):
    given = [f"output={tmp_path / 'run'}", "source.count=40", "source.side=128", *settings]
    options = [option for setting in given for option in ("--set", setting)]
    return [sys.executable, "-m", "radtrace", "build", str(ROOT / "recipes" / "phantoms.toml"), *options]


def test_a_build_that_is_killed_goes_on_to_the_same_bytes(dataset, tmp_path):
    ledger = tmp_path / "run" / "cases.jsonl"
    killed = subprocess.Popen(command(tmp_path, "workers=1"), stderr=subprocess.DEVNULL)
    while killed.poll() is None and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert 1 <= len(ledger.read_text().splitlines()) < 5
    assert not (tmp_path / "run" / "manifest.json").exists()
    subprocess.run(command(tmp_path, "workers=1"), check=True, capture_output=True)
    assert digests(tmp_path / "run") == digests(dataset)


def test_an_interrupted_build_goes_on_to_the_same_bytes(dataset, tmp_path):
    ledger = tmp_path / "run" / "cases.jsonl"
    building = subprocess.Popen(command(tmp_path, "workers=2"), stderr=subprocess.PIPE, text=True)
    while building.poll() is None and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.01)
    building.send_signal(signal.SIGINT)
    said = building.communicate()[1]
    assert building.returncode == 130
    assert said.splitlines()[-1] == "radtrace: interrupted; the same command goes on where it stopped"
    assert "Traceback" not in said
    subprocess.run(command(tmp_path, "workers=2"), check=True, capture_output=True)
    assert digests(tmp_path / "run") == digests(dataset)


def test_a_full_disk_is_one_line_and_the_build_goes_on_afterwards(dataset, tmp_path):
    """A file size limit of the process stands in for the full disk: the kernel refuses the bytes all the same."""
    script = (
        "import resource, signal, subprocess, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    )
    full = subprocess.run(
        [sys.executable, "-c", script, *command(tmp_path, "workers=1")], capture_output=True, text=True
    )
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr
    assert subprocess.run(command(tmp_path, "workers=1"), capture_output=True).returncode == 0
    assert study_ids(tmp_path / "run" / "data" / "val-00000-of-00001.parquet")
