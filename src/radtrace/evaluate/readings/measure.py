"""What is measured on a reader of a split of Open-I, or of anything with films, reports and given labels."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from radtrace.build.reading import find_traces
from radtrace.dialects.mending.blanks import FILLED
from radtrace.errors import InputError, MissingExtraError
from radtrace.evaluate.floors.climbing import SEED
from radtrace.evaluate.floors.dealt import deal, dealt_pairs
from radtrace.evaluate.floors.films import Looks, decoded, look_at, nearest
from radtrace.evaluate.floors.texts import LabelTarget, text_floors
from radtrace.evaluate.floors.traces import Tokenizer
from radtrace.evaluate.floors.train import EVERY, References, Train, read_train
from radtrace.evaluate.readings.beside import Figure, figure, scores_of_each
from radtrace.evaluate.readings.calibration import against_gold, against_reports, summary
from radtrace.evaluate.readings.clinical import HEADLINE, any_alarm, dealt_exactly, gold_scores, of_classes
from radtrace.evaluate.readings.english import english, words
from radtrace.evaluate.readings.memory import Reports, repeated
from radtrace.evaluate.readings.places import Likeness, Placed, drawing, grounding, likenesses, placed
from radtrace.evaluate.readings.predictions import Predicted
from radtrace.evaluate.readings.validity import validity
from radtrace.metrics.clinical.gold import Gold
from radtrace.metrics.clinical.label_scores import SUPPORT
from radtrace.metrics.clinical.rules import SCHEMES
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import PRESETS, Preset
from radtrace.metrics.scores import Score
from radtrace.records import Study, Trace
from radtrace.reports import has_words
from radtrace.runs import write_atomically

LANGUAGE = ("bleu", "rouge_l", "meteor")
_ORDER = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "meteor")
NO_TRAIN = "no training traces"


@dataclass(frozen=True)
class Material:
    """What a reader is measured on.

    studies: of the split, all of them. refs: their traces as `radtrace build` makes them, those with a frontal film.
    train: the traces that floors are fitted on, None where there are none. gold: given labels, None without.
    cache: a file that keeps what the floors wrote, since climbing them takes a minute; it holds training reports.
    """

    studies: Sequence[Study]
    refs: Path
    train: Path | None = None
    gold: Gold | None = None
    cache: Path | None = None
    preset: Preset = field(default_factory=lambda: PRESETS["r2gen"])

    @cached_property
    def reports(self) -> Train | None:
        """The training reports."""
        if self.train is None:
            return None
        references = References([each.id for each in self.studies], self.refs)
        return read_train(self.train, EVERY if self.train.is_dir() else None, "findings", references)

    @cached_property
    def looks(self) -> Looks | None:
        """The training films."""
        return look_at(self.reports.traces(), films=True, pictures=True, seed=SEED) if self.reports else None

    def pairs(self, texts: Mapping[str, str | None]) -> list[Pair]:
        """Findings beside the reference's, of every study."""
        return [
            Pair(each.id, texts.get(each.id), each.report.findings if each.report else None) for each in self.studies
        ]

    def floors(self) -> dict[str, list[Pair]]:
        """What is written without looking, or by looking at the nearest training film only."""
        if self.reports is None or self.looks is None:
            return {}
        near = nearest(self.looks, find_traces(self.refs).rows(), len(self.studies)) if self.looks.thumbs else {}
        texts = {study: other and self.reports.texts[other] for study, other in near.items()}
        return {name: self.pairs(said) for name, said in (*self._written(self.reports).items(), ("nearest", texts))}

    def _written(self, train: Train) -> dict[str, Mapping[str, str | None]]:
        """What the floors of language write, from the cache where it is of these reports and studies."""
        ids = [each.id for each in self.studies]
        target = LabelTarget("nih14", "absent") if self.gold else LabelTarget("chexpert", self.preset.uncertain)
        of = [train.sha256, ids, self.preset.name, target.scheme]
        if self.cache and self.cache.is_file():
            kept = json.loads(self.cache.read_text("utf-8"))
            if kept["of"] == of:
                return dict(kept["floors"])
        found = {floor.name: floor.predictions for floor in text_floors(train, ids, self.preset, target)}
        if self.cache:
            write_atomically(self.cache, json.dumps({"of": of, "floors": found}))
        return found


def measure(
    material: Material, predictions: Mapping[str, Predicted], tokenizer: Tokenizer | None = None
) -> dict[str, Any]:
    """Everything but pointing, JSON-ready; see docs/benchmarks.md.

    Args:    tokenizer: the reader's, which its own pictures are measured by.
    Raises:  InputError for a prediction of a study that is not in the split.
    """
    ids = [each.id for each in material.studies]
    unknown = sorted(predictions.keys() - set(ids))
    if unknown:
        raise InputError(f"predictions: {len(unknown)} ids are not of this split, the first is {unknown[0]!r}")
    own = material.pairs({study: one.text for study, one in predictions.items()})
    floors = material.floors()
    traces = {study: one.trace for study, one in predictions.items() if one.trace}
    return {
        "studies": len(ids),
        "failed": sum(pair.failed for pair in own),
        "clinical": clinical(material, own, floors, predictions) if material.gold else {"absent": "no gold labels"},
        "language": language(material, own, floors),
        "english": _english(material, own),
        "validity": validity(ids, predictions),
        "places": places(material, predictions, tokenizer),
        "confidence": confidence(material, traces),
        "memory": memory(material, own),
        "floors": {"fitted_on": len(material.reports.texts)} if material.reports else {"absent": NO_TRAIN},
    }


