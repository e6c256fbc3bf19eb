"""Score files of invented samples."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_scores(tmp_path: Path) -> Callable[..., Path]:
    """Write a score file of one or more metrics that are plain means."""

    def write(name: str, metrics: dict[str, list[float | None]], **options: object) -> Path:
        count = len(next(iter(metrics.values())))
        ids = options.get("ids") or [f"s{k}" for k in range(count)]
        strata = options.get("strata") or [{} for _ in range(count)]
        failed = options.get("failed") or [False] * count
        signatures = {metric: f"{metric}|v:1" for metric in metrics} | dict(options.get("signatures") or {})
        header = {"radtrace": "scores", "n": count, "failed": sum(failed), "signatures": signatures}
        header["corpora"] = {metric: {"by": "ratio"} for metric in metrics}
        lines = [header | dict(options.get("header") or {})]
        for k in range(count):
            scores = {metric: values[k] for metric, values in metrics.items()}
            rows = {metric: None if value is None else [value, 1] for metric, value in scores.items()}
            sample = {"id": ids[k], "failed": failed[k], "strata": strata[k], "scores": scores, "statistics": rows}
            lines.append(sample)
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write
