"""What a model reads of a dataset, with a model of random weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.cli.predict import predict as command
from radtrace.config import load_recipe
from radtrace.errors import FailureRateError, InputError
from radtrace.evaluate.pairing import Sides
from radtrace.evaluate.predict import PredictRecipe, predict
from radtrace.images import encode_png
from radtrace.metrics import preset, score
from radtrace.phantoms import examination, phantom

ROOT = Path(__file__).parents[2]
MODEL = "model=tests.reader.tiny:mind"
STUDIES = 4


@pytest.fixture(scope="module")
def openi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms in the layout of Open-I's tables; the last study has no report, and one film is of no study."""
    root = tmp_path_factory.mktemp("openi")
    films = ["uid,image_id,file,projection,orig_width,orig_height"]
    studies = ["uid,findings,impression,indication,comparison,r2gen_split"]
    for seed in range(STUDIES):
        (root / f"{seed}.png").write_bytes(encode_png(phantom(seed, (256, 256)).pixels))
        films.append(f"{seed},view{seed},{seed}.png,Frontal,256,256")
        report = examination(seed).report
        words = ["", ""] if seed == STUDIES - 1 else [report.findings, report.impression]
        studies.append(",".join([str(seed), *(json.dumps(text).replace("\\n", " ") for text in words), "", "", "val"]))
    films.append("9,view9,9.png,Frontal,256,256")
    (root / "reports.csv").write_text("\n".join(films))
    (root / "studies.csv").write_text("\n".join(studies))
    return root


