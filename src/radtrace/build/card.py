"""What a dataset says of itself: statistics (MMRad-IVL Fig. 2), manifest, and the card that `datasets` reads."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
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


def write_description(recipe: BuildRecipe, statistics: Mapping[str, Any]) -> dict[str, int]:
    """Write statistics, leakage report, card and, last of all, the manifest.

    Returns: what leaks between the splits, counted; see `radtrace.build.leakage`.
    """
    leakage = leakage_of({path: path.name.split("-")[0] for path in sorted((recipe.output / "data").glob("*.parquet"))})
    write_atomically(recipe.output / "statistics.json", json.dumps(statistics, indent=2) + "\n")
    write_atomically(recipe.output / "leakage.json", json.dumps(leakage, indent=1) + "\n")
    write_atomically(recipe.output / "statistics.html", statistics_page(recipe.source.card.name, statistics))
    write_atomically(recipe.output / "README.md", _card(recipe, statistics, leaks(leakage)))
    manifest = {
        "recipe_digest": recipe.digest(),
        "recipe": recipe.resolved(),
        "versions": versions(),
        "files": _described(recipe.output, recipe.workers),
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
    """Counts of traces, steps, words, regions and findings (MMRad-IVL Sec. 2.2, Fig. 2), and of rejections.

    Args:    traced: what is known of each trace, one at a time.
    """
    steps, words, domains, regions = Counter[int](), Counter[int](), Counter[str](), Counter[str]()
    findings = {status: Counter[str]() for status in ("present", "uncertain", "absent")}
    grounded = 0
    for case in traced:
        steps[len(case.looks)] += 1
        for look in case.looks:
            words[look.words] += 1
            domains[look.domain] += 1
            grounded += look.grounded
            regions.update(look.regions)
            for label, status in look.findings:
                findings[status][label] += 1
    return {
        "traces": steps.total(),
        "traces_by_split": _ranked(Counter(sides.values())),
        "rejected": len(rejected),
        "rejected_by_stage": _ranked(Counter(one.stage for one in rejected)),
        "steps_per_trace": _ranked(steps),
        "mean_steps_per_trace": words.total() / steps.total(),
        "mean_words_per_trace": sum(count * times for count, times in words.items()) / steps.total(),
        "words_per_rationale": {str(count): times for count, times in sorted(words.items())},
        "steps_by_domain": _ranked(domains),
        "steps_with_box": grounded,
        "steps": words.total(),
        "regions": _ranked(regions),
        "findings": {status: _ranked(labels) for status, labels in findings.items()},
    }


def _ranked(counts: Mapping[Any, int]) -> dict[str, int]:
    """Most frequent first; equal counts by name."""
    return {str(name): count for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))}


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


def _described(output: Path, threads: int) -> dict[str, dict[str, Any]]:
    """Size and digest of each file, by its name."""
    described = ("rejected.jsonl", "statistics.json", "statistics.html", "leakage.json")
    files = [*(output / name for name in described), *sorted((output / "data").glob("*.parquet"))]
    with ThreadPoolExecutor(threads) as pool:
        digests = pool.map(_sha256, files)
        return {
            str(file.relative_to(output)): {"bytes": file.stat().st_size, "sha256": digest}
            for file, digest in zip(files, digests, strict=True)
        }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
