"""The tables agree with each other."""

import tomllib
from importlib import resources

import pytest

from radtrace.anatomy import (
    DOMAIN_OF,
    DOMAINS,
    FINDINGS,
    PLACES,
    REGIONS,
    STATES,
    VOCABULARIES,
    regions_of,
)
from radtrace.errors import InputError
from radtrace.findings import CHEXPERT, NIH14, annotate
from radtrace.findings.lexicon import phrases


def filled(templates: tuple[str, ...]) -> set[str]:
    return {template.format(side=side) for template in templates for side in ("right", "left")}


def test_there_are_35_regions_in_4_domains() -> None:
    assert {domain: len(names) for domain, names in DOMAINS.items()} == {
        "mediastinal": 12,
        "lung": 16,
        "bone": 5,
        "other": 2,
    }
    assert len(set(REGIONS)) == 35
    assert set(DOMAIN_OF) == set(REGIONS)


@pytest.mark.parametrize(("vocabulary", "count"), [("chest_imagenome", 36), ("boxmed_rl", 12)])
def test_other_vocabularies_map_onto_the_regions(vocabulary: str, count: int) -> None:
    names = tomllib.loads(resources.files("radtrace.anatomy").joinpath("regions.toml").read_text("utf-8"))[vocabulary]
    assert len(names) == count
    assert all(set(regions_of(name, vocabulary)) <= set(REGIONS) for name in names)
    assert vocabulary in VOCABULARIES


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'trachea'"):
        regions_of("trachae", "boxmed_rl")
    with pytest.raises(InputError, match="did you mean 'boxmed_rl'"):
        regions_of("trachea", "boxmed")


@pytest.mark.parametrize("kind", FINDINGS.values(), ids=lambda kind: kind.label)
def test_a_finding_names_known_regions_domains_and_labels(kind) -> None:
    assert filled(kind.regions) <= set(REGIONS)
    assert kind.within <= set(DOMAINS)
    assert kind.chexpert in (None, *CHEXPERT)
    assert kind.nih14 in (None, *NIH14)
    assert kind.words


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.key}: {place.words[0]}")
def test_a_place_names_known_regions(place) -> None:
    assert place.regions or place.key == "elsewhere"
    assert filled(place.regions) <= set(REGIONS)


def test_predicates_are_of_places_that_exist_and_make_findings_that_exist() -> None:
    keys = {place.key for place in PLACES}
    for state in STATES:
        assert set(state.of) <= keys
        assert state.label in FINDINGS


def test_no_phrase_means_two_findings_or_two_places() -> None:
    for tables in ((FINDINGS.values(), "label"), (PLACES, "regions")):
        meaning: dict[tuple[str, ...], object] = {}
        for row in tables[0]:
            for pattern in row.words:
                for phrase in phrases(pattern):
                    value = getattr(row, tables[1])
                    assert meaning.setdefault(phrase, value) == value, phrase


@pytest.mark.parametrize("kind", FINDINGS.values(), ids=lambda kind: kind.label)
def test_every_phrase_of_a_finding_is_read_as_that_finding(kind) -> None:
    for pattern in kind.words:
        for phrase in phrases(pattern):
            (annotation,) = annotate(f"{' '.join(phrase)} today")
            assert [f.label for f in annotation.findings if f.status == "present"] == [kind.label], phrase
