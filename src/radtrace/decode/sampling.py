"""How the next token is chosen: greedy, or drawn from the tempered distribution over the tokens that may stand here."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Sampling:
    """temperature: 0 is greedy. top_k: None: all tokens. seed: of the first trace; each trace draws by itself.

    A trace's draws depend on the seed and its own number only, so that a batch of any size gives the same traces.
    """

    temperature: float = 0.0
    top_k: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0 or (self.top_k is not None and self.top_k < 1):
            raise ValueError("temperature is at least 0 and top_k at least 1")


@dataclass(slots=True)
class Chooser:
    """Chooses for one trace."""

    sampling: Sampling
    number: int
    _generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._generator = torch.Generator().manual_seed(self.sampling.seed * 1_000_003 + self.number)

    def choose(self, logits: Tensor, allowed: Tensor) -> int:
        """A token id of `allowed` (K,) by the logits (V,) of all tokens; nothing is drawn where there is only one."""
        if len(allowed) == 1:
            return int(allowed[0])
        among = logits[allowed].float().cpu()
        if self.sampling.temperature == 0:
            return int(allowed[int(among.argmax())])
        probabilities = self.probabilities(among)
        return int(allowed[int(torch.multinomial(probabilities, 1, generator=self._generator))])

    def probabilities(self, logits: Tensor) -> Tensor:
        """What is drawn from, of logits (K,), for a temperature above 0."""
        scaled = logits / self.sampling.temperature
        top = self.sampling.top_k
        if top is not None and top < len(scaled):
            scaled = scaled.masked_fill(scaled < scaled.topk(top).values[-1], -torch.inf)
        return scaled.softmax(0)
