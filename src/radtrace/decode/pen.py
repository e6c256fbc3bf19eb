"""Writing one trace: tokens that are forced, chosen, or drafted from a real crop and verified."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from radtrace.decode.passes import Answer, Ask, Kept
from radtrace.decode.sampling import Chooser

Passes: TypeAlias = Generator[Ask | Kept, Answer | None, None]


@dataclass(slots=True)
class Drafting:
    """How far ahead drafts are offered, and whether at all, by how many of them stood lately.

    window: drafted tokens of a pass while drafts stand; halved, down to `narrowest`, while few do. off_below: share of
    drafted tokens that stood, under which nothing is drafted but one window in `retry`. rate: weight of the newest
    window in the running share.
    """

    window: int = 16
    narrowest: int = 4
    off_below: float = 0.25
    retry: int = 16
    rate: float = 0.25
    acceptance: float = 1.0
    _skipped: int = field(default=0, init=False)

    def width(self) -> int:
        """How many tokens to draft now."""
        if self.acceptance < self.off_below:
            self._skipped += 1
            if self._skipped % self.retry:
                return 0
            return self.narrowest
        return max(self.narrowest, round(self.window * min(1.0, 2 * self.acceptance - 0.5)))

    def told(self, offered: int, stood: int) -> None:
        """What became of a draft: of the tokens that were compared, which ones stood."""
        compared = min(offered, stood + 1)
        self.acceptance += self.rate * (stood / compared - self.acceptance)


@dataclass(slots=True)
class Tally:
    """drafted: tokens offered and compared; stood: of them; written: image tokens in all."""

    drafted: int = 0
    stood: int = 0
    written: int = 0


@dataclass(slots=True)
class Pen:
    """What one trace has written; every method is a generator that asks for the forward passes that it needs.

    tokens: all that stands after the prompt. row: logits of the next token, where nothing waits to be read.
    """

    chooser: Chooser
    row: Tensor | None = None
    drafting: Drafting = field(default_factory=Drafting)
    tokens: list[int] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    _waiting: list[int] = field(default_factory=list)

    def force(self, tokens: Sequence[int]) -> None:
        """Write tokens that are not the model's to choose; they cost no pass of their own."""
        self.tokens += tokens
        self._waiting += tokens
        if tokens:
            self.row = None

    def logits(self) -> Generator[Ask | Kept, Answer | None, Tensor]:
        """The logits (V,) of the next token."""
        if self.row is None:
            answer = yield Ask(self._waiting)
            assert answer is not None  # noqa: S101  # an Ask is always answered
            self._waiting, self.row = [], answer.logits[-1]
        return self.row

    def choose(self, allowed: Tensor) -> Generator[Ask | Kept, Answer | None, int]:
        """The next token, one of `allowed`."""
        row = yield from self.logits()
        token = self.chooser.choose(row, allowed)
        self.force([token])
        return token

    def picture(
        self, count: int, allowed: Tensor, draft: Sequence[int] = ()
    ) -> Generator[Ask | Kept, Answer | None, list[int]]:
        """`count` image tokens, drafted where a draft is given.

        Each token is drawn from the model's own distribution, and stands whether or not it is the drafted one; a draft
        only decides how many of them one pass can settle. With the same seed the tokens are those of plain writing.

        Source:  Leviathan et al. 2023 with a point mass as the draft; after a rejection the rest is drafted anew.
        """
        written: list[int] = []
        while len(written) < count:
            ahead = list(draft[len(written) : len(written) + self.drafting.width()]) if draft else []
            if not ahead:
                written.append((yield from self.choose(allowed)))
                continue
            written += yield from self._verify(ahead, allowed, count - len(written))
        self.tally.written += count
        return written

    def _verify(self, ahead: list[int], allowed: Tensor, room: int) -> Generator[Ask | Kept, Answer | None, list[int]]:
        """One pass over a draft: the tokens that stand, and the one after them if there is room."""
        if self.row is not None:  # nothing waits: the first of them needs no pass
            first = self.chooser.choose(self.row, allowed)
            self.force([first])
            if first != ahead[0] or len(ahead) == 1:
                return [first]
            return [first, *(yield from self._verify(ahead[1:], allowed, room - 1))]
        answer = yield Ask(self._waiting, ahead)
        assert answer is not None  # noqa: S101  # an Ask is always answered
        chosen: list[int] = []
        for expected, row in zip(ahead, answer.logits, strict=False):
            chosen.append(self.chooser.choose(row, allowed))
            if chosen[-1] != expected:
                break
        stood = sum(a == b for a, b in zip(chosen, ahead, strict=False))
        self.drafting.told(len(ahead), stood)
        self.tally.drafted += len(chosen)
        self.tally.stood += stood
        yield Kept(stood)
        self.tokens += chosen
        self._waiting = chosen[stood:]
        self.row = None if self._waiting else answer.logits[stood]
        return chosen
