"""What a run works with: its model before the first step, its words, and the samples of both splits."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from tokenizers import Tokenizer

from radtrace.build.reading import Found, find_traces
from radtrace.decode.words import known_words
from radtrace.errors import InputError
from radtrace.models.load import load_unified
from radtrace.models.processor import Processor, load_processor
from radtrace.models.tokenizer import ImageTokenizer, load_tokenizer
from radtrace.models.unified import UnifiedModel
from radtrace.models.words import learn_words
from radtrace.reader.prompt import ASKED, Wording
from radtrace.records import Rejected
from radtrace.runs import progress, write_atomically
from radtrace.train.encoder.skill import Skill
from radtrace.train.encoder.stage import SKILL
from radtrace.train.sft.adapter import Adapter
from radtrace.train.sft.data.checks import fitting
from radtrace.train.sft.data.codes import Codes
from radtrace.train.sft.data.samples import Sample, Scribe, learnable, text_of
from radtrace.train.sft.data.store import Samples, digest_of, kept_samples
from radtrace.train.sft.processes import FIRST
from radtrace.train.sft.result import TOKENIZER

if TYPE_CHECKING:
    from radtrace.train.sft.stage import SftRecipe

REJECTED = "rejected.{}.jsonl"
"""Names each trace of a split that is not learnt from, and why."""
_IMAGES = "model.vqmodel."
Part = Literal["train", "val"]


@dataclass(frozen=True, slots=True)
class Material:
    """images, words: of the model. skill: of the encoder, if there is one. train, val: traces.

    films: a checkpoint's own settings of how films become pictures, None where it has none.
    """

    model: UnifiedModel
    images: ImageTokenizer
    words: Tokenizer
    skill: Skill | None
    train: Found
    val: Found
    films: Any = None

    @property
    def asked(self) -> str:
        """What ends a prompt: a model without facts is read with as a checkpoint of the hub is."""
        return "" if self.skill else ASKED

    @property
    def labels(self) -> tuple[str, ...]:
        """The findings that facts are told of."""
        return self.skill.labels if self.skill else ()


def material_of(recipe: "SftRecipe") -> Material:
    """All of it but the samples. Raises InputError where its parts do not fit each other."""
    skill = Skill.load(recipe.encoder / SKILL) if recipe.encoder else None
    train = find_traces(recipe.traces, split=recipe.train_split)
    val = find_traces(recipe.traces, split=recipe.val_split, limit=recipe.val_limit or None, seed=recipe.seed)
    if recipe.adapter:
        model, processor = _checkpoint(recipe.adapter, skill)
        assert isinstance(processor.pictures, ImageTokenizer)  # noqa: S101  # the checkpoint is of Chameleon's kind
        images = replace(processor.pictures, sha256=_digest(model))
        return Material(model, images, processor.words.tokenizer, skill, train, val, processor.films)
    assert recipe.image_tokenizer  # noqa: S101  # the recipe's own check
    images = load_tokenizer(recipe.image_tokenizer)
    texts = _texts(recipe, train)
    words = _words(recipe, texts, images.codebook)
    torch.manual_seed(recipe.seed)
    model = recipe.network.made(words, images, len(skill.labels) if skill else 0)
    model.config.update({"told": recipe.facts} if skill else {"frontal_only": True})
    model.config.update({"lexicon": known_words(texts)})
    if recipe.start:
        _go_on(model, recipe.start)
    return Material(model, images, words, skill, train, val)


def samples_of(recipe: "SftRecipe", material: Material, part: Part) -> Samples:
    """The samples of a split that fit the model's positions. Raises InputError as `fitting`."""
    found: Found = getattr(material, part)
    config = material.model.config
    glances = config.glances if material.skill else 0
    try:
        wording = Wording(material.words, material.model.images, glances, material.images.grid, material.asked)
    except ValueError as error:
        raise InputError(f"the model cannot be taught traces: {error}") from error
    shown = recipe.writing.pictures or not material.skill
    scribe = Scribe(recipe.writing, wording, material.labels, Codes(material.images) if shown else None)
    key = {
        "traces": digest_of(path for path, _ in found.places),
        "rows": [rows for _, rows in found.places],
        "writing": recipe.writing.model_dump(mode="json"),
        "words": hashlib.sha256(material.words.to_str().encode()).hexdigest(),
        "images": material.images.sha256,
        "labels": material.labels,
        "glances": glances,
    } | ({"asked": material.asked} if material.asked else {})
    samples = kept_samples(key, _made(scribe, found, part))
    begin = material.model.images.begin
    fit, rejected = fitting(samples, config.max_position_embeddings, begin, part, recipe.too_long)
    if FIRST:
        rows = "".join(each.model_dump_json() + "\n" for each in rejected)
        write_atomically(recipe.output / REJECTED.format(part), rows)
    return fit


def _made(scribe: Scribe, found: Found, part: str) -> Iterator[Sample | Rejected]:
    with progress(f"{part} samples", found.count) as advance:
        for row in found.rows():
            yield from scribe(row)
            advance()


def _texts(recipe: "SftRecipe", train: Found) -> list[str]:
    """What a run learns to write, pictures aside."""
    traces = (learnable(row.trace, recipe.writing.blanks) for row in train.rows())
    return [text_of(trace, recipe.writing) for trace in traces if trace]


def _words(recipe: "SftRecipe", texts: Sequence[str], codes: int) -> Tokenizer:
    """The text tokenizer of this run, learnt from the traces that it learns from."""
    path = recipe.output / TOKENIZER
    if recipe.start:
        path = recipe.start / TOKENIZER
    elif not path.exists():
        write_atomically(path, learn_words(texts, recipe.network.words, codes).to_str())
    words = Tokenizer.from_file(str(path))
    words.encode_special_tokens = True  # is not kept in the file
    return words


def _go_on(model: UnifiedModel, start: Path) -> None:
    """Give a new model the weights of another, but for the image tokenizer's."""
    known = load_unified(str(start)).state_dict()
    own = {name: tensor for name, tensor in known.items() if not name.startswith(_IMAGES)}
    try:
        missing = model.load_state_dict(own, strict=False).missing_keys
    except RuntimeError as error:
        raise InputError(f"{start}: of another shape than the recipe's network") from error
    if any(not name.startswith(_IMAGES) for name in missing):
        raise InputError(f"{start}: lacks {next(name for name in missing if not name.startswith(_IMAGES))}")


def _checkpoint(adapter: Adapter, skill: Skill | None) -> tuple[UnifiedModel, Processor]:
    model = adapter.base()
    asked, told = getattr(model.config, "facts", 0), len(skill.labels) if skill else 0
    if asked != told:
        raise InputError(f"{adapter.path}: takes {asked} facts; the recipe's encoder tells {told}")
    return model, load_processor(adapter.path, model)


def _digest(model: UnifiedModel) -> str:
    """sha256 of the image tokenizer's tensors."""
    whole = hashlib.sha256()
    for name, tensor in sorted(model.model.vqmodel.state_dict().items()):
        whole.update(name.encode() + tensor.float().contiguous().numpy().tobytes())
    return whole.hexdigest()
