"""The 35 anatomical regions in 4 domains, and other vocabularies' names for them (tables in TOML files)."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, cast

from radtrace.errors import InputError, did_you_mean
from radtrace.records import Domain


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


DOMAINS: dict[Domain, tuple[str, ...]] = {
    cast("Domain", domain): tuple(names) for domain, names in _table("regions.toml")["domains"].items()
}
"""Domain -> its regions, in reading order (MMRad-IVL Sec. 2.2)."""

REGIONS: tuple[str, ...] = tuple(name for names in DOMAINS.values() for name in names)
"""The 35 region names."""

DOMAIN_OF: dict[str, Domain] = {name: domain for domain, names in DOMAINS.items() for name in names}

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
