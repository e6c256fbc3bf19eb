"""arena-rank's side of `arena.py`, run by the Python that has it: battles.csv and the number of refits."""

import json
import math
import multiprocessing
import os
import sys
import time

import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset


def main() -> None:
    table = pd.read_csv(sys.argv[1])
    refits = int(sys.argv[2])
    BradleyTerry(n_competitors=2).fit(PairDataset.from_pandas(table.head(100)))
    begin = time.perf_counter()
    data = PairDataset.from_pandas(table)
    model = BradleyTerry(n_competitors=len(data.competitors))
    model.fit(data)
    fitted = time.perf_counter()
    found = model.compute_ratings_and_cis(
        data, ci_method="bootstrap", num_bootstrap=refits, n_jobs=len(os.sched_getaffinity(0))
    )
    ended = time.perf_counter()
    alpha = 400 / math.log(10)
    names = found["competitors"]
    theta, low, high = (
        [float(value) / alpha for value in found[key]] for key in ("ratings", "rating_lower", "rating_upper")
    )
    answer = {
        "fit_s": fitted - begin,
        "bootstrap_s": ended - fitted,
        "theta": dict(zip(names, theta, strict=True)),
        "bounds": dict(zip(names, zip(low, high, strict=True), strict=True)),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")  # JAX has threads, which a fork would leave behind
    main()