def recipe(openi: Path, output: Path, *settings: str) -> PredictRecipe:
    overrides = [f"source.root={openi}", f"output={output}", MODEL, *settings]
    return load_recipe(ROOT / "recipes" / "predict.toml", PredictRecipe, overrides)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_recipe_reads_and_is_scored(openi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    monkeypatch.setenv("TINY_STOPS", "2")
    with pytest.raises(KeyboardInterrupt):
        predict(recipe(openi, out, "together=1"))
    first = (out / "predictions.jsonl").read_text()
    assert [row["id"] for row in lines(out / "predictions.jsonl")] == ["0", "1"]
    monkeypatch.delenv("TINY_STOPS")
    monkeypatch.setenv("TINY_BREAKS", "2")
    result = predict(recipe(openi, out))
    assert (result.read, result.failed) == (3, {"read": 1})
    assert (out / "predictions.jsonl").read_text().startswith(first)
    rows = lines(out / "predictions.jsonl")
    assert [row["text"] is None for row in rows] == [False, False, True, False]
    assert "out of memory" in rows[2]["reason"]
    assert [row["text"] == "" for row in lines(out / "references.jsonl")] == [False, False, False, True]
    names = ("rouge_l",)
    pairs = list(Sides(out / "predictions.jsonl", out / "references.jsonl", None, "findings", names).pairs())
    scored = score([pairs], names, preset("r2gen"))
    assert (scored.n, scored.failed) == (3, 1)
    for row, found in zip([rows[0], rows[1], rows[3]], find_traces(out, split="val").rows(), strict=True):
        assert (
            found.trace.model_dump(mode="json", exclude={"answer"}) | {"answer": row["trace"]["answer"]} == row["trace"]
        )
        for step, png in zip(found.trace.steps, found.step_pngs, strict=True):
            assert (step.image is None) == (png is None)
            assert step.image is None or (out / step.image.uri).read_bytes() == png
    assert predict(recipe(openi, out)) == result


def test_a_dataset_is_read_from_its_own_films(openi: Path, dataset: Path, tmp_path: Path) -> None:
    both = predict(recipe(openi, tmp_path / "both", f"dataset={dataset}", "split=val")).path
    own = predict(PredictRecipe(output=tmp_path / "own", model=MODEL.removeprefix("model="), dataset=dataset)).path
    read = [[row["id"] for row in lines(path / "predictions.jsonl")] for path in (both, own)]
    assert read == [["0", "1", "2"]] * 2
    names = ("grd", "gen")
    for preds in (both, own):
        pairs = list(Sides(preds, dataset, "val", "findings", names).pairs())
        scores = score([pairs], names, preset("r2gen")).scores
        assert all(0 <= (scores[name] or 0) <= 1 for name in names)
        assert any(step.iou > 0 for pair in pairs for step in pair.steps)


@pytest.fixture(scope="module")
def dataset(openi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of the three studies with a report."""
    output = tmp_path_factory.mktemp("dataset") / "built"
    source = recipe(openi, output).source
    assert source is not None
    return build(BuildRecipe(output=output, source=source, workers=1)).path


@pytest.fixture(scope="module")
def damaged(openi: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same films where study 1 is there twice, which is refused, and study 2 is not at all."""
    root = tmp_path_factory.mktemp("damaged") / "openi"
    shutil.copytree(openi, root)
    header, *rows = (openi / "studies.csv").read_text().splitlines()
    (root / "studies.csv").write_text("\n".join([header, rows[0], rows[1], rows[1], rows[3]]))
    return root


def test_what_the_source_refuses_or_lacks_of_a_dataset_fails(dataset: Path, damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = predict(recipe(damaged, out, f"dataset={dataset}", "split=val", "max_failed=0.7"))
    assert (result.read, result.failed) == (1, {"source": 2})
    rows = {row["id"]: row for row in lines(out / "predictions.jsonl")}
    assert rows.keys() == {"0", "1", "2"}  # nobody asks for 3
    assert [rows[name]["stage"] for name in "12"] == ["source", "source"]
    assert "doubled uid" in rows["1"]["reason"]
    assert [row["study_id"] for row in lines(out / "rejected.jsonl")] == ["1", "2"]
    references = {row["id"]: row["text"] for row in lines(out / "references.jsonl")}
    assert references.keys() == rows.keys()
    pairs = list(Sides(out / "predictions.jsonl", out / "references.jsonl", None, "findings", ("rouge_l",)).pairs())
    scored = score([pairs], ("rouge_l",), preset("r2gen"))
    assert (scored.n, scored.failed) == (3, 2)
    assert predict(recipe(damaged, out, f"dataset={dataset}", "split=val", "max_failed=0.7")) == result
    with pytest.raises(FailureRateError, match="2 of 3 studies failed"):
        predict(recipe(damaged, tmp_path / "strict", f"dataset={dataset}", "split=val"))
    first = predict(recipe(damaged, tmp_path / "first", f"dataset={dataset}", "split=val", "limit=2"))
    assert (first.read, first.failed) == (1, {"source": 1})


def test_what_the_source_refuses_is_counted_on_the_last_line(damaged: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = [f"source.root={damaged}", f"output={out}", MODEL, "limit=1"]
    options = [word for each in settings for word in ("--set", each)]
    done = CliRunner().invoke(
        command, [str(ROOT / "recipes" / "predict.toml"), *options, "--strict"], standalone_mode=False
    )
    assert done.return_value == 1
    assert done.stdout.splitlines()[-1] == f"failed: 1 (source 1); see {out}/predictions.jsonl and rejected.jsonl"
    assert [row["id"] for row in lines(out / "predictions.jsonl")] == ["0"]


@pytest.mark.parametrize(("settings", "left"), [(["max_failed=0.1"], 2), (["limit=1", "max_failed=0.9"], 0)])
def test_a_run_that_failed_fails_again_and_reads_no_more(
    settings: list[str], left: int, openi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    monkeypatch.setenv("TINY_BREAKS", "1" if left else "0")
    with pytest.raises(FailureRateError):
        predict(recipe(openi, out, *settings))
    before = lines(out / "predictions.jsonl")
    assert len(before) == (STUDIES if left else 1) - left
    monkeypatch.delenv("TINY_BREAKS")
    with pytest.raises(FailureRateError):
        predict(recipe(openi, out, *settings))
    assert lines(out / "predictions.jsonl") == before
    assert not (out / "data").exists()


def test_what_cannot_go_on_is_said(openi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="neither says what is to be read"):
        PredictRecipe(output=tmp_path)
    with pytest.raises(InputError, match="visual"):
        recipe(openi, tmp_path, "manner.visual=painted")
    monkeypatch.setenv("TINY_BREAKS", "1")
    with pytest.raises(FailureRateError, match="1 of 4 studies failed"):
        predict(recipe(openi, tmp_path / "run", "max_failed=0.1", "manner.visual=none"))
    predict(recipe(openi, tmp_path / "run", "manner.visual=none"))
    with pytest.raises(InputError, match=r"manner\.visual was 'none', is 'draft'"):
        predict(recipe(openi, tmp_path / "run"))
