import json

import numpy as np
import pytest

from radtrace.errors import InputError
from radtrace.evaluate.readings.beside import figure, scores_of, scores_of_each
from radtrace.evaluate.readings.clinical import any_alarm, dealt_exactly, gold_scores
from radtrace.evaluate.readings.measure import Material, measure
from radtrace.evaluate.readings.predictions import Predicted
from radtrace.evaluate.readings.table import table
from radtrace.findings import NIH14
from radtrace.metrics import PRESETS, Pair
from radtrace.metrics.clinical.gold import Gold
from radtrace.metrics.scores import mean_score, signature
from radtrace.records import Assessment, Report, Study

PRESET = PRESETS["r2gen"]
SICK, WELL = "There is cardiomegaly.", "The heart is normal in size."


def gold(sick, well):
    heart = tuple(int(name == "Cardiomegaly") for name in NIH14)
    return Gold("0", "nih14", dict.fromkeys(sick, heart) | dict.fromkeys(well, (0,) * 14), frozenset(well), "column")


def test_a_floor_is_beaten_where_it_is_worse_with_p_below_a_twentieth():
    def score(values, **said):
        return mean_score("m", values, signature("m", **said))

    high, low = [1.0] * 10 + [None], [0.0] * 10 + [None]
    found = figure(score(high), {"low": score(low), "same": score(high)}, score(low))
    assert (found.value, found.n, found.hardest, found.above_all) == (1, 10, "same", False)
    assert found.floors["low"].p == 2 / 2**10  # of all swaps, those of none and of all are as far
    assert found.dealt.value == 0
    assert figure(score(high), {"low": score(low)}).above_all
    worse = figure(score(high, better="lower"), {"low": score(low)})
    assert (worse.lower, worse.above_all) == (True, False)


def test_reports_that_know_their_films_are_better_placed_than_the_same_dealt():
    sick, well = [f"s{n}" for n in range(10)], [f"w{n}" for n in range(10)]
    pairs = [Pair(name, SICK if name in sick else WELL, WELL) for name in sick + well]
    found = dealt_exactly(pairs, gold(sick, well))
    assert found["f1_not_normal"]["value"] == 1
    assert found["f1_not_normal"]["p"] < 0.01
    assert found["f1_not_normal"]["dealt_mean"] == pytest.approx(2 * 0.5 / 1.5, abs=0.03)  # half of them, recall = half
    assert found["false_alarms_on_normal"]["dealt_mean"] == pytest.approx(0.5, abs=0.05)
    blind = [Pair(name, WELL, WELL) for name in sick + well]
    assert dealt_exactly(blind, gold(sick, well))["f1_not_normal"]["p"] == 1


def test_the_macro_of_abnormal_studies_leaves_normal_ones_out():
    sick, well = [f"s{n}" for n in range(10)], ["w"]
    pairs = [Pair(name, SICK, WELL) for name in [*sick, *well]]
    scores = gold_scores(pairs, PRESET, gold(sick, well))
    assert scores["gold_macro_f1_not_normal"].value == 1
    assert scores["gold_macro_f1_supported"].value == pytest.approx(20 / 21)
    assert scores["gold_false_alarms_on_normal"].value == 1


def test_a_normal_study_is_alarmed_by_any_finding_but_not_by_a_device():
    texts = {"1": "There is scoliosis.", "2": "A pacemaker is in place.", "3": "Clear lungs."}
    assert any_alarm(texts, list(texts)) == pytest.approx(1 / 3)
    assert any_alarm(texts, ["9"]) is None


def test_a_normal_study_that_fails_is_an_alarm_of_either_kind():
    texts = {"1": "", "2": WELL}
    pairs = [Pair(name, text or None, WELL) for name, text in texts.items()]
    false_alarms = gold_scores(pairs, PRESET, gold([], texts))["gold_false_alarms_on_normal"]
    assert any_alarm(texts, list(texts)) == false_alarms.value == 0.5


