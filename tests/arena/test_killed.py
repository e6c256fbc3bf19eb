"""A run of judging that is killed -9 while it asks: nothing is lost, and nothing that was answered is asked again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

JUDGE = '{"reason": "by rule", "winner": "%s"}'


def test_killed_and_resumed(tmp_path, local_endpoint):
    def slowly(request):
        time.sleep(0.02)
        shown = request["messages"][1]["content"]
        return JUDGE % ("first", "second", "tie")[sum(map(ord, shown)) % 3]

    local_endpoint.words = slowly
    names, ids = ("x", "y", "z"), range(30)
    for name in (*names, "references"):
        lines = [{"id": number, "text": f"Report {number} of {name}."} for number in ids]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    files = "".join(f'{name} = "{name}.jsonl"\n' for name in names)
    (tmp_path / "r.toml").write_text(
        'output = "run"\nreferences = "references.jsonl"\nsampling = "paper"\nbattles = 40\nround = 10\n'
        f'[predictions]\n{files}[judge]\nkind = "llm"\n[judge.material]\nsource = "own words"\n'
        "[client]\nconcurrency = 3\nbackoff = 0.01\n"
    )
    environment = {**os.environ, "RADTRACE_LLM_URL": local_endpoint.url, "RADTRACE_LLM_MODEL": "m"}
    command = [sys.executable, "-m", "radtrace", "arena", "judge", "r.toml"]

    def run(output):
        more = {**environment, "RADTRACE_CACHE": str(tmp_path / "answers")}
        return subprocess.Popen(
            [*command, "--set", f"output={output}"], cwd=tmp_path, env=more, stderr=subprocess.DEVNULL
        )

    kills, chance = 0, random.Random(3)
    while True:
        process = run("run")
        goal = len(local_endpoint.served) + chance.randint(15, 25)
        while process.poll() is None and len(local_endpoint.served) < goal:
            time.sleep(0.002)
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert process.returncode == 0
    assert kills >= 3
    asked = Counter(json.dumps(body) for body in local_endpoint.served)
    assert len(asked) == 80
    assert sum(asked.values()) - len(asked) <= 3 * kills  # what was in flight when it was killed, at most
    calls = [json.loads(line) for line in (tmp_path / "run" / "calls.jsonl").read_text().splitlines()]
    assert sum(asked.values()) - 3 * kills <= len(calls) <= sum(asked.values())

    served = len(local_endpoint.served)
    assert run("again").wait() == 0  # all answers are in the cache
    assert len(local_endpoint.served) == served
    for name in ("plan.jsonl", "battles.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