def clinical(
    material: Material, own: Sequence[Pair], floors: Mapping[str, Sequence[Pair]], predictions: Mapping[str, Predicted]
) -> dict[str, Any]:
    """Against the gold labels: the findings section is read, and the whole report apart."""
    gold = material.gold
    if gold is None:
        return {}
    scores = gold_scores(own, material.preset, gold)
    others = {name: gold_scores(pairs, material.preset, gold) for name, pairs in floors.items()}
    dealt = gold_scores(dealt_pairs(own, deal(own, SEED)), material.preset, gold)
    whole = gold_scores(material.pairs({study: one.whole for study, one in predictions.items()}), material.preset, gold)
    labelled = [study.id for study in material.studies if study.id in gold.rows]
    positives = _positives(gold, labelled)
    normal = [study for study in labelled if study in gold.normal]
    said = {pair.id: pair.predicted for pair in own}
    true = {pair.id: pair.wanted for pair in own if pair.scored}
    references = gold_scores([Pair(pair.id, pair.reference, pair.reference) for pair in own], material.preset, gold)
    return {
        "labelled": len(labelled),
        "normal": len(normal),
        "positives": positives,
        "headline": {name: _beside(name, scores, others, dealt).to_json() for name in HEADLINE},
        "dealt": dealt_exactly(own, gold),
        "classes": {
            label: {kind: each.to_json() for kind, each in kinds.items()} | {"positives": positives[label]}
            for label, kinds in of_classes(scores, [name for name in positives if positives[name] >= SUPPORT]).items()
        },
        "whole_report": {name: figure(whole[name], {}).to_json() for name in HEADLINE[:3]},
        "references": {name: references[name].value for name in HEADLINE},
        "any_finding_on_normal": {"reader": any_alarm(said, normal), "references": any_alarm(true, normal)},
    }


def _beside(
    name: str, own: Mapping[str, Score], floors: Mapping[str, Mapping[str, Score]], dealt: Mapping[str, Score]
) -> Figure:
    return figure(own[name], {floor: scores[name] for floor, scores in floors.items()}, dealt[name])


def _positives(gold: Gold, labelled: Sequence[str]) -> dict[str, int]:
    counts = Counter(
        name
        for study in labelled
        for name, value in zip(SCHEMES[gold.scheme], gold.rows[study], strict=True)
        if value > 0
    )
    return {name: counts[name] for name in SCHEMES[gold.scheme]}


def language(material: Material, own: Sequence[Pair], floors: Mapping[str, Sequence[Pair]]) -> dict[str, Any]:
    """BLEU, ROUGE-L and METEOR of the findings sections; METEOR is absent where Java or its extra is."""
    absent: dict[str, Any] = {}
    sets = {"own": own, "dealt": dealt_pairs(own, deal(own, SEED))} | {
        f"floor {name}": each for name, each in floors.items()
    }
    try:
        scores = scores_of_each(sets, LANGUAGE, material.preset)
    except (InputError, MissingExtraError) as error:
        absent = {"absent": {"meteor": str(error)}}
        scores = scores_of_each(sets, LANGUAGE[:2], material.preset)
    others = {name: scores[f"floor {name}"] for name in floors}
    found = {name: _beside(name, scores["own"], others, scores["dealt"]) for name in _ORDER if name in scores["own"]}
    return {name: each.to_json() for name, each in found.items()} | absent


def _english(material: Material, own: Sequence[Pair]) -> dict[str, Any]:
    train = material.reports.texts.values() if material.reports else None
    known = None if train is None else {word for text in train for word in words(text)} | FILLED
    texts = {pair.id: pair.predicted for pair in own if not pair.failed}
    return english(texts, [pair.wanted for pair in own if pair.scored], known).to_json()


def places(material: Material, predictions: Mapping[str, Predicted], tokenizer: Tokenizer | None) -> dict[str, Any]:
    """Boxes beside the reference's, pictures beside the film."""
    if material.looks is None:
        return {"absent": NO_TRAIN}
    boxes, usual = material.looks.mean_boxes(), material.looks.usual_domains()
    crops = material.looks.mean_crops()
    studies: list[Placed] = []
    drawn: list[list[Likeness]] = []
    for row in find_traces(material.refs).rows():
        one = predictions.get(row.trace.study_id)
        each = placed(row, one, boxes, usual)
        studies.append(each)
        film = decoded(row.film_png)
        if tokenizer and one and one.trace and film is not None and not each.other_view:
            drawn.append(list(likenesses(film, one, crops, tokenizer)))
    found = grounding(studies, material.preset)
    return found | {
        "drawing": drawing(drawn) if tokenizer else {"absent": "no tokenizer: name the reader with --model"}
    }


def confidence(material: Material, traces: Mapping[str, Trace]) -> dict[str, Any]:
    """Of the stated probabilities: against the gold labels, and against the radiologists' own reports."""
    if not any(trace.assessments for trace in traces.values()):
        return {"absent": "no trace states its confidence"}
    reports = summary(against_reports(traces, material.studies))
    gold = {"gold": summary(against_gold(traces, material.gold))} if material.gold else {}
    note = "reports: what our rules read in the reference's words, silence as absence; gold: given labels"
    return {**gold, "reports": reports, "note": note}


def memory(material: Material, own: Sequence[Pair]) -> dict[str, Any]:
    """What the reports repeat of the training reports, beside what the references of these studies repeat."""
    if material.reports is None:
        return {"absent": NO_TRAIN}
    train = Reports(material.reports.texts.values())
    said = {pair.id: pair.predicted for pair in own if not pair.failed}
    true = {pair.id: pair.wanted for pair in own if has_words(pair.wanted)}
    return {"reader": repeated(said, train).to_json(), "references": repeated(true, train).to_json()}
