"""Open-I's val reports: the floors that were measured with pycocoevalcap before any of this was written."""

import csv

import pytest

from radtrace.metrics import PRESETS, Pair, preset, score
from radtrace.metrics.clinical.gold import GoldLabels, read_gold


@pytest.fixture(scope="module")
def studies(data_dir):
    with (data_dir / "openi" / "studies.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["findings"].strip()]


@pytest.fixture(scope="module")
def constant(studies):
    """Every val study predicted to read like one training study, a normal one that is like many."""
    text = next(row["findings"] for row in studies if row["uid"] == "158")
    return [Pair(row["uid"], text, row["findings"]) for row in studies if row["r2gen_split"] == "val"]


def test_the_best_existing_report(constant):
    result = score([constant], ["bleu_1", "bleu_4", "rouge_l", "chexpert_rules"], PRESETS["r2gen"])
    assert result.n == 296
    assert [round(result.scores[name], 3) for name in ("bleu_1", "bleu_4", "rouge_l")] == [0.480, 0.141, 0.369]
    assert result.scores["chexpert_rules_f1_not_normal"] == 0


def test_the_published_protocol_flatters(constant, studies):
    published = preset("published", [row["findings"] for row in studies if row["r2gen_split"] == "train"])
    names = ["bleu_1", "bleu_4"]
    honest, flattered = (score([constant], names, protocol).scores for protocol in (PRESETS["r2gen"], published))
    assert all(flattered[name] > honest[name] for name in names)


def test_reference_texts_against_the_gold_labels(studies, data_dir):
    labels = GoldLabels(read_gold(data_dir / "openi" / "gold_labels_nih14.csv"))
    pairs = [Pair(row["uid"], row["findings"], None) for row in studies if row["r2gen_split"] == "val"]
    scores = {one.name: one.value for one in labels(pairs, PRESETS["r2gen"])}
    assert (labels.n, labels.missing, labels.normals, labels.supported) == (
        148,
        148,
        49,
        ["Atelectasis", "Cardiomegaly"],
    )
    assert scores["gold_micro_f1"] > 0.7
    assert scores["gold_false_alarms_on_normal"] < 0.05
