"""Tokens and cost of calls, and the budget that they may not pass."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from radtrace.errors import InputError
from radtrace.llm.endpoint import ClientSettings
from radtrace.llm.faults import BudgetError

IMAGE_TOKENS = 4096
"""Set aside for an image in a prompt, more than the usual endpoints count."""
_MESSAGE_TOKENS = 16
"""Set aside for what a chat template adds to a message."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call. estimated: an upper bound of ours, since the endpoint did not say."""

    prompt: int = 0
    completion: int = 0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt + self.completion


def upper_bound(messages: list[dict[str, Any]], extra: int, max_tokens: int) -> Usage:
    """What a call can use at most: a token is at least one byte of text.

    Args:    extra: bytes of what goes along with the messages, such as the schema.
    """
    prompt = extra
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        prompt += _MESSAGE_TOKENS
        prompt += sum(
            len(part["text"].encode("utf-8", "surrogatepass")) if part["type"] == "text" else IMAGE_TOKENS
            for part in parts
        )
    return Usage(prompt, max_tokens, estimated=True)


class Ledger:
    """What calls have used so far, with what the calls in flight may use; threads share one.

    log: is given a row for each call that may have been paid for.
    """

    def __init__(self, settings: ClientSettings, log: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        if settings.budget is not None and settings.prices is None:
            raise InputError("client.budget: needs client.prices, US dollars a million prompt and completion tokens")
        self._settings = settings
        self._log = log
        self._changed = threading.Condition()
        self._held: list[Usage] = []
        self._tokens, self._cost = 0, 0.0
        self.calls = self.lost = self.estimated = self.cached = 0

    def reserve(self, most: Usage) -> Usage:
        """Set aside what a call can use at most; waits while calls in flight hold what is needed.

        Raises:  BudgetError where the budget does not cover it.
        """
        with self._changed:
            while over := self._over([*self._held, most]):
                if not self._held:
                    raise BudgetError(
                        f"budget: {over} do not cover another call ({self._tokens} tokens used); raise it and give the "
                        "same command to go on"
                    )
                self._changed.wait()
            self._held.append(most)
        return most

    def _over(self, held: list[Usage]) -> str:
        """The limit that these calls could pass, or nothing."""
        tokens, dollars = self._settings.token_budget, self._settings.budget
        if tokens is not None and self._tokens + sum(usage.tokens for usage in held) > tokens:
            return f"{tokens} tokens"
        if dollars is not None and self._cost + sum(self.cost_of(usage) for usage in held) > dollars:
            return f"{dollars:g} US dollars"
        return ""

    def release(self, held: Usage) -> None:
        """The call was not served, so nothing was paid."""
        with self._changed:
            self._held.remove(held)
            self._changed.notify_all()

    def settle(self, held: Usage, used: Usage | None) -> None:
        """The call was served, or (None) may have been: then what it could use at most counts."""
        usage = used or held
        row = {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "estimated": usage.estimated,
            "lost": used is None,
        }
        with self._changed:
            self._held.remove(held)
            self._changed.notify_all()
            self.add(row)
            if self._log:
                self._log(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a call of an earlier part of the run, as `log` was given it."""
        usage = Usage(int(row["prompt_tokens"]), int(row["completion_tokens"]))
        self._tokens += usage.tokens
        self._cost += self.cost_of(usage)
        self.calls += 1
        self.lost += bool(row["lost"])
        self.estimated += bool(row["estimated"])

    def count_cached(self) -> None:
        """An answer came from the cache."""
        with self._changed:
            self.cached += 1

    def cost_of(self, usage: Usage) -> float:
        """US dollars; 0 where no prices are known."""
        prompt, completion = self._settings.prices or (0.0, 0.0)
        return (usage.prompt * prompt + usage.completion * completion) / 1e6

    def row(self) -> dict[str, Any]:
        """JSON-ready: calls paid for, those that brought no answer, tokens, cost in US dollars (None: unknown)."""
        return {
            "calls": self.calls,
            "lost": self.lost,
            "estimated": self.estimated,
            "cached": self.cached,
            "tokens": self._tokens,
            "cost": self._cost if self._settings.prices else None,
        }
