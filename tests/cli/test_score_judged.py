"""Metrics of a chat model on the command line, over HTTP against an endpoint on loopback."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = """\
[material]
source = "phantoms"

[ask]
repairs = 0

[client]
concurrency = 1
attempts = 1
backoff = 0
"""
RIGHT = {"observation": "clear lungs", "report": "agrees", "normal": True, "in_reference": True}
READING = json.dumps({"model": [RIGHT], "reference": [{"observation": "clear lungs", "in_model": True}]})


@pytest.fixture
def scored(radtrace, tmp_path, local_endpoint):
    """Scores four phantoms beside five by the chat model; more arguments."""
    settings = ("--set", "source.side=128", "--set", "workers=1")
    for name, count in (("refs", 5), ("preds", 4)):
        own = ("--set", f"output={name}", "--set", f"source.count={count}")
        assert radtrace("build", ROOT / "recipes" / "phantoms.toml", *settings, *own).returncode == 0
    (tmp_path / "judge.toml").write_text(RECIPE)
    local_endpoint.words = lambda _: READING
    environment = {"RADTRACE_LLM_URL": local_endpoint.url, "RADTRACE_LLM_MODEL": "m"}

    def run(*arguments):
        data = ("--preds", "preds", "--refs", "refs", "--judge", "judge.toml", "--json")
        return radtrace("score", *data, "--metrics", "radrscore_llm", *arguments, **environment)

    return run


def refuse(handler, _):
    handler.send_response(503)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def rubbish(handler, _):
    message = {"role": "assistant", "content": "All of it is right: 10/10."}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_a_judge_that_is_down_half_way_loses_nothing(scored, local_endpoint, tmp_path):
    local_endpoint.acts.extend([None, None, *[refuse] * 9])
    stopped = scored("-o", "rows.jsonl")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.splitlines()[-1].startswith("radtrace: ")
    assert not list(tmp_path.glob("*rows*"))
    local_endpoint.acts.clear()
    done = scored("-o", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    assert len(local_endpoint.served) == 4  # those of the first time are not asked again
    result = json.loads(done.stdout)
    assert (result["n"], result["failed"]) == (5, 1)
    assert result["scores"]["radrscore_llm"] == pytest.approx(4 / 5)
    assert result["signatures"]["radrscore_llm"].startswith("radrscore_llm|judge:m|")


def test_an_answer_that_is_rubbish_is_no_good_score(scored, local_endpoint):
    local_endpoint.acts.extend([rubbish] * 2)
    result = json.loads(scored().stdout)
    assert result["scores"]["radrscore_llm"] == pytest.approx(2 / 5)


def test_a_single_score_of_traces_is_named(radtrace, scored):
    done = radtrace("score", "--preds", "preds", "--refs", "refs", "--metrics", "radrscore_rules_factuality", "--json")
    assert json.loads(done.stdout)["scores"] == pytest.approx({"radrscore_rules_factuality": 4 / 5})
