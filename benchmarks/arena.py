"""Bradley-Terry with 1,000 bootstrap refits over 100,000 battles of 20 models, beside arena-rank on the same battles.

arena-rank (Arena's own package) is installed into an environment of its own under --cache and kept there. Each side
has the battles in memory; reading files, starting Python and JAX's first compilation do not count. arena-rank takes
seconds for a refit, so --peer-refits of them are timed one after the other by its own function, and its time for all
is its fit plus refits x seconds a refit / cores, as if its pool of processes cost nothing (that pool, forked beside
JAX's threads, did not end within minutes where this was written). Ours is one process. The largest differences of
scores and of sandwich bounds are printed.

    python benchmarks/arena.py [--battles N] [--models M] [--resamples B] [--peer-refits R] [--cache DIR] [--json]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from radtrace.arena import Battle, fit

PEER = "arena-rank==0.1.1"


def simulate(count: int, models: int) -> list[Battle]:
    """Uniform pairs; a fifth of the verdicts are ties or both bad."""
    rng = np.random.default_rng(0)
    theta = rng.normal(size=models)
    first = rng.integers(models, size=count)
    second = (first + rng.integers(1, models, size=count)) % models
    wins = rng.random(count) < 1 / (1 + np.exp(theta[second] - theta[first]))
    kind = rng.random(count)
    verdicts = np.where(kind < 0.15, "tie", np.where(kind < 0.2, "both_bad", np.where(wins, "a", "b")))
    rows = zip(first.tolist(), second.tolist(), verdicts.tolist(), strict=True)
    return [Battle(f"m{a:02}", f"m{b:02}", winner) for a, b, winner in rows]


def ours(battles: list[Battle], resamples: int) -> dict[str, Any]:
    begin = time.perf_counter()
    ranking = fit(battles, resamples=resamples)
    seconds = time.perf_counter() - begin
    bounds = {name: np.log(pair).tolist() for name, pair in ranking.sandwich.items() if pair}
    return {"seconds": seconds, "theta": ranking.thetas, "bounds": bounds}


def peer(battles: list[Battle], refits: int, cache: Path) -> dict[str, Any] | None:
    """The same of arena-rank; None where it cannot be installed."""
    python = cache / "arena-rank" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    installed = subprocess.run([python, "-c", "import arena_rank"], capture_output=True, check=False).returncode == 0
    if not installed:
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{PEER} cannot be installed here: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "battles.csv"
        words = {"a": "model_a", "b": "model_b"}
        rows = (f"{battle.a},{battle.b},{words.get(battle.winner, battle.winner)}\n" for battle in battles)
        path.write_text("model_a,model_b,winner\n" + "".join(rows))
        script = Path(__file__).with_name("arena_peer.py")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [python, script, path, str(refits)], capture_output=True, text=True, check=True, env=environment
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, float]:
    """Largest of the scores and of the bounds; both sides' scores are moved to mean 0."""
    names = sorted(one["theta"])
    shift = np.mean([other["theta"][name] for name in names])
    theta = [abs(one["theta"][name] - other["theta"][name] + shift) for name in names]
    bounds = [np.abs(np.subtract(one["bounds"][name], other["bounds"][name]) + shift).max() for name in names]
    return {"theta": float(max(theta)), "bounds": float(max(bounds))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--battles", type=int, default=100_000)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--peer-refits", type=int, default=10)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "radtrace-bench")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    battles = simulate(arguments.battles, arguments.models)
    result: dict[str, Any] = {"battles": len(battles), "models": arguments.models, "resamples": arguments.resamples}
    found = ours(battles, arguments.resamples)
    result["ours_s"] = found["seconds"]
    theirs = peer(battles, arguments.peer_refits, arguments.cache)
    if theirs:
        result["cores"] = len(os.sched_getaffinity(0))
        result["peer_refit_s"] = theirs["refit_s"]
        result["peer_s"] = theirs["fit_s"] + theirs["refit_s"] * arguments.resamples / result["cores"]
        result["ratio"] = result["peer_s"] / result["ours_s"]
        result["largest_difference"] = differences(found, theirs)
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{len(battles)} battles, {arguments.models} models, {arguments.resamples} refits")
    print(f"ours        {result['ours_s']:8.2f} s")
    if theirs:
        told = f"({result['peer_refit_s']:.2f} s a refit, {result['cores']} cores)"
        print(f"arena-rank  {result['peer_s']:8.2f} s {told}   ratio {result['ratio']:.0f}")
        gaps = result["largest_difference"]
        print(f"largest difference: scores {gaps['theta']:.1e}, bounds of the sandwich {gaps['bounds']:.1e}")


if __name__ == "__main__":
    main()
