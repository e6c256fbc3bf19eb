"""Prediction files of three models, in words of our own."""

import json
from pathlib import Path

import pytest

from radtrace.arena.recipe import ArenaRecipe

REFERENCES = {
    "1": "Moderate right pleural effusion. No pneumothorax.",
    "2": "The heart is enlarged. The lungs are clear.",
    "3": "No acute disease. The lungs are clear.",
    "4": "Left lower lobe pneumonia.",
    "5": "Small left pneumothorax. No effusion.",
    "6": "Mild pulmonary edema.",
}
REPORTS = {
    "copier": REFERENCES,
    "normal": dict.fromkeys(REFERENCES, "No acute disease. The lungs are clear."),
    "empty": dict.fromkeys(REFERENCES, ""),
}


def write_lines(path: Path, texts: dict[str, str | None]) -> Path:
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in texts.items()))
    return path


@pytest.fixture
def recipe(tmp_path) -> ArenaRecipe:
    """Every pair over every study, by the rules."""
    files = {name: write_lines(tmp_path / f"{name}.jsonl", texts) for name, texts in REPORTS.items()}
    references = write_lines(tmp_path / "references.jsonl", REFERENCES)
    return ArenaRecipe(output=tmp_path / "run", predictions=files, references=references)


@pytest.fixture
def asked(recipe) -> ArenaRecipe:
    """The same by a chat model."""
    values = recipe.model_dump() | {
        "judge": {"kind": "llm", "material": {"source": "own words"}},
        "client": {"backoff": 0.01, "timeout": 5.0, "attempts": 2, "concurrency": 3},
    }
    return ArenaRecipe.model_validate(values)
