"""What a dataset says of itself: statistics (MMRad-IVL Fig. 2), manifest, and the card that `datasets` reads."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2

from radtrace.build.leakage import leakage_of, leaks
from radtrace.build.ledger import Traced
from radtrace.build.plots import statistics_page
from radtrace.build.recipe import BuildRecipe
from radtrace.errors import InputError
from radtrace.records import Rejected
from radtrace.runs import read_object, versions, write_atomically

MANIFEST = "manifest.json"
"""Written last: a folder that has it is a finished dataset."""


def write_description(
    recipe: BuildRecipe, traced: Mapping[str, Traced], sides: Mapping[str, str], rejected: Sequence[Rejected]
) -> dict[str, int]:
    """Write statistics, leakage report, card and, last of all, the manifest.

    Returns: what leaks between the splits, counted; see `radtrace.build.leakage`.
    """
    statistics = statistics_of(traced.values(), sides, rejected)
    leakage = leakage_of({path: path.name.split("-")[0] for path in sorted((recipe.output / "data").glob("*.parquet"))})
    write_atomically(recipe.output / "statistics.json", json.dumps(statistics, indent=2) + "\n")
    write_atomically(recipe.output / "leakage.json", json.dumps(leakage, indent=1) + "\n")
    write_atomically(recipe.output / "statistics.html", statistics_page(recipe.source.card.name, statistics))
    write_atomically(recipe.output / "README.md", _card(recipe, statistics, leaks(leakage)))
    manifest = {
        "recipe_digest": recipe.digest(),
        "recipe": recipe.resolved(),
        "versions": versions(),
        "files": {str(path.relative_to(recipe.output)): _described(path) for path in _files(recipe.output)},
    }
    write_atomically(recipe.output / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return leaks(leakage)


def check_files(output: Path) -> None:
    """Raises InputError where a finished dataset lacks a file that its manifest names, or has another in its place."""
    path = output / MANIFEST
    if not path.exists():
        return
    for name, described in read_object(path).get("files", {}).items():
        file = output / name
        if not file.exists() or file.stat().st_size != described["bytes"]:
            raise InputError(
                f"{file}: missing or changed since the dataset was finished; delete the folder to build anew"
            )


def statistics_of(traced: Iterable[Traced], sides: Mapping[str, str], rejected: Sequence[Rejected]) -> dict[str, Any]:
    """Counts of traces, steps, words, regions and findings (MMRad-IVL Sec. 2.2, Fig. 2), and of rejections."""
    cases = list(traced)
    looks = [look for case in cases for look in case.looks]
    findings = [finding for look in looks for finding in look.findings]
    by_status = {
        status: _counted(label for label, its_status in findings if its_status == status)
        for status in ("present", "uncertain", "absent")
    }
    return {
        "traces": len(cases),
        "traces_by_split": _counted(sides.values()),
        "rejected": len(rejected),
        "rejected_by_stage": _counted(one.stage for one in rejected),
        "steps_per_trace": _counted(len(case.looks) for case in cases),
        "mean_steps_per_trace": fmean(len(case.looks) for case in cases),
        "mean_words_per_trace": fmean(sum(look.words for look in case.looks) for case in cases),
        "words_per_rationale": {
            str(words): count for words, count in sorted(Counter(look.words for look in looks).items())
        },
        "steps_by_domain": _counted(look.domain for look in looks),
        "steps_with_box": sum(look.grounded for look in looks),
        "steps": len(looks),
        "regions": _counted(region for look in looks for region in look.regions),
        "findings": by_status,
    }


def _counted(items: Iterable[Any]) -> dict[str, int]:
    """Most frequent first; equal counts by name."""
    return {
        str(name): count for name, count in sorted(Counter(items).items(), key=lambda pair: (-pair[1], str(pair[0])))
    }


def _card(recipe: BuildRecipe, statistics: Mapping[str, Any], leaking: Mapping[str, int]) -> str:
    text = resources.files(__package__).joinpath("templates", "card.md.j2").read_text("utf-8")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 (Markdown, not HTML)
    return environment.from_string(text).render(
        source=recipe.source.card,
        statistics=statistics,
        leaking=leaking,
        label_template=recipe.label_template,
        digest=recipe.digest(),
        recipe=json.dumps(recipe.resolved(), indent=2),
        versions=versions(),
    )


def _files(output: Path) -> list[Path]:
    described = ("rejected.jsonl", "statistics.json", "statistics.html", "leakage.json")
    return [*(output / name for name in described), *sorted((output / "data").glob("*.parquet"))]


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
