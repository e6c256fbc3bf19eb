"""`radtrace compare` and `radtrace report` as a user runs them."""

import json
import sys

import pytest

from radtrace.cli import main


def _scores(path, values, ids=None, header=None, strata=None):
    """A score file of plain means."""
    count = len(next(iter(values.values())))
    signatures = {name: f"{name}|v:1" for name in values}
    lines = [{"radtrace": "scores", "n": count, "failed": 0, "signatures": signatures} | (header or {})]
    for k in range(count):
        row = {name: each[k] for name, each in values.items()}
        lines.append(
            {
                "id": ids[k] if ids else f"s{k}",
                "failed": False,
                "strata": strata[k] if strata else {},
                "scores": row,
                "statistics": {name: [value, 1] for name, value in row.items()},
            }
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def two(tmp_path):
    """a.jsonl and b.jsonl, ten samples, of which b does better by .01, .02, … .10."""
    first = [0.3] * 10
    strata = [{"source": "xy"[k % 2]} for k in range(10)]
    _scores(tmp_path / "a.jsonl", {"rouge_l": first, "chexpert_rules_micro_f1": first}, strata=strata)
    second = [0.3 + 0.01 * (k + 1) for k in range(10)]
    _scores(tmp_path / "b.jsonl", {"rouge_l": second, "chexpert_rules_micro_f1": first}, strata=strata)


def test_a_comparison_as_a_table_and_as_json(radtrace, two):
    done = radtrace("compare", "a.jsonl", "b.jsonl", "--resamples", 200, "--by", "source")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "A  a.jsonl  10 samples, 0 failed"
    assert lines[5].startswith("chexpert_rules_micro_f1")  # clinical first
    assert "source: x" in lines
    done = radtrace("compare", "a.jsonl", "b.jsonl", "--resamples", 200, "--by", "source", "--json")
    answer = json.loads(done.stdout)
    rouge = answer["metrics"]["rouge_l"]
    assert rouge["difference"]["value"] == pytest.approx(0.055)
    assert rouge["permutation"] == {"p": 2 / 1024, "p_holm": 4 / 1024, "swaps": 1023, "exact": True}
    assert (rouge["wilcoxon"]["p"], rouge["wilcoxon"]["n"]) == (1 / 1024, 10)
    assert answer["metrics"]["chexpert_rules_micro_f1"]["permutation"]["p"] == 1.0
    assert answer["strata"]["source"]["y"]["rouge_l"]["permutation"]["p"] == 2 / 32
    assert answer["settings"]["zero_method"] == "wilcox"
    assert answer["signatures"]["rouge_l"] == "rouge_l|v:1"
    again = radtrace("compare", "a.jsonl", "b.jsonl", "--resamples", 200, "--by", "source", "--json")
    assert again.stdout == done.stdout  # one seed


def test_metrics_computed_in_two_ways_are_refused_and_the_rest_is_compared(radtrace, two, tmp_path):
    values = {"rouge_l": [0.3] * 10, "chexpert_rules_micro_f1": [0.3] * 10, "new": [0.3] * 10}
    signatures = {
        "rouge_l": "rouge_l|stem:yes|v:1",
        "chexpert_rules_micro_f1": "chexpert_rules_micro_f1|v:1",
        "new": "n",
    }
    _scores(tmp_path / "c.jsonl", values, header={"signatures": signatures})
    done = radtrace("compare", "a.jsonl", "c.jsonl", "--json")
    assert done.returncode == 2
    assert list(json.loads(done.stdout)["metrics"]) == ["chexpert_rules_micro_f1"]
    assert json.loads(done.stdout)["refused"] == {"rouge_l": ["rouge_l|v:1", "rouge_l|stem:yes|v:1"]}
    assert done.stderr.splitlines() == [
        "radtrace: in only one of the files: new",
        "radtrace: rouge_l refused, computed in two ways: rouge_l|v:1 in a.jsonl, rouge_l|stem:yes|v:1 in c.jsonl",
        "radtrace: c.jsonl: 1 metrics are not comparable with a.jsonl",
    ]
    chosen = radtrace("compare", "a.jsonl", "c.jsonl", "--metrics", "chexpert_rules_micro_f1")
    assert (chosen.returncode, chosen.stderr) == (0, "")
    done = radtrace("report", "a.jsonl", "c.jsonl", "--metrics", "rouge_l,chexpert_rules_micro_f1")
    assert done.returncode == 2
    assert "| Model | n | failed | Clinical chexpert" in done.stdout
    assert "rouge\\_l" not in done.stdout
    assert "rouge_l left out, computed in two ways" in done.stderr


def test_too_few_resamples_for_so_many_tests_are_said(radtrace, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        _scores(tmp_path / name, {f"m{k}": [0.1, 0.2] for k in range(6)})
    done = radtrace("compare", "a.jsonl", "b.jsonl", "--resamples", 100)
    assert done.returncode == 0
    assert done.stderr == "radtrace: with 6 tests and 100 resamples no p is small after Holm; --resamples\n"


def test_a_metric_without_a_value_is_named(radtrace, tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        _scores(tmp_path / name, {"rouge_l": [0.1, 0.2], "f1": [0.0, 0.0]})
        text = (tmp_path / name).read_text().replace('"f1": [0.0, 1]', '"f1": [0, 0]')
        (tmp_path / name).write_text(text)
    done = radtrace("compare", "a.jsonl", "b.jsonl", "--json")
    assert done.returncode == 0
    assert list(json.loads(done.stdout)["metrics"]) == ["rouge_l"]
    assert done.stderr == "radtrace: without a value in one of the files: f1\n"
    assert "| f1 | — |" not in done.stdout
    table = radtrace("report", "a.jsonl", "--metrics", "f1,rouge_l").stdout
    assert "| a | 2 | 0 | — | 0.150 [0.100, 0.200] |" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "a.jsonl", "missing.jsonl"], "missing.jsonl: No such file or directory"),
        (["compare", "a.jsonl", "other.jsonl"], "other.jsonl: lacks the ids 's1', 's2'"),
        (["compare", "a.jsonl", "b.jsonl", "--metrics", "rouge"], "did you mean 'rouge_l'"),
        (["compare", "a.jsonl", "b.jsonl", "--by", "sauce"], "did you mean 'source'"),
        (["compare", "a.jsonl", "text.jsonl"], "text.jsonl: not a score file"),
        (["report", "a.jsonl", "text.jsonl"], "text.jsonl: not a score file"),
        (["report", "a.jsonl", "a.jsonl"], "'a' stands twice"),
        (["report", "a.jsonl", "--viewer", "v.html"], "--viewer wants two score files"),
        (
            ["report", "a.jsonl", "b.jsonl", "--viewer", "v.html", "--traces", "text.jsonl", "--traces", "x"],
            "has none of",
        ),
        (["report", "nowhere", "--table", "mmrad1"], "nowhere: no dataset of traces"),
        (["report", "bad.toml"], "bad.toml: runs.0.scores: Field required"),
        (["report", "a.jsonl", "-o", "/proc/x.md"], "/proc/x.md: cannot be written"),
    ],
)
def test_wrong_input_is_one_line(two, tmp_path, arguments, message, monkeypatch, capsys):
    _scores(tmp_path / "other.jsonl", {"rouge_l": [0.1]})
    (tmp_path / "text.jsonl").write_text('{"id": "z", "text": "Clear."}\n')
    (tmp_path / "bad.toml").write_text('[[runs]]\nmodel = "m"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["radtrace", *arguments])
    with pytest.raises(SystemExit) as end:  # in this process: twelve starts of Python would take long
        main()
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert message in said
    assert len(said.splitlines()) == 1
    assert said.startswith("radtrace: ")


def test_reports_in_three_formats(radtrace, two, tmp_path):
    assert radtrace("report", "Base=a.jsonl", "Ours=b.jsonl", "-o", "t.tex").returncode == 0
    assert r"Ours & 10 & 0 & 0.300" in (tmp_path / "t.tex").read_text()
    assert r"\textbf{0.355}" in (tmp_path / "t.tex").read_text()
    assert radtrace("report", "Base=a.jsonl", "Ours=b.jsonl", "--by", "source", "-o", "t.html").returncode == 0
    page = (tmp_path / "t.html").read_text()
    assert '<span class="best">0.350</span><small>[' in page
    assert "<span>source: y</span>" in page
    assert "<script" not in page
    done = radtrace("report", "Base=a.jsonl", "Ours=b.jsonl", "--table", "deepmedix", "--digits", 4)
    assert "**0.3550** [" in done.stdout


def test_the_viewer_and_the_table_of_datasets(radtrace, tmp_path):
    settings = ["--set", "output=out", "--set", "source.count=3", "--set", "source.side=128", "--set", "workers=1"]
    (tmp_path / "r.toml").write_text('output = "out"\n[source]\nkind = "phantoms"\nroot = "."\n')
    built = radtrace("build", "r.toml", *settings)
    assert built.returncode == 0, built.stderr
    ids = [f"phantom-0000{k}" for k in range(3)]
    _scores(tmp_path / "a.jsonl", {"rouge_l": [0.1, 0.5, 0.9]}, ids)
    _scores(tmp_path / "b.jsonl", {"rouge_l": [0.2, 0.9, 0.7]}, ids)
    (tmp_path / "texts.jsonl").write_text(json.dumps({"id": ids[1], "text": "Words of b."}) + "\n")
    arguments = ["report", "a.jsonl", "b.jsonl", "--viewer", "v.html", "--traces", "out", "--traces", "texts.jsonl"]
    done = radtrace(*arguments, "--limit", 2)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "v.html: 2 of 3 samples, those that differ most in rouge_l\n"
    page = (tmp_path / "v.html").read_text()
    assert page.index(ids[1]) < page.index(ids[2])
    assert ids[0] not in page
    assert "Words of b." in page
    table = radtrace("report", "out", "--table", "mmrad1").stdout
    assert "| out | Diag. | ✓ | ✓ | Text + Img | Multi-step | 3 |" in table
