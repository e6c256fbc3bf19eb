"""The model before it has learnt anything of this run: a small one from a recipe, or a checkpoint to adapt."""

from typing import TYPE_CHECKING, Self

from pydantic import Field, PositiveInt, model_validator

from radtrace.config import Settings
from radtrace.errors import InputError
from radtrace.models.words import BEGIN, END, FILM, PAD

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from radtrace.models.tokenizer import ImageTokenizer
    from radtrace.models.unified import UnifiedModel


class Network(Settings):
    """A small unified model, trained as a whole.

    hidden, inner, layers, heads: of the transformer; inner 0 is 8/3 of hidden. positions: the longest trace with its
    prompt. words: text tokens to learn. glances: embeddings that the facts become. dropout: of
        attention; with it, a CPU takes three times as long over a thousand tokens.
    cells: whether the model is told the film's own code where a picture token draws.
    tied: one matrix for the embeddings and the logits.
    """

    hidden: PositiveInt = 256
    inner: int = Field(default=0, ge=0)
    layers: PositiveInt = 6
    heads: PositiveInt = 4
    positions: PositiveInt = 1024
    words: PositiveInt = 1500
    glances: PositiveInt = 8
    dropout: float = Field(default=0.0, ge=0, lt=1)
    cells: bool = True
    tied: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.hidden % (2 * self.heads):
            raise ValueError(f"hidden {self.hidden} is no multiple of twice the {self.heads} heads")
        return self

    def made(self, words: "Tokenizer", images: "ImageTokenizer", facts: int) -> "UnifiedModel":
        """The model with random weights and this image tokenizer.

        Raises:  InputError where the vocabulary lacks its codes.
        """
        from transformers import ChameleonConfig

        from radtrace.models.unified import UnifiedModel

        vocabulary = words.get_vocab()
        vq = images.network.config.to_diff_dict() | {"patch_size": images.patch}
        own = {"facts": facts, "glances": self.glances, "film_token_id": vocabulary.get(FILM)} if facts else {}
        config = ChameleonConfig(
            vocab_size=max(vocabulary.values()) + 1,
            hidden_size=self.hidden,
            intermediate_size=self.inner or self.hidden * 8 // 3 // 32 * 32,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.heads,
            max_position_embeddings=self.positions,
            attention_dropout=self.dropout,
            tie_word_embeddings=self.tied,
            bos_token_id=vocabulary[BEGIN],
            pad_token_id=vocabulary[PAD],
            eos_token_id=vocabulary[END],
            vq_config=vq,
            vocabulary_map=vocabulary,
            **own,
            **({"cells": images.grid} if self.cells else {}),
        )
        model = UnifiedModel(config)
        try:
            model.images  # noqa: B018  # made now, so that a wrong vocabulary is told here
        except ValueError as error:
            raise InputError(f"the vocabulary does not fit the image tokenizer: {error}") from error
        model.model.vqmodel.load_state_dict(images.network.state_dict())
        model.model.vqmodel.requires_grad_(False)
        return model
