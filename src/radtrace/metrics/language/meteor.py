"""METEOR, three that differ widely and are named apart: Java 1.5 (coco's), NLTK's, and NLTK's without synonyms."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from radtrace.errors import InputError, MissingExtraError, RadtraceError
from radtrace.metrics.language.wordnet import WordNet
from radtrace.metrics.language.words import texts
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import FloatArray, Score, mean_score, signature, summed_score

_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])
"""METEOR 1.5's English parameters; the weights are of exact, stem, synonym and paraphrase matches."""
_CHUNKS, _FROM_PREDICTION, _FROM_REFERENCE = 20, 21, 22
_STATISTICS = 23
_PROGRAM = "meteor-1.5.jar"


def meteor(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """METEOR 1.5 of the corpus and of each pair, 0-1, by the Java program that pycocoevalcap carries.

    Raises:  MissingExtraError without pycocoevalcap, InputError without a Java runtime.
    Source:  Denkowski and Lavie 2014; called as pycocoevalcap 1.2 calls it (`-l en -norm`).
    """
    statistics = np.zeros((len(pairs), _STATISTICS))
    with _MeteorProgram() as program:
        cleaned = list(texts(pairs, preset))
        for row, pair in zip(statistics, cleaned, strict=True):
            if pair is not None:
                row[:] = program.statistics(*pair)
    perfect = (statistics[:, _CHUNKS] == 1) & (statistics[:, _CHUNKS + 1 :] == statistics[:, :2]).all(axis=1)
    statistics[perfect, _CHUNKS] = 0  # as the program itself does when it sums
    values = meteor_of(statistics).tolist()
    signed = signature("meteor", variant="java-1.5", options="-l en -norm", tok=preset.tokens, case=preset.case)
    per_sample = [None if pair is None else value for pair, value in zip(cleaned, values, strict=True)]
    return [summed_score("meteor", per_sample, signed, statistics, meteor_of)]


def meteor_of(sums: FloatArray) -> FloatArray:
    """METEOR of summed statistics (..., 23) in the program's order; 0 where nothing matches.

    These are the words of prediction and reference, the function words of both, for each kind of match the content
    words of both and the function words of both that matched, the chunks, and the words of both that matched.
    """
    matched = sums[..., 4:20].reshape(*sums.shape[:-1], 4, 2, 2)  # kind, content or function, side
    importance = np.array([_DELTA, 1 - _DELTA])
    hits = np.einsum("k,c,...kcs->...s", _WEIGHTS, importance, matched)
    lengths = _DELTA * (sums[..., :2] - sums[..., 2:4]) + (1 - _DELTA) * sums[..., 2:4]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = hits / lengths
        precision, recall = shares[..., 0], shares[..., 1]
        mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
        fragmentation = sums[..., _CHUNKS] / sums[..., [_FROM_PREDICTION, _FROM_REFERENCE]].mean(axis=-1)
        score: FloatArray = mean * (1 - _GAMMA * fragmentation**_BETA)
    return np.nan_to_num(score, nan=0.0)


class _MeteorProgram:
    """METEOR's own process, which answers one line a pair."""

    def __init__(self) -> None:
        found = find_spec("pycocoevalcap")
        folders = [Path(folder) / "meteor" for folder in found.submodule_search_locations or ()] if found else []
        folder = next((folder for folder in folders if (folder / _PROGRAM).is_file()), None)
        if folder is None:
            raise MissingExtraError("meteor", "METEOR 1.5")
        java = shutil.which("java")
        if java is None:
            raise InputError("METEOR 1.5 needs a Java runtime, e.g. apt install default-jre-headless")
        command = [java, "-Dfile.encoding=UTF-8", "-Xmx2G", "-jar", _PROGRAM]
        self._process = subprocess.Popen(
            [*command, "-", "-", "-stdio", "-l", "en", "-norm"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def statistics(self, prediction: str, reference: str) -> list[float]:
        """The 23 sufficient statistics of a pair."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RadtraceError("METEOR's process has no pipes")
        line = f"SCORE ||| {_on_one_line(reference)} ||| {_on_one_line(prediction).replace('  ', ' ')}\n"
        try:
            stdin.write(line.encode(errors="replace"))
            stdin.flush()
        except BrokenPipeError:
            raise RadtraceError("METEOR's Java process died") from None
        numbers = [float(number) for number in stdout.readline().split()]
        if len(numbers) != _STATISTICS:
            raise RadtraceError("METEOR's Java process died or answered no statistics")
        return numbers


def _on_one_line(text: str) -> str:
    return " ".join(text.replace("|||", "").splitlines())


def meteor_nltk(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """Mean over pairs of NLTK's METEOR with WordNet's synonyms, 0-1. Far above Java's: never compare the two.

    Raises:  InputError where there is no WordNet.
    """
    return _nltk(pairs, preset, "meteor_nltk", WordNet.load(), "wordnet")


def meteor_nltk_nosyn(pairs: Sequence[Pair], preset: Preset) -> list[Score]:
    """The same without synonyms: exact and stem matches only."""
    return _nltk(pairs, preset, "meteor_nltk_nosyn", _NoSynonyms(), "none")


class _NoSynonyms:
    """A WordNet without synonyms."""

    def synsets(self, word: str) -> Iterable[Any]:
        return ()


def _nltk(pairs: Sequence[Pair], preset: Preset, name: str, wordnet: Any, synonyms: str) -> list[Score]:
    from nltk.translate.meteor_score import single_meteor_score

    score: Callable[..., float] = single_meteor_score
    values = [
        None if pair is None else float(score(pair[1].split(), pair[0].split(), wordnet=wordnet))
        for pair in texts(pairs, preset)
    ]
    signed = signature(name, variant="nltk", synonyms=synonyms, tok=preset.tokens, case="lower", nltk=version("nltk"))
    return [mean_score(name, values, signed)]
