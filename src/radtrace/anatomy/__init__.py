"""The 35 anatomical regions in 4 domains, what is found in them, and how reports and other vocabularies name both."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from radtrace.errors import InputError, did_you_mean
from radtrace.records import Domain, Laterality


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


DOMAINS: dict[Domain, tuple[str, ...]] = {
    cast("Domain", domain): tuple(names) for domain, names in _table("regions.toml")["domains"].items()
}
"""Domain -> its regions, in reading order (MMRad-IVL Sec. 2.2)."""

READING_ORDER: tuple[Domain, ...] = (*DOMAINS, "general")
"""In which a trace looks, what belongs nowhere last."""

REGIONS: tuple[str, ...] = tuple(name for names in DOMAINS.values() for name in names)
"""The 35 region names."""

DOMAIN_OF: dict[str, Domain] = {name: domain for domain, names in DOMAINS.items() for name in names}


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A thing that reports say about a film; see `findings.toml` for what the fields mean."""

    label: str
    regions: tuple[str, ...]
    within: frozenset[Domain]
    words: tuple[str, ...]
    chexpert: str | None
    nih14: str | None


@dataclass(frozen=True, slots=True)
class StateKind:
    """Predicates that make a finding of a place; see `findings.toml` for what the fields mean."""

    label: str
    of: tuple[str, ...]
    words: tuple[str, ...]
    denied_by: tuple[str, ...]
    verdict: Literal["present", "likely", "uncertain"]


@dataclass(frozen=True, slots=True)
class Place:
    """A way to name regions; see `synonyms.toml` for what the fields mean."""

    key: str
    regions: tuple[str, ...]
    words: tuple[str, ...]
    side: Laterality | None
    general: bool
    partial: bool
    sided: bool


FINDINGS: dict[str, FindingKind] = {
    row["label"]: FindingKind(
        label=row["label"],
        regions=tuple(row["regions"]),
        within=frozenset(row.get("within", ())),
        words=tuple(row["words"]),
        chexpert=row.get("chexpert"),
        nih14=row.get("nih14"),
    )
    for row in _table("findings.toml")["finding"]
}
"""Label -> the finding, in the order of the table."""

STATES: tuple[StateKind, ...] = tuple(
    StateKind(
        row["label"],
        tuple(row["of"]),
        tuple(row["words"]),
        tuple(row.get("denied_by", ())),
        row.get("verdict", "present"),
    )
    for row in _table("findings.toml")["state"]
)

PLACES: tuple[Place, ...] = tuple(
    Place(
        row["key"],
        tuple(row["regions"]),
        tuple(row["words"]),
        row.get("side"),
        row.get("general", False),
        row.get("partial", False),
        row.get("sided", False),
    )
    for row in _table("synonyms.toml")["place"]
)

VOCABULARIES: tuple[str, ...] = ("chest_imagenome", "boxmed_rl")


def regions_of(name: str, vocabulary: str) -> tuple[str, ...]:
    """Our regions for a name of another vocabulary; a union ("whole lung") is several.

    Raises:  InputError where the vocabulary or the name is unknown.
    Source:  Chest ImaGenome (Wu et al. 2021), 36 names; BoxMed-RL Sec. 3.2.1, 12 areas.
    """
    if vocabulary not in VOCABULARIES:
        raise InputError(f"unknown vocabulary {vocabulary!r}: {did_you_mean(vocabulary, VOCABULARIES)}")
    names: dict[str, list[str]] = _table("regions.toml")[vocabulary]
    if name not in names:
        raise InputError(f"unknown {vocabulary} region {name!r}: {did_you_mean(name, names)}")
    return tuple(names[name])
