"""What our small models take beside tokens: numbers about a study, and the film's own codes where they draw."""

from functools import cached_property
from typing import Any

from torch import Tensor, nn

from radtrace.models.vocabulary import ImageVocabulary


class Sight(nn.Module):
    """Numbers about a study -> embeddings in front of its trace: (B, facts) -> (B, glances, hidden)."""

    def __init__(self, facts: int, glances: int, hidden: int) -> None:
        super().__init__()
        self.glances = glances
        self.spread = nn.Linear(facts, glances * hidden)

    def forward(self, facts: Tensor) -> Tensor:
        """One embedding a glance."""
        out: Tensor = self.spread(facts).unflatten(1, (self.glances, -1))
        return out


class Beside:
    """The parts of a model for that.

    Three settings of its configuration are our own; a checkpoint without them is Chameleon:
    facts, glances: so many numbers about a study become so many embeddings (`Sight`), which stand where the prompt has
        the token `film_token_id`.
    cells: a film is so many cells a side; with it, a token may be told the film's own code where the next one draws.
    """

    config: Any
    model: Any
    sight: Sight | None
    cells: nn.Embedding | None
    copies: nn.Linear | None

    def look_beside(self) -> None:
        """Make the parts that the configuration asks for."""
        config = self.config
        facts, cells = getattr(config, "facts", 0), getattr(config, "cells", 0)
        self.sight = Sight(facts, config.glances, config.hidden_size) if facts else None
        self.cells = nn.Embedding(config.vq_config.num_embeddings, config.hidden_size) if cells else None
        self.copies = nn.Linear(config.hidden_size, 1) if cells else None

    @cached_property
    def images(self) -> ImageVocabulary:
        """The tokens of pictures."""
        return ImageVocabulary(self.config.vocabulary_map, self.config.vq_config.num_embeddings, self.config.vocab_size)

    def copying(self, logits: Tensor, hidden: Tensor, cells: Tensor) -> Tensor:
        """Logits with that of the film's own code raised by what the model makes of copying it here.

        Source:  See et al., "Get To The Point: Summarization with Pointer-Generator Networks", 2017, on logits.
        """
        assert self.copies is not None  # noqa: S101  # refused before, where a model knows no cells
        raised = self.copies(hidden)[..., 0] * (cells >= 0)
        tokens = self.images.ids_of(cells.clamp(min=0))
        out: Tensor = logits.scatter_add(-1, tokens[..., None], raised[..., None].to(logits.dtype))
        return out

    def embedded(self, input_ids: Tensor | None, facts: Tensor | None, cells: Tensor | None) -> Tensor:
        """(B, T, hidden). Raises ValueError where the model has no such input, or the prompt no room for it."""
        if input_ids is None:
            raise ValueError("facts and cells stand beside input_ids")
        embedded: Tensor = self.model.embed_tokens(input_ids)
        if facts is not None:
            if self.sight is None:
                raise ValueError("this model takes no facts")
            film = input_ids == self.config.film_token_id
            if not bool((film.sum(1) == self.sight.glances).all()):
                raise ValueError(f"a prompt with facts has {self.sight.glances} film tokens")
            embedded = embedded.masked_scatter(film[..., None], self.sight(facts).to(embedded.dtype))
        if cells is not None:
            if self.cells is None:
                raise ValueError("this model knows no cells of a film")
            embedded = embedded + self.cells(cells.clamp(min=0)) * (cells >= 0)[..., None]
        return embedded
