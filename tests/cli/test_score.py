import json
from pathlib import Path

import pytest

from radtrace.findings import NIH14

ROOT = Path(__file__).parents[2]
REFERENCES = {
    "a": "The heart is normal. The lungs are clear.",
    "b": "Small left pleural effusion.",
    "c": "Mild cardiomegaly, unchanged.",
    "d": "",
}
PREDICTIONS = {"b": "Small left pleural effusion.", "a": "Heart size is normal.", "d": "Clear."}


@pytest.fixture
def files(tmp_path):
    for name, texts in (("p.jsonl", PREDICTIONS), ("r.jsonl", REFERENCES)):
        lines = (json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items())
        (tmp_path / name).write_text("".join(lines))
    return ("--preds", "p.jsonl", "--refs", "r.jsonl")


def test_scores_signatures_n_and_failed(radtrace, files):
    done = radtrace("score", *files, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert list(result) == ["scores", "signatures", "n", "failed"]
    assert (result["n"], result["failed"]) == (3, 1)
    assert done.stderr == "1 references are blank: not scored\n"
    assert {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "chexpert_rules_micro_f1"} <= result["scores"].keys()
    assert result["scores"].keys() == result["signatures"].keys()
    # a: "heart size is normal ." for "the heart is normal . the lungs are clear ." shares "heart is normal ." or so;
    # b: 1; c failed: 0.
    predicted, wanted, common = 5, 10, 4
    precision, recall = common / predicted, common / wanted
    rouge = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    assert result["scores"]["rouge_l"] == pytest.approx((rouge + 1 + 0) / 3)
    assert result["scores"]["prior_hallucination"] == pytest.approx(1 / 3)


def test_the_table_puts_clinical_figures_first(radtrace, files):
    lines = radtrace("score", *files).stdout.splitlines()
    assert lines[0].startswith("chexpert_rules_micro_f1 ")
    assert any(line.split()[-3:] == ["f1", "sensitivity", "specificity"] for line in lines)
    # b is the only effusion; of the two others the failed prediction is right about nothing.
    assert any("pleural effusion" in line and line.split()[-3:] == ["1.0000", "1.0000", "0.5000"] for line in lines)
    assert lines[-2].startswith("rouge_l ")
    assert lines[-1].startswith("n 3, failed 1; preset r2gen")


def test_values_of_every_pair(radtrace, files, tmp_path):
    done = radtrace("score", *files, "--metrics", "bleu_1,rouge_l", "-o", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    header, *rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert (header["n"], header["failed"]) == (4, 1)
    assert header["corpora"] == {"bleu_1": {"by": "coco_bleu", "order": 1}, "rouge_l": {"by": "ratio"}}
    assert rows[1]["statistics"]["rouge_l"] == [1, 1]
    assert [row["id"] for row in rows] == list(REFERENCES)
    assert [row["failed"] for row in rows] == [False, False, True, False]
    assert rows[1]["scores"] == pytest.approx({"bleu_1": 1, "rouge_l": 1})
    assert rows[2]["scores"] == {"bleu_1": 0, "rouge_l": 0}
    assert rows[3]["scores"] == {"bleu_1": None, "rouge_l": None}


def test_presets_and_settings_stand_in_the_signatures(radtrace, files):
    def signatures(*arguments):
        return json.loads(radtrace("score", *files, *arguments, "--json").stdout)["signatures"]

    assert "tok:raw" in signatures("--preset", "strict")["bleu_4"]
    assert "variant:rouge-score" in signatures("--preset", "radeval")["rouge_l"]
    assert "uncertain:absent" in signatures("--uncertain", "absent")["chexpert_rules_micro_f1"]
    assert "unk3+cut60" in signatures("--preset", "published", "--train", "r.jsonl")["bleu_4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "blue"], "did you mean 'bleu'"),
        (["--preset", "published"], "--train"),
        (["--split", "val"], "--split: neither"),
        (["--preds", "nowhere"], "nowhere: No such file"),
    ],
)
def test_what_is_wrong_is_one_line(radtrace, files, tmp_path, arguments, message):
    done = radtrace("score", *files, *arguments, "-o", "rows.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert not list(tmp_path.glob("*rows*"))


def test_unknown_and_doubled_ids_are_named(radtrace, files, tmp_path):
    with (tmp_path / "p.jsonl").open("a") as file:
        file.write('{"id": "zz", "text": "Clear."}\n')
    assert "unknown id 'zz'" in radtrace("score", *files).stderr
    with (tmp_path / "r.jsonl").open("a") as file:
        file.write('{"id": "b", "text": "Clear."}\n')
    assert "doubled id 'b'" in radtrace("score", *files).stderr


def test_the_references_may_be_a_trace_dataset(radtrace, tmp_path):
    settings = ["--set", "output=out", "--set", "source.count=4", "--set", "source.side=128", "--set", "workers=1"]
    assert radtrace("build", ROOT / "recipes" / "phantoms.toml", *settings).returncode == 0
    done = radtrace("score", "--preds", "out", "--refs", "out", "--metrics", "bleu_4", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["n"], result["failed"]) == (4, 0)
    assert result["scores"]["bleu_4"] == pytest.approx(1)
    (tmp_path / "p.jsonl").write_text('{"id": "phantom-00001", "text": "Clear."}\n')
    done = radtrace("score", "--preds", "p.jsonl", "--refs", "out", "--metrics", "rouge_l", "--json")
    assert json.loads(done.stdout)["failed"] == 3
    wrong = radtrace("score", "--preds", "p.jsonl", "--refs", "out", "--split", "trian")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)


def test_boxes_and_pictures_of_trace_datasets(radtrace, tmp_path):
    settings = ["--set", "source.side=128", "--set", "workers=1"]
    for name, count in (("refs", 5), ("preds", 3)):
        own = ("--set", f"output={name}", "--set", f"source.count={count}")
        assert radtrace("build", ROOT / "recipes" / "phantoms.toml", *settings, *own).returncode == 0
    metrics = ("--metrics", "grd,gen,bleu_4")
    same = json.loads(radtrace("score", "--preds", "refs", "--refs", "refs", *metrics, "--json").stdout)
    assert same["scores"] == pytest.approx({"grd": 1, "gen": 1, "bleu_4": 1})
    assert (same["n"], same["failed"]) == (5, 0)
    # Two studies have no prediction: every step of theirs is 0.
    done = radtrace("score", "--preds", "preds", "--refs", "refs", *metrics, "--json", "-o", "rows.jsonl")
    fewer = json.loads(done.stdout)
    assert (fewer["n"], fewer["failed"]) == (5, 2)
    _, *rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    steps = {False: 0, True: 0}
    for row in rows:
        steps[row["failed"]] += row["statistics"]["grd"][1]
        assert row["scores"]["grd"] == pytest.approx(int(not row["failed"]))
        assert row["scores"]["gen"] == pytest.approx(int(not row["failed"]))
    assert fewer["scores"]["grd"] == pytest.approx(steps[False] / (steps[False] + steps[True]))
    unknown = radtrace("score", "--preds", "refs", "--refs", "preds", *metrics)
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (2, 1)
    assert "unknown id 'phantom-0000" in unknown.stderr


def test_reasoning_of_trace_datasets(radtrace, tmp_path):
    settings = ["--set", "source.side=128", "--set", "workers=1"]
    for name, count in (("refs", 4), ("preds", 3)):
        own = ("--set", f"output={name}", "--set", f"source.count={count}")
        assert radtrace("build", ROOT / "recipes" / "phantoms.toml", *settings, *own).returncode == 0
    data = ("--preds", "preds", "--refs", "refs")
    done = radtrace("score", *data, "--metrics", "radrscore_rules", "--json", "-o", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    parts = ("factuality", "completeness", "effectiveness")
    # The reference's own reasoning is right, and the failed study is 0.
    names = ["radrscore_rules", *(f"radrscore_rules_{part}" for part in parts)]
    assert result["scores"] == pytest.approx(dict.fromkeys(names, 3 / 4))
    assert (result["n"], result["failed"]) == (4, 1)
    for arguments, message in (
        ((*data, "--metrics", "radrscore_llm"), "radrscore_llm: needs a chat model: --judge RECIPE.toml"),
        (("--preds", "p.jsonl", "--refs", "refs", "--metrics", "radrscore_rules"), "must be trace datasets"),
    ):
        refused = radtrace("score", *arguments)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert message in refused.stderr


@pytest.mark.parametrize("metrics", ["grd", "gen,bleu_4"])
def test_lines_of_text_have_no_boxes(radtrace, files, metrics):
    done = radtrace("score", *files, "--metrics", metrics)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"radtrace: p.jsonl: {metrics.split(',')[0]}: of traces: both sides must be trace datasets"
    ]


@pytest.fixture
def gold(tmp_path):
    names = ("Effusion", "Cardiomegaly", *(name for name in NIH14 if name not in ("Effusion", "Cardiomegaly")))
    rows = {"a": "0,0", "b": "1,0", "c": "0,1"}
    lines = [f"{id_},{first}{',0' * 12},{int(id_ == 'a')}" for id_, first in rows.items()]
    (tmp_path / "gold.csv").write_text("\n".join([f"uid,{','.join(names)},normal", *lines, ""]))
    return ("--gold", "gold.csv")


def test_given_labels_are_the_headline(radtrace, files, gold, tmp_path):
    done = radtrace("score", *files, *gold, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert next(iter(result["scores"])) == "gold_micro_f1"
    assert not any(name.startswith("chexpert_rules") for name in result["scores"])
    # b's effusion is found, c's cardiomegaly is missed as its prediction is; d has no labels.
    assert result["scores"]["gold_micro_f1"] == pytest.approx(2 / 3)
    assert result["scores"]["gold_false_alarms_on_normal"] == 0
    about = result["gold"]
    assert (about["n"], about["failed"], about["missing"], about["normal"], about["macro"]) == (3, 1, 1, 1, [])
    assert (about["positives"]["Effusion"], about["positives"]["Hernia"]) == (1, 0)
    assert "1 of 4 ids are not in gold.csv" in done.stderr
    lines = radtrace("score", *files, *gold, "-o", "rows.jsonl").stdout.splitlines()
    assert lines[0].startswith("gold_micro_f1 ")
    assert "macro of the classes with 10 or more positives: no class" in lines[-2]
    assert "gold_micro_f1" in json.loads((tmp_path / "rows.jsonl").read_text().splitlines()[1])["scores"]


def test_given_labels_are_compared_and_reported_with_intervals(radtrace, files, gold, tmp_path):
    for name, texts in (("worse", PREDICTIONS), ("better", REFERENCES)):
        lines = (json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items())
        (tmp_path / "p.jsonl").write_text("".join(lines))
        assert radtrace("score", *files, *gold, "-o", f"{name}.jsonl").returncode == 0
    done = radtrace("compare", "worse.jsonl", "better.jsonl", "--metrics", "gold_micro_f1", "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)["metrics"]["gold_micro_f1"]
    # c's cardiomegaly is missed and then found: F1 2/3 and 1. A resample of c alone has 0, one of b alone 1.
    assert (row["a"]["value"], row["b"]["value"]) == (pytest.approx(2 / 3), pytest.approx(1))
    assert (row["a"]["ci"], row["corpus"]) == ([0, 1], "statistics")
    low, high = row["difference"]["ci"]
    assert 0 <= low < row["difference"]["value"] < high <= 1
    table = radtrace("report", "worse.jsonl", "better.jsonl", "--metrics", "gold_micro_f1")
    assert table.returncode == 0, table.stderr
    worse, better = (next(line for line in table.stdout.splitlines() if name in line) for name in ("worse", "better"))
    assert "[" in worse
    assert worse != better


def test_labels_of_other_studies_are_an_error(radtrace, files, gold, tmp_path):
    text = (tmp_path / "gold.csv").read_text()
    (tmp_path / "gold.csv").write_text(text.replace("\na,", "\nA,").replace("\nb,", "\nB,").replace("\nc,", "\nC,"))
    done = radtrace("score", *files, *gold, "-o", "rows.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gold.csv: has none of the ids of r.jsonl" in done.stderr
    assert not list(tmp_path.glob("*rows*"))


def test_meteor_without_java_says_what_is_missing(radtrace, files, tmp_path):
    done = radtrace("score", *files, "--metrics", "meteor", PATH=str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_answers_to_questions(radtrace, tmp_path):
    questions = [
        {"id": 1, "kind": "choice", "answer": "B", "options": {"A": "Left", "B": "Right"}},
        {"id": 2, "kind": "closed", "answer": "yes"},
        {"id": 3, "kind": "set", "answer": ["effusion", "nodule"]},
        {"id": 4, "kind": "open", "answer": "a left nodule"},
        {"id": 5, "kind": "closed", "answer": "no"},
    ]
    answers = [{"id": 1, "answer": "b) right"}, {"id": 2, "answer": "no"}, {"id": 3, "answer": "nodule"}]
    answers += [{"id": 4, "answer": "nodule on the left"}]
    for name, lines in (("q.jsonl", questions), ("a.jsonl", answers)):
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    files = ("--preds", "a.jsonl", "--refs", "q.jsonl", "--metrics", "vqa")
    done = radtrace("score", *files, "--json", "-o", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["n"], result["failed"]) == (5, 1)
    assert result["scores"]["vqa_accuracy"] == pytest.approx(1 / 3)
    assert result["scores"]["vqa_accuracy_choice"] == 1
    assert result["scores"]["vqa_accuracy_closed"] == 0
    assert result["scores"]["vqa_set_f1"] == pytest.approx(2 / 3)
    assert result["scores"]["vqa_open_rules_f1"] == 1
    compared = radtrace("compare", "rows.jsonl", "rows.jsonl", "--metrics", "vqa_accuracy", "--json")
    assert compared.returncode == 0, compared.stderr
    mixed = radtrace("score", *files[:-1], "vqa,bleu")
    assert (mixed.returncode, len(mixed.stderr.splitlines())) == (2, 1)
    unknown = radtrace("score", "--preds", "q.jsonl", "--refs", "a.jsonl", "--metrics", "vqa")
    assert (unknown.returncode, len(unknown.stderr.splitlines())) == (2, 1)