def test_everything_is_measured_of_every_study_and_shown(phantoms, rows, tmp_path):
    refs = next((phantoms / "data").glob("val-*.parquet"))
    val = [row for row in rows if row.trace.study_id in _ids(refs)]
    studies = [Study(id=row.trace.study_id, source="phantoms", views=(), report=row.trace.report) for row in val]
    studies.append(Study(id="lateral", source="phantoms", views=(), report=val[0].trace.report))
    said = tuple(Assessment(label=name, probability=p) for name, p in (("Cardiomegaly", 0.3), ("Edema", None)))
    predictions = {
        row.trace.study_id: Predicted(
            row.trace.study_id,
            row.trace.report.findings,
            row.trace.report.findings,
            row.trace.model_copy(update={"assessments": said}),
            row.step_pngs,
        )
        for row in val
    }
    predictions["lateral"] = Predicted("lateral", None, reason="view: no frontal film")
    ids = [study.id for study in studies]
    labels = gold(ids[:2], ids[2:])
    train = next((phantoms / "data").glob("train-*.parquet"))
    material = Material(studies, refs, train, labels, tmp_path / "floors.json")
    found = measure(material, predictions)
    assert (found["studies"], found["failed"]) == (5, 1)
    assert found["clinical"]["headline"]["gold_false_alarms_on_normal"]["n"] == 3
    assert found["language"]["rouge_l"]["value"] == pytest.approx(0.8)  # four are word for word, one has failed
    assert "nearest" in found["language"]["rouge_l"]["floors"]
    assert found["places"]["grd"]["value"] == pytest.approx(1)
    assert found["confidence"]["reports"]["assessed"] < 0.02
    assert found["clinical"]["any_finding_on_normal"]["reader"] >= 1 / 3  # one of three normal ones has failed
    assert found["memory"]["reader"]["reports"] == 4
    json.dumps(found, allow_nan=False)
    shown = table(found)
    assert all(
        word in shown for word in ("f1_not_normal", "rouge_l", "grd", "confidence", "repeats", "no frontal film")
    )
    again = Material(studies, refs, train, labels, tmp_path / "floors.json")
    assert again.floors() == material.floors()
    with pytest.raises(InputError, match="1 ids are not of this split"):
        measure(material, {"stranger": Predicted("stranger", "x")})


def _ids(path):
    from radtrace.build.shards import study_ids

    return set(study_ids(path))


def test_without_training_traces_and_labels_the_rest_is_measured(phantoms, rows):
    refs = next((phantoms / "data").glob("val-*.parquet"))
    found = measure(Material([Study(id="1", source="phantoms", views=(), report=rows[0].trace.report)], refs), {})
    assert found["clinical"] == {"absent": "no gold labels"}
    assert found["places"] == found["memory"] == {"absent": "no training traces"}
    assert found["failed"] == 1
    assert "no gold labels" in table(found)


def test_a_study_without_films_and_words_is_a_failure_that_the_labels_count(phantoms, rows):
    refs = next((phantoms / "data").glob("val-*.parquet"))
    studies = [
        Study(id="read", source="phantoms", views=(), report=Report(findings=SICK)),
        Study(id="refused", source="phantoms", views=()),
    ]
    material = Material(studies, refs, gold=gold(["read"], ["refused"]))
    found = measure(material, {"read": Predicted("read", SICK)})
    assert (found["studies"], found["failed"]) == (2, 1)
    assert found["clinical"]["headline"]["gold_false_alarms_on_normal"]["value"] == 1
    assert found["clinical"]["any_finding_on_normal"] == {"reader": 1, "references": None}
    assert found["language"]["rouge_l"]["n"] == 1


def test_a_word_is_unknown_that_no_training_report_has_also_where_a_reference_has_it(phantoms, rows):
    refs, train = (next((phantoms / "data").glob(f"{split}-*.parquet")) for split in ("val", "train"))
    studies = [Study(id="1", source="phantoms", views=(), report=Report(findings="The heart is zyzzyvous."))]
    said = {"1": Predicted("1", "The heart is zyzzyvous.")}
    unknown = measure(Material(studies, refs, train), said)["english"]["faults"]["unknown_word"]
    assert (unknown["count"], unknown["reference_share"]) == (1, 1)
    assert "unknown_word" not in measure(Material(studies, refs), said)["english"]["faults"]


def test_sets_that_are_scored_together_score_as_they_do_alone():
    sets = {"a": [Pair("1", "a b", "a b"), Pair("2", None, "a b")], "b": [Pair("1", "a c d e", "a b d e f")]}
    together = scores_of_each(sets, ("bleu", "rouge_l"), PRESET)
    assert np.allclose(together["a"]["rouge_l"].per_sample, [1, 0])
    for name, pairs in sets.items():
        alone = scores_of(pairs, ("bleu", "rouge_l"), PRESET)
        assert {each: one.value for each, one in together[name].items()} == pytest.approx(
            {each: one.value for each, one in alone.items()}
        )
