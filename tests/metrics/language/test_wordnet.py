"""A WordNet of a few words, written as wndb(5WN) says."""

import pytest

from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair
from radtrace.metrics.language.meteor import meteor_nltk, meteor_nltk_nosyn
from radtrace.metrics.language.wordnet import WordNet

SYNSETS = {
    "noun": [("heart", "pump"), ("man",), ("leaf", "leafage")],
    "verb": [("swell", "puff_up")],
    "adj": [("big", "large(p)"), ("big", "adult")],
    "adv": [],
}
EXCEPTIONS = {"noun": "hearten heart\n", "verb": "swollen swell\n", "adj": "bigger big\n", "adv": ""}


@pytest.fixture
def wordnet(tmp_path, monkeypatch):
    for part, synsets in SYNSETS.items():
        data, places = "  1 This is a licence.\n", {}
        for words in synsets:
            for word in words:
                places.setdefault(word.partition("(")[0], []).append(len(data))
            named = " ".join(f"{word} 0" for word in words)
            data += f"{len(data):08d} 03 n {len(words):02x} {named} 000 | a gloss\n"
        lines = (
            f"{word} n {len(offsets)} 0 {len(offsets)} 0 " + " ".join(f"{offset:08d}" for offset in offsets)
            for word, offsets in sorted(places.items())
        )
        (tmp_path / f"data.{part}").write_text(data)
        (tmp_path / f"index.{part}").write_text("  1 This is a licence.\n" + "".join(line + "\n" for line in lines))
        (tmp_path / f"{part}.exc").write_text(EXCEPTIONS[part])
    monkeypatch.setenv("RADTRACE_WORDNET", str(tmp_path))
    return WordNet.load()


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("heart", {"heart", "pump"}),
        ("Hearts", {"heart", "pump"}),
        ("hearten", {"heart", "pump"}),
        ("men", {"man"}),
        ("leaves", {"leaf", "leafage"}),
        ("swollen", {"swell", "puff_up"}),
        ("swelled", {"swell", "puff_up"}),
        ("bigger", {"big", "large", "adult"}),
        ("large", {"big", "large"}),
        ("film", set()),
    ],
)
def test_synsets(wordnet, word, words):
    assert {lemma.name() for synset in wordnet.synsets(word) for lemma in synset.lemmas()} == words


def test_synonyms_match_in_one_variant_only(wordnet):
    pairs = [Pair("x", "adult pump", "big heart")]
    (with_synonyms,), (without,) = (function(pairs, PRESETS["strict"]) for function in (meteor_nltk, meteor_nltk_nosyn))
    # NLTK asks for the synonyms of stems, which these words are. Two of two words in one chunk: 1 · (1 - .5 · (1/2)³).
    assert with_synonyms.value == pytest.approx(1 - 0.5 / 8)
    assert without.value == 0
    assert "synonyms:wordnet" in with_synonyms.signature
    assert "synonyms:none" in without.signature


def test_without_wordnet_it_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RADTRACE_WORDNET", str(tmp_path))
    with pytest.raises(InputError, match="wordnet-base"):
        meteor_nltk([Pair("x", "a", "a")], PRESETS["strict"])
