"""The stage: a dataset told anew, resumed after a kill."""

import json
from pathlib import Path

import numpy as np
import pytest

from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.config import load_recipe
from radtrace.errors import InputError, RecipeError
from radtrace.train.consensus.stage import ConsensusRecipe
from radtrace.train.consensus.texts import TEXTS
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.targets import read_report

ROOT = Path(__file__).parents[3]
LABELS = ("Cardiomegaly", "Pleural Effusion", "Pleural Effusion, right", "Pleural Effusion, left")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    source = {"kind": "phantoms", "count": 30, "side": 128}
    build(BuildRecipe.model_validate({"output": str(folder / "traces"), "source": source, "workers": 1}))
    (folder / "encoder").mkdir()
    Skill(LABELS, (0.9,) * 4, tuple(map(tuple, np.eye(4).tolist()))).save(folder / "encoder" / "skill.json")
    return folder


def recipe(parts: Path, output: Path, *change: object) -> ConsensusRecipe:
    values: dict[object, object] = {
        "output": output,
        "traces": parts / "traces",
        "encoder": parts / "encoder",
        "again": 2,
        "least": 3,
    }
    values |= dict([change]) if change else {}
    return load_recipe(
        ROOT / "recipes" / "consensus.toml", ConsensusRecipe, [f"{name}={value}" for name, value in values.items()]
    )


def test_every_study_is_told_as_it_was_decided(parts: Path, tmp_path: Path) -> None:
    made = recipe(parts, tmp_path / "run").train()
    old = {row.trace.study_id: row for row in find_traces(parts / "traces", split="train").rows()}
    new = {row.trace.study_id: row for row in find_traces(made.path, split="train").rows()}
    lines = [json.loads(line) for line in (made.path / TEXTS).read_text().splitlines()]
    told = {(" ".join(line["findings"]), line["impression"]): line for line in lines}
    assert new.keys() == old.keys()
    assert len(told) > 2
    assert made.figures["without_report"] == 0
    assert made.figures["studies"] == len(new)
    for study, row in new.items():
        report = row.trace.report
        assert report is not None
        line = told[report.findings, report.impression]
        said, _ = read_report(report)
        assert {name.partition(", ")[0] for name in line["told"]} == {name for name in said if said[name]} & {
            *LABELS[:2]
        }
        assert {name for name, sure in said.items() if sure > 0} - {"Abnormal"} >= {*line["told"]} - {*line["missing"]}
        assert {each.label for step in row.trace.steps for each in step.findings} <= {*LABELS}  # no other is assessed
        assert row.film_png == old[study].film_png
        assert row.trace.steps
        assert all(step.rationale for step in row.trace.steps)
        assert all(step.box for step in row.trace.steps if step.domain in ("lung", "mediastinal"))
        assert row.trace.provenance[-1].name == "consensus"
    val = [row.trace for row in find_traces(made.path, split="val").rows()]
    assert val == [row.trace for row in find_traces(parts / "traces", split="val").rows()]


def test_a_run_that_was_killed_goes_on_to_the_same_texts(parts: Path, tmp_path: Path) -> None:
    whole = recipe(parts, tmp_path / "whole").train()
    again = recipe(parts, tmp_path / "again").train()
    lines = (again.path / TEXTS).read_bytes().splitlines(keepends=True)
    (again.path / TEXTS).write_bytes(b"".join(lines[:2]) + lines[2][:10])
    for path in (again.path / "data").iterdir():
        path.unlink()
    recipe(parts, tmp_path / "again").train()
    assert (again.path / TEXTS).read_bytes() == (whole.path / TEXTS).read_bytes()
    traces = [[row.trace for row in find_traces(path, split="train").rows()] for path in (again.path, whole.path)]
    assert traces[0] == traces[1]


def test_a_run_begun_with_other_rules_is_not_gone_on_with(parts: Path, tmp_path: Path) -> None:
    made = recipe(parts, tmp_path / "run").train()
    path = made.path / TEXTS
    path.write_text(path.read_text().replace("heart", "hart"))
    with pytest.raises(InputError, match=r"texts\.jsonl: holds sentences"):
        recipe(parts, made.path).train()


def test_another_encoder_needs_another_folder(parts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    skill = Skill.load(parts / "encoder" / "skill.json")
    skill.save(folder / "skill.json")
    made = recipe(parts, tmp_path / "run", "encoder", folder).train()
    Skill(skill.labels, (0.8,) * 4, skill.correlation).save(folder / "skill.json")
    with pytest.raises(InputError, match="another encoder"):
        recipe(parts, made.path, "encoder", folder).train()


def test_what_is_told_anew_is_not_the_split_to_look_at(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="val_split"):
        recipe(parts, tmp_path / "run", "val_split", "train")
    with pytest.raises(InputError, match="no split"):
        recipe(parts, tmp_path / "run", "val_split", "vla").train()


def test_an_encoder_that_tells_nothing_is_told_in_one_line(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="least_auroc"):
        recipe(parts, tmp_path / "run", "bars.least_auroc", "0.99").train()
