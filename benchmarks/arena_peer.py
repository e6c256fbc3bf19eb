"""arena-rank's side of `arena.py`, run by the Python that has it: battles.csv and the number of refits."""

import json
import math
import sys
import time

import jax.numpy as jnp
import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry, fit_single_bootstrap_sample
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
    found = model.compute_ratings_and_cis(data, ci_method="sandwich")
    counts = np.asarray(data.counts, np.float64)
    drawn = np.random.default_rng(0).multinomial(len(table), counts / counts.sum(), refits + 1).astype(np.float64)
    fit_single_bootstrap_sample(jnp.asarray(drawn[0]), model, data)
    refitting = time.perf_counter()
    for row in drawn[1:]:
        fit_single_bootstrap_sample(jnp.asarray(row), model, data)
    ended = time.perf_counter()
    alpha = 400 / math.log(10)
    names = found["competitors"]
    theta, low, high = (
        [float(value) / alpha for value in found[key]] for key in ("ratings", "rating_lower", "rating_upper")
    )
    answer = {
        "fit_s": fitted - begin,
        "refit_s": (ended - refitting) / refits,
        "theta": dict(zip(names, theta, strict=True)),
        "bounds": dict(zip(names, zip(low, high, strict=True), strict=True)),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
