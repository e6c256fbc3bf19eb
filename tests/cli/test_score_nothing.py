"""Predictions that say nothing, and command lines that would score nothing."""

import json

import pytest

REFERENCES = {"a": "No acute disease.", "b": "Small left pleural effusion.", "c": "Heart size is normal."}


@pytest.fixture
def write(tmp_path):
    def write(name, texts):
        lines = (json.dumps({"id": id_, "text": text}) + "\n" for id_, text in texts.items())
        (tmp_path / name).write_text("".join(lines))

    write("r.jsonl", REFERENCES)
    write("p.jsonl", REFERENCES)
    return write


FILES = ("score", "--preds", "p.jsonl", "--refs", "r.jsonl")


@pytest.mark.parametrize("text", [" . ", "?!", "\u200b"])
def test_marks_alone_are_no_report_of_a_normal_study(radtrace, write, text):
    write("p.jsonl", dict.fromkeys(REFERENCES, text))
    done = radtrace(*FILES, "--metrics", "chexpert_rules,bleu,rouge_l,meteor_nltk_nosyn", "--json")
    result = json.loads(done.stdout)
    assert (result["n"], result["failed"]) == (3, 3)
    worst = {"chexpert_rules_false_alarms_on_normal": 1.0}
    assert all(value in (None, worst.get(name, 0)) for name, value in result["scores"].items())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--metrics", ","), "--metrics: names no metric"),
        (("--metrics", ""), "--metrics: names no metric"),
        (("--metrics", "bleu_5"), "unknown metric 'bleu_5': did you mean 'bleu_4'?"),
        (("--metrics", "chexpert_rules_mikro"), "unknown metric 'chexpert_rules_mikro'"),
        (("--metrics", "math:pi"), "metric 'math:pi' cannot be called"),
        (("--checkpoint", "ratescor=x"), "--checkpoint: unknown name 'ratescor': did you mean 'ratescore'?"),
        (("-o", "no/such/folder/o.jsonl"), "no/such/folder/o.jsonl: there is no folder no/such/folder"),
    ],
)
def test_what_would_score_nothing_is_one_line(radtrace, write, option, message):
    done = radtrace(*FILES, *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("radtrace: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("names", "scores"),
    [
        ("chexpert_rules_micro_f1", {"chexpert_rules_micro_f1", "chexpert_rules_micro_f1_top5"}),
        ("chexpert_rules_f1_edema,bleu_4", {"chexpert_rules_f1_edema", "bleu_4"}),
        ("error_counts_rules_false_finding", {"error_counts_rules_false_finding"}),
    ],
)
def test_a_single_score_is_named(radtrace, write, names, scores):
    done = radtrace(*FILES, "--metrics", names, "--json")
    assert json.loads(done.stdout)["scores"].keys() == scores


@pytest.mark.parametrize("side", ["--preds", "--refs"])
def test_a_pipe_is_refused_since_files_are_read_twice(radtrace, write, side):
    paths = {"--preds": "p.jsonl", "--refs": "r.jsonl"} | {side: "/dev/stdin"}
    done = radtrace("score", *(word for pair in paths.items() for word in pair), stdin="{}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "radtrace: /dev/stdin: is a pipe; it is read twice: give a file\n"


@pytest.mark.parametrize("references", [{}, {"a": None, "b": " . "}])
def test_a_score_file_of_nothing_is_read_by_compare_and_report(radtrace, write, references):
    write("p.jsonl", {})
    write("r.jsonl", references)
    assert radtrace(*FILES, "-o", "s.jsonl").returncode == 0
    for command in (("compare", "s.jsonl", "s.jsonl"), ("report", "s.jsonl")):
        done = radtrace(*command)
        assert done.returncode == 0, done.stderr
