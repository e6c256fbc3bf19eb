"""A look tells what a model writes, and changes nothing of how it learns."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.train.sft.conftest import ROOT, recipe

from radtrace.errors import InputError
from radtrace.findings import NIH14
from radtrace.metrics.clinical.gold import Gold
from radtrace.records import Report
from radtrace.train.sft.data.batches import Collator
from radtrace.train.sft.data.material import material_of, samples_of
from radtrace.train.sft.looks.figures import Told, figures_of
from radtrace.train.sft.looks.writing import Looker, looker_of
from radtrace.train.sft.stage import SftRecipe

KILLER = """
import os, pathlib, signal

def look(model, words, rows):
    calls = pathlib.Path(__file__).with_name("calls")
    count = int(calls.read_text()) + 1 if calls.exists() else 1
    calls.write_text(str(count))
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {}
"""
"""A quick look of one's own, after the recipe's: the second one is the last of its process."""
LOOKED = ("different_reports", "report_words", "f1_said_of_told")
REPORTS = (
    Report(findings="The heart is enlarged. There is a left pleural effusion."),
    Report(findings="The heart is enlarged.", impression="No acute disease."),
    Report(findings="The heart is enlarged.", impression="No acute disease."),
)
LABELS = ("Cardiomegaly", "Pleural Effusion", "Pneumothorax")


def told(*present: str) -> Told:
    return Told(present, tuple(label for label in LABELS if label not in present))


def test_reports_are_counted_measured_and_held_against_what_was_told() -> None:
    found = figures_of("abc", REPORTS, [told("Cardiomegaly"), told("Pneumothorax"), told("Cardiomegaly")], None)
    # words: 10, 7, 7; of the four findings said two were told, and the pneumothorax is missed: 4 / (4 + 2 + 1)
    assert found == {"different_reports": 2, "report_words": 8, "f1_said_of_told": pytest.approx(4 / 7)}


def test_what_a_model_is_never_told_of_does_not_count() -> None:
    only = Told(("Cardiomegaly",), ("Pneumothorax",))
    assert figures_of("abc", REPORTS, [only] * 3, None)["f1_said_of_told"] == 1.0


def test_an_f1_without_anything_present_is_not_told() -> None:
    clear = [Report(findings="The lungs are clear.")]
    assert figures_of("a", clear, [told()], None) == {"different_reports": 1, "report_words": 4}
    assert figures_of("a", clear, None, None) == {"different_reports": 1, "report_words": 4}


def test_gold_labels_are_those_of_the_file() -> None:
    labels = {"a": {"Cardiomegaly", "Effusion"}, "b": {"Cardiomegaly", "Mass"}, "c": set[str]()}
    rows = {study: tuple(int(name in there) for name in NIH14) for study, there in labels.items()}
    gold = Gold("", "nih14", rows, frozenset("c"), "column")
    found = figures_of("abc", REPORTS, None, gold)
    assert found["f1_gold_nih14"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))  # one false alarm, one mass missed
    assert "f1_said_of_told" not in found


def curve(folder: Path) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Rows of the metrics without the looks' figures, and these alone."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    plain = [{name: value for name, value in row.items() if name not in (*LOOKED, "tokens_per_s")} for row in rows]
    return plain, [{name: row[name] for name in LOOKED if name in row} for row in rows if "val_loss" in row]


def test_looks_change_nothing_of_the_training_even_where_it_is_killed_in_one(
    overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "killer.py").write_text(KILLER)
    monkeypatch.syspath_prepend(tmp_path)
    changes = ("network.dropout=0.1", "sampling.words_lost=0.2", "learning.bf16=false")
    plain = recipe(overrides, *changes, f"output={tmp_path / 'plain'}").train().path
    looked = recipe(overrides, *changes, "look.studies=1", f"output={tmp_path / 'looked'}").train().path
    settings = [*overrides, *changes, "look.studies=1", "quick=killer:look"]
    command = [sys.executable, "-m", "radtrace", "train", str(ROOT / "recipes" / "reader.toml")]
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    asked = [part for setting in settings for part in ("--set", setting)]
    killed = subprocess.run([*command, *asked], env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert killed.returncode == -signal.SIGKILL
    broken = recipe(settings)
    broken.train()
    (rows, nothing), (same, looks), (again, resumed) = (
        curve(folder) for folder in (plain.parent, looked.parent, broken.output)
    )
    assert nothing == [{}] * 2
    assert all({"different_reports", "report_words"} <= look.keys() for look in looks)
    assert rows == same == again
    assert looks == resumed
    weights = [(path / "model.safetensors").read_bytes() for path in (plain, looked, broken.output / "model")]
    assert weights[0] == weights[1] == weights[2]


def looker(run: SftRecipe) -> tuple[Looker | None, Any]:
    """Who looks at a run before its first step, and its model."""
    run.output.mkdir(exist_ok=True)
    material = material_of(run)
    train, val = (samples_of(run, material, part) for part in ("train", "val"))
    collate = Collator(material.skill, material.model.config.pad_token_id, cells=True, told=run.facts)
    return looker_of(run, material, train, val, collate), material.model.eval()


def changed(run: SftRecipe, **changes: Any) -> SftRecipe:
    return SftRecipe.model_validate(run.model_dump() | changes)


def test_each_form_of_prompt_is_written_from(overrides: list[str]) -> None:
    run = recipe(overrides, "look.studies=1", "network.positions=640")
    for changes in ({"facts": "evidence"}, {"encoder": None}, {"writing": {"decisions": False}}):
        look, model = looker(changed(run, **changes))
        assert look
        assert (look.facts is None) == ("encoder" in changes)
        found = look(model)
        assert found["different_reports"] == 1
        assert found == look(model)


def test_a_gold_file_chooses_the_studies(overrides: list[str], tmp_path: Path) -> None:
    run = recipe(overrides, "look.studies=8")
    every, _ = looker(run)
    assert every
    study = every.samples[-1].study_id
    gold = tmp_path / "gold.csv"
    for labelled in (study, "another"):
        gold.write_text(f"id,{','.join(NIH14)}\n{labelled},{','.join('1' * 14)}\n")
        chosen = changed(run, look={"studies": 8, "gold": gold})
        if labelled == study:
            look, model = looker(chosen)
            assert look
            assert [sample.study_id for sample in look.samples] == [study]
            assert "f1_gold_nih14" in look(model)
        else:
            with pytest.raises(InputError, match=r"gold\.csv: labels none of the studies to validate on"):
                looker(chosen)
