"""The table of metrics, and scoring by some of them: chunk by chunk, the corpus values from summed statistics."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isnan

from radtrace.config import resolve
from radtrace.metrics.backing import Backing
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Corpus, FloatArray, Score

Metric = Callable[[Sequence[Pair], Preset], list[Score]]

METRICS: dict[str, str] = {
    "chexpert_rules": "radtrace.metrics.clinical.chexpert_rules:chexpert_rules",
    "prior_hallucination": "radtrace.metrics.clinical.priors:prior_hallucination",
    "error_counts_rules": "radtrace.metrics.judged.error_counts:error_counts_rules",
    "steps_rules": "radtrace.metrics.judged.step_scores:steps_rules",
    "radrscore_rules": "radtrace.metrics.reasoning.of_traces:radrscore_rules",
    "bleu": "radtrace.metrics.language.bleu:bleu",
    "bleu_1": "radtrace.metrics.language.bleu:bleu",
    "bleu_2": "radtrace.metrics.language.bleu:bleu",
    "bleu_3": "radtrace.metrics.language.bleu:bleu",
    "bleu_4": "radtrace.metrics.language.bleu:bleu",
    "bleu_sacrebleu": "radtrace.metrics.language.bleu:bleu_sacrebleu",
    "rouge_l": "radtrace.metrics.language.rouge:rouge_l",
    "rouge_l_stemmed": "radtrace.metrics.language.rouge:rouge_l_stemmed",
    "rouge_1": "radtrace.metrics.language.rouge:rouge_1",
    "rouge_2": "radtrace.metrics.language.rouge:rouge_2",
    "meteor": "radtrace.metrics.language.meteor:meteor",
    "meteor_nltk": "radtrace.metrics.language.meteor:meteor_nltk",
    "meteor_nltk_nosyn": "radtrace.metrics.language.meteor:meteor_nltk_nosyn",
    "cider_d": "radtrace.metrics.language.cider:cider_d",
    "grd": "radtrace.metrics.grounding:grd",
    "gen": "radtrace.metrics.grounding:gen",
}
"""name -> "module:attr" of a `Metric`. A metric may answer several scores; the name of one of them chooses that one."""

BACKED: dict[str, str] = {
    "bertscore": "radtrace.metrics.similarity.bertscore:bertscore",
    "bertscore_idf": "radtrace.metrics.similarity.bertscore:bertscore_idf",
    "bertscore_idf_precision": "radtrace.metrics.similarity.bertscore:bertscore_idf",
    "bertscore_idf_recall": "radtrace.metrics.similarity.bertscore:bertscore_idf",
    "bertscore_precision": "radtrace.metrics.similarity.bertscore:bertscore",
    "bertscore_recall": "radtrace.metrics.similarity.bertscore:bertscore",
    "bertscore_rescaled": "radtrace.metrics.similarity.bertscore:bertscore_rescaled",
    "bertscore_rescaled_precision": "radtrace.metrics.similarity.bertscore:bertscore_rescaled",
    "bertscore_rescaled_recall": "radtrace.metrics.similarity.bertscore:bertscore_rescaled",
    "chexbert": "radtrace.metrics.clinical.chexbert_scores:chexbert",
    "chexbert_similarity": "radtrace.metrics.clinical.chexbert_scores:chexbert",
    "gema_style": "radtrace.metrics.judged.gema_style:gema_style",
    "green": "radtrace.metrics.judged.green_local:green",
    "green_style": "radtrace.metrics.judged.green_style:green_style",
    "radcliq_v1": "radtrace.metrics.similarity.radcliq:radcliq_v1",
    "radfact_style": "radtrace.metrics.judged.radfact:radfact_style",
    "radfact_style_grounded": "radtrace.metrics.judged.radfact:radfact_style",
    "radgraph": "radtrace.metrics.clinical.radgraph:radgraph",
    "radgraph_ber": "radtrace.metrics.clinical.radgraph:radgraph",
    "radgraph_e": "radtrace.metrics.clinical.radgraph:radgraph",
    "radgraph_er": "radtrace.metrics.clinical.radgraph:radgraph",
    "radgraph_legacy": "radtrace.metrics.clinical.radgraph:radgraph_legacy",
    "radgraph_legacy_ber": "radtrace.metrics.clinical.radgraph:radgraph_legacy",
    "radgraph_legacy_e": "radtrace.metrics.clinical.radgraph:radgraph_legacy",
    "radgraph_legacy_er": "radtrace.metrics.clinical.radgraph:radgraph_legacy",
    "radrscore_llm": "radtrace.metrics.reasoning.of_traces:radrscore_llm",
    "ratescore": "radtrace.metrics.similarity.ratescore:ratescore",
    "ratescore_radtrace": "radtrace.metrics.similarity.ratescore:ratescore_radtrace",
    "sem": "radtrace.metrics.grounding:sem",
    "steps_llm": "radtrace.metrics.judged.step_scores:steps_llm",
    "vqa": "radtrace.metrics.reasoning.of_answers:vqa",
}
"""name -> "module:attr" of what makes a `Metric` of a `Backing`: metrics that need a checkpoint or a chat model."""

AT_ONCE = frozenset({"bertscore_idf", "bertscore_idf_precision", "bertscore_idf_recall", "cider_d"})
"""Metrics whose value of a pair depends on all the others: these hold every pair in memory."""

OF_TRACES = frozenset(
    {"grd", "gen", "radfact_style_grounded", "radrscore_llm", "radrscore_rules", "sem", "steps_llm", "steps_rules"}
)
"""Metrics of `radtrace.metrics.grounding.TracePair`."""

OF_ANSWERS = frozenset({"vqa"})
"""Metrics of `radtrace.metrics.reasoning.of_answers.AnswerPair`."""


def metric(name: str, backing: Backing | None = None) -> Metric:
    """The metric of this name, imported now.

    Raises:  RecipeError with a hint where there is none, InputError where it needs what `backing` does not name.
    """
    table = METRICS | BACKED
    found = resolve(table, name, "metric")
    if table.get(name, name) in BACKED.values():
        found = found(backing or Backing())
    function: Metric = found
    return function


@dataclass(frozen=True, slots=True)
class Scored:
    """Corpus values and signatures by score.

    n: pairs in the denominator; failed: those of them without a prediction; unscored: pairs without a reference.
    """

    scores: dict[str, float | None]
    signatures: dict[str, str]
    n: int
    failed: int
    unscored: int


@dataclass(slots=True)
class _Total:
    """A score so far."""

    signature: str
    value: float | None
    sums: FloatArray | None
    corpus: Corpus | None

    def add(self, score: Score) -> None:
        """Add a further chunk."""
        if self.sums is None or self.corpus is None or score.statistics is None:
            raise ValueError(f"{score.name} has no sums: it needs all pairs at once")
        self.sums = self.sums + score.statistics.sum(axis=0)
        if self.sums.any():  # a value may be undefined in every chunk and defined over all
            value = float(self.corpus(self.sums))
            self.value = None if isnan(value) else value


def score(
    chunks: Iterable[Sequence[Pair]],
    names: Sequence[str],
    preset: Preset,
    each: Callable[[Sequence[Pair], Sequence[Score]], None] | None = None,
    first: Sequence[Metric] = (),
    backing: Backing | None = None,
) -> Scored:
    """Score pairs by the named metrics, one chunk in memory at a time unless one of `AT_ONCE` is asked for.

    Args:    each: is told each chunk and its scores, with the values of its pairs.
        first: metrics that have no name in the table, before the others; all of their scores.
        backing: checkpoints and the judge that some metrics need.
    Raises:  RecipeError for an unknown name, what a metric raises where it is not available.
    """
    chosen = _chosen(names, backing)
    if not AT_ONCE.isdisjoint(names):
        chunks = [list(chain.from_iterable(chunks))]
    totals: dict[str, _Total] = {}
    n = failed = unscored = 0
    for pairs in chunks:
        scores = [one for function in first for one in function(pairs, preset)]
        scores += [one for function, wanted in chosen.items() for one in _wanted(function(pairs, preset), wanted)]
        for one in scores:
            if one.name in totals:
                totals[one.name].add(one)
            else:
                sums = None if one.statistics is None else one.statistics.sum(axis=0)
                totals[one.name] = _Total(one.signature, one.value, sums, one.corpus)
        if each is not None:
            each(pairs, scores)
        n += sum(pair.scored for pair in pairs)
        failed += sum(pair.scored and pair.failed for pair in pairs)
        unscored += sum(not pair.scored for pair in pairs)
    return Scored(
        {name: total.value for name, total in totals.items()},
        {name: total.signature for name, total in totals.items()},
        n,
        failed,
        unscored,
    )


def _chosen(names: Sequence[str], backing: Backing | None) -> dict[Metric, set[str]]:
    """The functions to call, each made and called once, and the names that it was asked for by."""
    table = METRICS | BACKED
    asked: dict[str, set[str]] = {}
    for name in names:
        asked.setdefault(table.get(name, name), set()).add(name)
    return {metric(min(wanted), backing): wanted for wanted in asked.values()}


def _wanted(scores: Sequence[Score], names: set[str]) -> list[Score]:
    """The scores that were asked for: a name is of one and those that begin with it, or of their metric."""
    wanted: set[str] = set()
    for name in names:
        family = {one.name for one in scores if one.name == name or one.name.startswith(f"{name}_")}
        wanted |= family or {one.name for one in scores}
    return [one for one in scores if one.name in wanted]
