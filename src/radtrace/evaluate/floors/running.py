"""The floors of one scoring: fitted on training reports, films, scored by the same metrics on the same references."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radtrace.build.reading import find_traces, read_together
from radtrace.build.shards import Row
from radtrace.errors import InputError
from radtrace.evaluate.columns import chosen
from radtrace.evaluate.floors.climbing import SEED
from radtrace.evaluate.floors.dealt import RESAMPLES, Statistics, deal, dealt_pairs
from radtrace.evaluate.floors.films import MOST_PICTURED, THUMB, Looks, look_at, nearest
from radtrace.evaluate.floors.texts import LabelTarget, TextFloor, text_floors
from radtrace.evaluate.floors.traces import (
    Laying,
    mean_boxes,
    mean_crops,
    on_the_film_of,
    reconstructions,
    usual_boxes,
)
from radtrace.evaluate.floors.train import References, read_train
from radtrace.evaluate.pairing import is_dataset
from radtrace.evaluate.strata import dataset_strata, line_strata
from radtrace.metrics.backing import Backing
from radtrace.metrics.clinical.gold import GoldLabels
from radtrace.metrics.grounding.steps import Traced
from radtrace.metrics.pairs import Pair, chunked
from radtrace.metrics.presets import Preset
from radtrace.metrics.score_file import ScoreFile, Strata
from radtrace.metrics.scores import Score, signature
from radtrace.metrics.scoring import OF_TRACES, Metric, Scored, score
from radtrace.models.tokenizer import ImageTokenizer, load_tokenizer

GROUNDED, DRAWN = "grd", "gen"
_NO_TOKENIZER = "needs --checkpoint tokenizer=DIR, an image tokenizer or a Chameleon checkpoint with a decoder (Anole)"


@dataclass(frozen=True, slots=True)
class Floor:
    """What a floor scored. scored: None where there is none, and `absent` says why.

    p: of `dealt`, against the model's own predictions, by score.
    """

    name: str
    signature: str
    scored: Scored | None = None
    absent: str = ""
    p: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands under "floors" in the output of `radtrace score --json`."""
        if self.scored is None:
            return {"absent": self.absent}
        of = self.scored
        whole = {"scores": of.scores, "n": of.n, "failed": of.failed, "signature": self.signature}
        return whole | ({"p": dict(self.p)} if self.p else {})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a scoring was asked for; the floors are asked for the same.

    labels: the given ones, as the scoring has them.
    beside: a predicted trace and a reference -> the pair, as the metrics of traces need it.
    """

    preds: Path
    refs: Path
    split: str | None
    names: tuple[str, ...]
    preset: Preset
    labels: GoldLabels | None
    backing: Backing
    beside: Callable[[Traced | None, Row], Pair]


Each = Callable[[Sequence[Pair], Sequence[Score]], None]
"""What `score` tells each chunk."""


class Floors:
    """Floors beside a model's scores.

    Training reports are read when it is made, so that a wrong path is told before anything is scored; the scoring then
    tells `watching` each chunk.

    Args:    pairs: of the scoring, all in memory; train, split, section: see `read_train`.
        output: a folder for the score file and the reports of each floor.
    Raises:  InputError as `read_train` does, and where the folder cannot be made.
    """

    def __init__(
        self,
        asked: Asked,
        pairs: Sequence[Pair],
        train: Path,
        split: str | None = None,
        section: str = "findings",
        output: Path | None = None,
    ) -> None:
        self._asked, self._pairs, self._output = asked, pairs, output
        self._train = read_train(
            train, split, section, References({pair.id for pair in pairs}, asked.refs, asked.split)
        )
        self._tokenizer = _tokenizer(asked)
        self._own = Statistics()
        self._strata: Strata = {}
        if output:
            _make_folder(output)
            self._strata = (
                dataset_strata(asked.refs, asked.split) if is_dataset(asked.refs) else line_strata(asked.refs)
            )

    @property
    def left_out(self) -> int:
        """Training studies that are among the references too, by id, film or patient: nothing is fitted on them."""
        return self._train.left_out

    def watching(self, each: Each | None = None) -> Each:
        """What is to be told the chunks of the model's own scoring, and tells them to another."""

        def tell(pairs: Sequence[Pair], scores: Sequence[Score]) -> None:
            self._own.add(pairs, scores)
            if each:
                each(pairs, scores)

        return tell

    def run(self) -> Iterator[Floor]:
        """Each floor in turn: of language, of films, of boxes and pictures, and the predictions dealt."""
        text_names = tuple(name for name in self._asked.names if name not in OF_TRACES)
        looks = self._looks()
        if text_names or self._asked.labels:
            yield from self._of_texts(text_names, looks)
        yield from self._of_traces(looks) if looks else self._without_films()
        if DRAWN in self._asked.names:
            yield self._reconstructed()
        yield self._dealt()

    def _without_films(self) -> Iterator[Floor]:
        floors = {"mean_box": GROUNDED, "usual_boxes": GROUNDED, "mean_crop": DRAWN}
        for name, metric in floors.items():
            if metric in self._asked.names:
                yield Floor(name, "", absent="TRAIN is no trace dataset")

    def _looks(self) -> Looks | None:
        """What the training films look like, where both sides have films."""
        if not (self._train.has_films and is_dataset(self._asked.refs)):
            return None
        pictures = DRAWN in self._asked.names
        return look_at(self._train.traces(), films=True, pictures=pictures, seed=SEED)

    def _of_texts(self, names: tuple[str, ...], looks: Looks | None) -> Iterator[Floor]:
        asked, ids = self._asked, [pair.id for pair in self._pairs]
        for floor in text_floors(self._train, ids, asked.preset, self._labels()):
            yield self._written(floor, names)
        if looks is None:
            yield Floor("nearest", "", absent="compares films: TRAIN and --refs must both be trace datasets")
        elif not looks.thumbs:
            yield Floor("nearest", "", absent="no training film can be read")
        else:
            yield self._written(self._nearest(looks), names)

    def _labels(self) -> LabelTarget:
        given, preset = self._asked.labels, self._asked.preset
        if given is None:
            return LabelTarget("chexpert", preset.uncertain)
        return LabelTarget(given.gold.scheme, given.counted_as(preset))

    def _nearest(self, looks: Looks) -> TextFloor:
        found = nearest(looks, self._references(), len(self._pairs))
        texts = {study: None if other is None else self._train.texts[other] for study, other in found.items()}
        measure = f"greatest cosine of {THUMB}x{THUMB} films less their mean"
        return TextFloor(
            "nearest", signature("nearest", rule=measure, films=len(looks.thumbs), **self._train.said), texts
        )

    def _references(self) -> Iterator[Row]:
        return find_traces(self._asked.refs, split=self._asked.split).rows()

    def _written(self, floor: TextFloor, names: tuple[str, ...]) -> Floor:
        pairs = [Pair(pair.id, floor.predictions[pair.id], pair.reference) for pair in self._pairs]
        if self._output:
            lines = (json.dumps({"id": pair.id, "text": pair.prediction}, ensure_ascii=False) for pair in pairs)
            path = self._output / f"{floor.name}.preds.jsonl"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return Floor(floor.name, floor.signature, self._scored(floor.name, pairs, names))

    def _of_traces(self, looks: Looks) -> Iterator[Floor]:
        """Boxes where Grd is asked for, pictures where Gen is."""
        names, said = self._asked.names, self._train.said
        boxes = looks.mean_boxes()
        if GROUNDED in names:
            rule = "mean box of the domain"
            yield self._laid("mean_box", GROUNDED, mean_boxes(boxes), rule=f"{rule}, for the reference's steps", **said)
            usual = looks.usual_domains()
            steps = "+".join(usual) or "none"
            yield self._laid("usual_boxes", GROUNDED, usual_boxes(boxes, usual), rule=rule, steps=steps, **said)
        if DRAWN in names:
            crops, rule = looks.mean_crops(), "mean picture of the domain at the reference's box"
            settings = {"rule": rule, "traces": MOST_PICTURED, "seed": SEED, **said}
            yield (
                self._laid("mean_crop", DRAWN, mean_crops(crops), **settings)
                if crops
                else Floor("mean_crop", "", absent="TRAIN has no pictures of steps")
            )

    def _reconstructed(self) -> Floor:
        if self._tokenizer is None:
            return Floor("tokenizer", "", absent=_NO_TOKENIZER)
        rule, sha256 = "the reference's picture coded and decoded, at its box", self._tokenizer.sha256
        laying = reconstructions(self._tokenizer)
        return self._laid("tokenizer", DRAWN, laying, rule=rule, checkpoint=f"sha256-{sha256[:12]}")

    def _laid(self, name: str, metric: str, laying: Laying, **settings: object) -> Floor:
        pairs = (self._asked.beside(laying(row), row) for row in self._references())
        return Floor(name, signature(name, **settings), self._scored(name, pairs, (metric,), gold=False))

    def _dealt(self) -> Floor:
        asked = self._asked
        taken = deal(self._pairs, SEED)
        if OF_TRACES.isdisjoint(asked.names):
            pairs: Iterable[Pair] = dealt_pairs(self._pairs, taken)
        else:
            together = read_together(asked.preds, asked.refs, asked.split, taken)
            pairs = (asked.beside(row and on_the_film_of(row, reference), reference) for row, reference in together)
        statistics = Statistics()
        scored = self._scored("dealt", pairs, asked.names, statistics)
        names = [name for name in chosen(list(scored.scores), ()) if scored.scores[name] is not None]
        p = self._own.p_values(statistics, names, SEED)
        rule = "each prediction to another study, in one circle; failures stay"
        signed = signature("dealt", rule=rule, seed=SEED, p=f"paired permutation, two-sided, resamples {RESAMPLES}")
        return Floor("dealt", signed, scored, p=p)

    def _scored(
        self,
        name: str,
        pairs: Iterable[Pair],
        names: tuple[str, ...],
        statistics: Statistics | None = None,
        *,
        gold: bool = True,
    ) -> Scored:
        """The same metrics on the same references."""
        asked = self._asked
        given = asked.labels if gold else None
        first: list[Metric] = [GoldLabels(given.gold, given.uncertain)] if given else []
        statistics = statistics or Statistics()
        if self._output is None:
            return score(chunked(pairs), names, asked.preset, statistics.add, first, asked.backing)
        with ScoreFile(self._output / f"{name}.jsonl", self._strata) as file:

            def each(chunk: Sequence[Pair], scores: Sequence[Score]) -> None:
                statistics.add(chunk, scores)
                file.add(chunk, scores)

            result = score(chunked(pairs), names, asked.preset, each, first, asked.backing)
            file.finish(result)
        return result


def _tokenizer(asked: Asked) -> ImageTokenizer | None:
    """The tokenizer that is named, where pictures are scored."""
    named = asked.backing.checkpoints.get("tokenizer")
    return load_tokenizer(Path(named)) if named and DRAWN in asked.names else None


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--floors-output {path}: {error.strerror}") from error
