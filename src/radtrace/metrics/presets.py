"""Protocols of the field: how a text is cleaned and cut into words before it is scored."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from radtrace.errors import InputError, RecipeError, did_you_mean
from radtrace.metrics.language.cleaners import as_it_stands, clean_r2gen, clean_r2gen_mimic, frequent_words, known_words

Clean = Callable[[str], str]
Uncertain = Literal["present", "absent", "ignored"]

PUBLISHED_WORDS = (60, 59)
"""Most words of a prediction and of a reference in R2Gen's Open-I runs (`max_seq_length` 60, one place being the
start)."""
PUBLISHED_THRESHOLD = 3
"""Occurrences in the training reports below which R2Gen's Open-I runs write `<unk>`."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One protocol.

    prediction, reference: text -> the words, with blanks between them, that BLEU, ROUGE-L, METEOR and CIDEr-D read;
        clinical metrics and those that bring a tokeniser of their own read the text itself.
    tokens, case: that cleaning as signatures name it.
    rouge: which ROUGE-L is `rouge_l`; uncertain: what an uncertain label counts as; macro: whether a class that occurs
        in neither predictions nor references counts as an F1 of 0 or is left out.
    metrics: what is scored where `--metrics` does not say.
    """

    name: str
    prediction: Clean
    reference: Clean
    tokens: str
    case: Literal["lower", "kept"]
    rouge: Literal["coco", "rouge-score"] = "coco"
    uncertain: Uncertain = "present"
    macro: Literal["occurring", "all"] = "occurring"
    metrics: tuple[str, ...] = ("chexpert_rules", "prior_hallucination", "bleu", "rouge_l")


PRESETS: dict[str, Preset] = {
    "r2gen": Preset("r2gen", clean_r2gen, clean_r2gen, "r2gen", "lower"),
    "r2gen_mimic": Preset("r2gen_mimic", clean_r2gen_mimic, clean_r2gen_mimic, "r2gen_mimic", "lower"),
    "published": Preset("published", clean_r2gen, clean_r2gen, "r2gen+unk3+cut60", "lower"),
    "radeval": Preset(
        "radeval",
        as_it_stands,
        as_it_stands,
        "raw",
        "kept",
        rouge="rouge-score",
        macro="all",
        metrics=("chexpert_rules", "prior_hallucination", "bleu", "rouge_1", "rouge_2", "rouge_l"),
    ),
    "strict": Preset("strict", as_it_stands, as_it_stands, "raw", "kept"),
}
"""r2gen: R2Gen's Open-I cleaner, references neither cut nor mapped to `<unk>`; r2gen_mimic: the same with its MIMIC
cleaner; published: what R2Gen's own runs scored, see `preset`; radeval: RadEval's BLEU (coco on the raw text) and its
stemmed ROUGE, uncertain as present; strict: the text as it stands, its words being what blanks part."""


def preset(name: str, train: Iterable[str] | None = None) -> Preset:
    """The protocol of this name.

    Args:    train: the training reports, needed by "published" only: their rare words become `<unk>`.
    Raises:  RecipeError with a hint where there is none, InputError where "published" lacks the training reports.
    """
    if name not in PRESETS:
        raise RecipeError(f"unknown preset {name!r}: {did_you_mean(name, PRESETS)}")
    found = PRESETS[name]
    if name != "published":
        return found
    if train is None:
        raise InputError("preset 'published' needs --train: the training reports whose rare words become <unk>")
    vocabulary = frequent_words(map(clean_r2gen, train), PUBLISHED_THRESHOLD)
    digest = hashlib.sha256("\n".join(sorted(vocabulary)).encode(errors="replace")).hexdigest()[:12]
    cuts = [known_words(clean_r2gen, vocabulary, most) for most in PUBLISHED_WORDS]
    return replace(found, prediction=cuts[0], reference=cuts[1], tokens=f"{found.tokens}+words-{digest}")
