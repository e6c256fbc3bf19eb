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

    window: drafted tokens of the next pass: twice as many, up to `widest`, after all stood, else twice what a pass
    settled, `narrowest` at least. off_below: share of drafted tokens that stood, under which nothing is drafted but one
    narrow window in `retry`. rate: weight of the newest window in the running share. compared, stood: tokens of all
    drafts so far.
    """

    window: int = 256
    narrowest: int = 4
    widest: int = 1024
    off_below: float = 0.25
    retry: int = 16
    rate: float = 0.25
    acceptance: float = 1.0
    compared: int = 0
    stood: int = 0
    _skipped: int = field(default=0, init=False)

    def width(self) -> int:
        """How many tokens to draft now."""
        if self.acceptance < self.off_below:
            self._skipped += 1
            return 0 if self._skipped % self.retry else self.narrowest
        return self.window

    def told(self, offered: int, stood: int) -> None:
        """What became of a draft: of the tokens that were compared, which ones stood."""
        compared = min(offered, stood + 1)
        self.compared += compared
        self.stood += stood
        self.acceptance += self.rate * (stood / compared - self.acceptance)
        settled = 2 * (offered if stood == offered else stood + 1)
        self.window = min(self.widest, max(self.narrowest, settled))


@dataclass(slots=True)
class Pen:
    """What one trace has written; every method is a generator that asks for the forward passes that it needs.

    tokens: all that stands after the prompt. row: logits of the next token, where nothing waits to be read.
    """

    chooser: Chooser
    row: Tensor | None = None
    drafting: Drafting = field(default_factory=Drafting)
    tokens: list[int] = field(default_factory=list)
    _waiting: list[int] = field(default_factory=list)
    _cells: list[int] = field(default_factory=list)

    def force(self, tokens: Sequence[int], following: Sequence[int] = ()) -> None:
        """Write tokens that are not the model's to choose; they cost no pass of their own.

        following: the film's cell that the token after each of them draws, -1 for none.
        """
        self.tokens += tokens
        self._waiting += tokens
        self._cells += following or [-1] * len(tokens)
        if tokens:
            self.row = None

    def logits(self) -> Generator[Ask | Kept, Answer | None, Tensor]:
        """The logits (V,) of the next token."""
        if self.row is None:
            answer = yield self._ask()
            assert answer is not None  # noqa: S101  # an Ask is always answered
            self._waiting, self._cells, self.row = [], [], answer.logits[-1]
        return self.row

    def pick(self, allowed: Tensor) -> Generator[Ask | Kept, Answer | None, int]:
        """The next token, one of `allowed`, not written yet; where that is one only, the model is not asked."""
        if len(allowed) == 1:
            return int(allowed[0])
        row = yield from self.logits()
        return self.chooser.choose(row, allowed)

    def choose(self, allowed: Tensor, following: int = -1) -> Generator[Ask | Kept, Answer | None, int]:
        """The next token, written. following: the cell that the token after it draws."""
        token = yield from self.pick(allowed)
        self.force([token], [following])
        return token

    def observe(self, tokens: Sequence[int], cells: Sequence[int] = ()) -> None:
        """Write a picture that is given. cells: that its tokens draw."""
        self.force(tokens, self._following(len(tokens), cells))

    def picture(
        self, count: int, allowed: Tensor, draft: Sequence[int] = (), cells: Sequence[int] = ()
    ) -> Generator[Ask | Kept, Answer | None, list[int]]:
        """`count` image tokens, drafted where a draft is given. cells: that they draw, where the model knows cells.

        Each token is drawn from the model's own distribution, and stands whether or not it is the drafted one; a draft
        only decides how many of them one pass can settle. With the same seed the tokens are those of plain writing.

        Source:  Leviathan et al. 2023 with a point mass as the draft; after a rejection the rest is drafted anew.
        """
        following = self._following(count, cells)
        written: list[int] = []
        while len(written) < count:
            at = len(written)
            ahead = list(draft[at : at + self.drafting.width()]) if draft else []
            if ahead:
                places = following[at : at + len(ahead)]
                written += yield from self._settle(ahead, allowed, places)
            else:
                written.append((yield from self.choose(allowed, following[at])))
        return written

    def _settle(
        self, ahead: Sequence[int], allowed: Tensor, following: Sequence[int]
    ) -> Generator[Ask | Kept, Answer | None, list[int]]:
        """One pass over a draft: its tokens that stand, and the one that stands in the place of the next.

        following: the cells that the tokens after them draw.
        """
        if self.row is not None:  # nothing waits: the first of them needs no pass
            first = self.chooser.choose(self.row, allowed)
            self.force([first], following[:1])
            if first != ahead[0] or len(ahead) == 1:
                return [first]
            return [first, *(yield from self._settle(ahead[1:], allowed, following[1:]))]
        answer = yield self._ask(ahead, following)
        assert answer is not None  # noqa: S101  # an Ask is always answered
        chosen: list[int] = []
        for expected, row in zip(ahead, answer.logits, strict=False):
            chosen.append(self.chooser.choose(row, allowed))
            if chosen[-1] != expected:
                break
        stood = sum(a == b for a, b in zip(chosen, ahead, strict=False))
        self.drafting.told(len(ahead), stood)
        yield Kept(stood)
        self.tokens += chosen
        self._waiting, self._cells = chosen[stood:], list(following[stood : len(chosen)])
        self.row = None if self._waiting else answer.logits[stood]
        return chosen

    def _ask(self, ahead: Sequence[int] = (), following: Sequence[int] = ()) -> Ask:
        cells = [*self._cells, *following]
        return Ask(self._waiting, ahead, cells if any(cell >= 0 for cell in cells) else ())

    def _following(self, count: int, cells: Sequence[int]) -> list[int]:
        """The cell that the token after each of a picture's tokens draws; the first of all goes with what begins it.

        Raises:  ValueError where nothing waits that could carry it.
        """
        if not cells:
            return [-1] * count
        if not self._cells:
            raise ValueError("a picture's first cell is read with the token before it, which was read already")
        self._cells[-1] = cells[0]
        return [*cells[1:], -1]
