from pathlib import Path
from typing import Any

import pytest

from radtrace.train.tokenizer import TokenizerRecipe

NETWORK = {"side": 32, "patch": 4, "codes": 16, "embedding": 4, "latent": 32, "base": 32, "multiplier": [1, 1]}


def films(count: int, first: int) -> list[dict[str, Any]]:
    return [{"source": {"kind": "phantoms", "count": count, "first_seed": first, "side": 128}}]


@pytest.fixture
def recipe(tmp_path: Path) -> dict[str, Any]:
    """Settings of a run of seconds: 32 pixels a side, 4 x 4 codes of 16."""
    return {
        "kind": "tokenizer",
        "output": str(tmp_path / "run"),
        "films": films(4, 0),
        "val": films(2, 100),
        "network": NETWORK,
        "steps": 8,
        "batch": 4,
        "log_every": 2,
        "checkpoint_every": 4,
        "val_every": 4,
        "threads": 1,
    }


def made(settings: dict[str, Any], **changes: Any) -> TokenizerRecipe:
    return TokenizerRecipe.model_validate(settings | changes)
