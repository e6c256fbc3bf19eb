import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BATTLES = [
    {"a": "x", "b": "y", "winner": "a", "id": "1"},
    {"a": "y", "b": "z", "winner": "a", "id": "1"},
    {"a": "z", "b": "x", "winner": "a", "id": "1"},
    {"a": "x", "b": "y", "winner": "tie", "id": "2"},
    {"a": "x", "b": "y", "winner": "both_bad", "id": "3"},
]


@pytest.fixture
def battles(tmp_path):
    return lines(tmp_path / "battles.jsonl", BATTLES)


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("name", ["judge", "fit", "import", "agreement"])
def test_the_page_holds_the_help_of_each_part(radtrace, name):
    text = radtrace("arena", name, "--help", COLUMNS="100").stdout
    assert text.strip() in (ROOT / "docs" / "arena.md").read_text()
    assert "Examples:" in text


def test_every_setting_of_the_recipe_is_in_the_docs():
    from radtrace.arena.recipe import ArenaRecipe, LlmJudgeSettings
    from radtrace.llm import AskSettings, ClientSettings, Material

    page = (ROOT / "docs" / "arena.md").read_text()
    for model in (ArenaRecipe, LlmJudgeSettings, AskSettings, ClientSettings, Material):
        for name in model.model_fields:
            assert re.search(rf"`[a-z.]*{name}`", page), name


def test_fit_writes_what_it_promises(radtrace, battles, tmp_path):
    done = radtrace("arena", "fit", battles, "--json", "--html", "page.html", "--resamples", "50")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["strengths"] == pytest.approx({"x": 1, "y": 1, "z": 1}, abs=1e-6)
    assert result["n"] == 5
    assert result["outcomes"] == {"a": 3, "b": 0, "tie": 1, "both_bad": 1}
    assert "Report arena" in (tmp_path / "page.html").read_text()
    table = radtrace("arena", "fit", battles).stdout
    assert len(table.splitlines()) == 4


def test_fit_names_what_cannot_be_compared(radtrace, tmp_path):
    path = lines(tmp_path / "b.jsonl", [*BATTLES, {"a": "p", "b": "q", "winner": "a"}])
    done = radtrace("arena", "fit", path, "--json")
    assert json.loads(done.stdout)["unreachable"] == ["p", "q"]
    assert "p, q" in done.stderr


def test_the_recipe_runs_as_it_is(radtrace, tmp_path):
    texts = {"references": "Small right effusion.", "first": "Small right effusion.", "second": "Clear lungs."}
    for name, text in texts.items():
        lines(tmp_path / f"{name}.jsonl", [{"id": number, "text": text} for number in range(3)])
    done = radtrace("arena", "judge", ROOT / "recipes" / "arena.toml", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["battles"] == 3
    assert summary["outcomes"]["a"] == 3
    again = radtrace("arena", "judge", ROOT / "recipes" / "arena.toml")
    assert "3 battles by rules" in again.stdout


def test_judging_with_a_chat_model(radtrace, tmp_path, local_endpoint):
    local_endpoint.words = lambda _: '{"reason": "both", "winner": "tie"}'
    for name in ("references", "first", "second"):
        lines(tmp_path / f"{name}.jsonl", [{"id": number, "text": f"{name} {number}"} for number in range(3)])
    command = ["arena", "judge", ROOT / "recipes" / "arena.toml", "--set", "judge.kind=llm"]
    unnamed = radtrace(*command, "--set", "judge.material.source=own", RADTRACE_LLM_URL="")
    assert unnamed.returncode == 2
    assert "set RADTRACE_LLM_URL" in unnamed.stderr
    environment = {"RADTRACE_LLM_URL": local_endpoint.url, "RADTRACE_LLM_MODEL": "m", "RADTRACE_LLM_KEY": "sk-0451"}
    assert radtrace(*command, **environment).returncode == 2  # no source is named
    refused = radtrace(*command, "--set", "judge.material.source=mimic", **environment)
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert local_endpoint.requests == []
    done = radtrace(*command, "--set", "judge.material.source=own", **environment)
    assert done.returncode == 0, done.stderr
    assert "3 battles by llm:m" in done.stdout
    written = "".join(path.read_text() for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert "sk-0451" not in done.stdout + done.stderr + written
    assert "first 1" not in done.stdout + done.stderr + written


def test_import_and_agreement(radtrace, battles, tmp_path):
    votes = "question_id,model_a,model_b,winner\n1,x,y,model_a\n2,y,x,tie\n3,x,y,model_b\n"
    (tmp_path / "votes.csv").write_text(votes)
    assert radtrace("arena", "import", "votes.csv", "--rater", "reader", "-o", "votes.jsonl").returncode == 0
    done = radtrace("arena", "agreement", battles, "votes.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["units"], result["compared"]) == (5, 3)
    assert result["pairs"][0]["agreement"] == pytest.approx(2 / 3)
    # a, tie, both_bad against a, tie, b: p_e = (1/3)(1/3) x 2 = 2/9, kappa = (2/3 - 2/9) / (7/9) = 4/7
    assert result["pairs"][0]["kappa"] == pytest.approx(4 / 7)
    assert "kappa 0.571" in radtrace("arena", "agreement", battles, "votes.jsonl").stdout


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["fit", "none.jsonl"], "none.jsonl: No such file"),
        (["fit", "empty.jsonl"], "empty.jsonl: holds no battle"),
        (["fit", "broken.jsonl"], "broken.jsonl: line 2: not JSON in UTF-8"),
        (["fit", "battles.jsonl", "--html", "/proc/x/y.html"], "/proc/x"),
        (["import", "broken.jsonl"], "broken.jsonl: line 2"),
        (["import", "votes.xlsx"], "votes.xlsx"),
        (["agreement", "battles.jsonl"], "only one rater"),
        (["agreement", "battles.jsonl", "noid.jsonl"], "needs an id"),
        (["judge", "none.toml"], "none.toml"),
        (["judge", str(ROOT / "recipes" / "arena.toml")], "first.jsonl: No such file"),
        (["judge", str(ROOT / "recipes" / "arena.toml"), "--set", "judge.kind=dice"], "judge"),
        (["judge", str(ROOT / "recipes" / "arena.toml"), "--set", "battle=3"], "did you mean 'battles'"),
    ],
)
def test_wrong_input_is_one_line(radtrace, battles, tmp_path, arguments, fault):
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "broken.jsonl").write_bytes(json.dumps(BATTLES[0]).encode() + b'\n{"a": "\xff"\n')
    lines(tmp_path / "noid.jsonl", [{"a": "x", "b": "y", "winner": "a"}])
    done = radtrace("arena", *arguments)
    assert done.returncode == 2, done.stderr
    assert fault in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


@pytest.mark.parametrize("ridge", ["0", "0.01", "nan"])
def test_a_ridge_that_would_bend_the_ranking_is_refused(radtrace, battles, ridge):
    assert radtrace("arena", "fit", battles, "--ridge", ridge).returncode == 2
