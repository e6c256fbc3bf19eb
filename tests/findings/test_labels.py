"""Labels over several mentions, and the row that is written for a report."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from radtrace.findings import CHEXPERT, NIH14, annotate, chexpert_labels, findings_of, nih14_labels, row


@pytest.mark.parametrize(
    ("text", "name", "status"),
    [
        # present > uncertain > absent > nothing said
        ("No effusion. Possible effusion. Small effusion.", "Pleural Effusion", "present"),
        ("No effusion. Possible effusion.", "Pleural Effusion", "uncertain"),
        ("No effusion.", "Pleural Effusion", "absent"),
        ("The trachea is midline.", "Pleural Effusion", None),
        # what belongs to which label
        ("The heart is normal in size.", "Cardiomegaly", "absent"),
        ("Left lower lobe infiltrate.", "Lung Opacity", "present"),
        ("Vascular congestion.", "Edema", "present"),
        ("Right apical nodule.", "Lung Lesion", "present"),
        ("Calcified granuloma.", "Lung Lesion", None),
        ("Apical pleural thickening.", "Pleural Other", "present"),
        ("Compression deformity of a vertebral body.", "Fracture", "present"),
        ("The mediastinum is widened.", "Enlarged Cardiomediastinum", "present"),
        ("A left PICC ends in the SVC.", "Support Devices", "present"),
        ("The endotracheal tube has been removed.", "Support Devices", "absent"),
        # No Finding: nothing but devices
        ("Lungs are clear. Right PICC.", "No Finding", "present"),
        ("Normal chest.", "No Finding", "present"),
        ("Possible pneumonia.", "No Finding", None),
        ("Cardiomegaly.", "No Finding", None),
        ("The lungs are not clear.", "No Finding", None),
        ("The heart is not normal in size.", "No Finding", None),
        ("Pneumothorax: no. Effusion: no.", "No Finding", "present"),
    ],
)
def test_chexpert_labels(text: str, name: str, status: str | None) -> None:
    assert chexpert_labels(findings_of(text))[name] == status


@pytest.mark.parametrize(
    ("text", "name", "status"),
    [
        ("Bibasilar atelectasis.", "Atelectasis", "present"),
        ("Possible atelectasis.", "Atelectasis", "uncertain"),
        ("No atelectasis.", "Atelectasis", "absent"),
        ("Clear.", "Atelectasis", None),
        # a best guess counts
        ("Probable atelectasis.", "Atelectasis", "present"),
        ("Atelectasis versus infiltrate.", "Infiltration", "present"),
        ("This may represent atelectasis or infiltrate.", "Infiltration", "uncertain"),
        ("Borderline heart size.", "Cardiomegaly", "present"),
        # the terms count, not what they imply
        ("Left basilar opacity.", "Infiltration", None),
        ("Airspace disease.", "Consolidation", None),
        ("Calcified granuloma.", "Nodule", None),
        ("Biapical scarring.", "Fibrosis", None),
        ("Hyperinflated lungs.", "Emphysema", None),
        ("Subcutaneous emphysema.", "Emphysema", None),
        ("Pericardial effusion.", "Effusion", None),
        ("Blunting of the left costophrenic angle.", "Effusion", None),
        ("Large hiatal hernia.", "Hernia", "present"),
        ("Cystic fibrosis.", "Fibrosis", None),
        ("Masslike opacity.", "Mass", "present"),
        ("Pneumonitis.", "Pneumonia", "present"),
    ],
)
def test_nih14_labels(text: str, name: str, status: str | None) -> None:
    assert nih14_labels(annotate(text))[name] == status


def test_a_row_is_ready_for_json() -> None:
    text = "Small left pleural effusion. Probable atelectasis."
    written = row("a", text)
    assert json.loads(json.dumps(written)) == written
    assert written["id"] == "a"
    assert written["findings"][0] == {
        "label": "Pleural Effusion",
        "status": "present",
        "severity": "mild",
        "laterality": "left",
        "change": None,
        "regions": ["left costophrenic angle"],
        "span": [11, 27],
        "text": "pleural effusion",
    }
    assert (written["labels"]["Atelectasis"], written["nih14"]["Atelectasis"]) == ("uncertain", "present")


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_row_of_empty_text_has_every_label_and_says_nothing(text: str) -> None:
    assert row("a", text) == {
        "id": "a",
        "findings": [],
        "labels": dict.fromkeys(CHEXPERT),
        "nih14": dict.fromkeys(NIH14),
    }


def test_the_gold_standard_is_met(data_dir: Path) -> None:
    """Micro-F1 on the studies that the rules were written with; benchmarks/findings.py has the others."""
    with (data_dir / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        texts = {study["uid"]: f"{study['findings']}\n{study['impression']}" for study in csv.DictReader(file)}
    hits = false = missed = 0
    with (data_dir / "openi" / "gold_labels_nih14.csv").open(newline="", encoding="utf-8") as file:
        for gold in csv.DictReader(file):
            if int(hashlib.sha256(gold["uid"].encode()).hexdigest(), 16) % 10 >= 7:
                continue
            labels = nih14_labels(annotate(texts[gold["uid"]]))
            for name in NIH14:
                given, true = labels[name] == "present", gold[name] == "1"
                hits += given and true
                false += given and not true
                missed += true and not given
    assert 2 * hits / (2 * hits + false + missed) > 0.935
