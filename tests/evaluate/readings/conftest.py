"""A built split of phantoms, and readings of it."""

from pathlib import Path

import pytest

from radtrace.build import BuildRecipe, build
from radtrace.build.reading import find_traces
from radtrace.build.shards import Row

SPLIT = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Traces of 20 phantoms: 12 train, 4 val, 4 test."""
    output = tmp_path_factory.mktemp("readings") / "phantoms"
    source = {"kind": "phantoms", "count": 20, "side": 128}
    build(BuildRecipe.model_validate({"output": output, "source": source, "workers": 1, "split": SPLIT}))
    return output


@pytest.fixture(scope="session")
def rows(phantoms: Path) -> list[Row]:
    """The val and test traces with their pictures."""
    return [row for split in ("val", "test") for row in find_traces(phantoms, split=split).rows()]
