"""Where a chat model answers, and how it is to be asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from radtrace.config import Settings
from radtrace.errors import InputError

URL, MODEL, KEY = "RADTRACE_LLM_URL", "RADTRACE_LLM_MODEL", "RADTRACE_LLM_KEY"
"""Environment variables that name an endpoint; the key may be missing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. url: of its chat completions. key: never shown."""

    url: str
    model: str
    key: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Endpoint":
        """The endpoint that the user named. Raises InputError where it is not named, or named wrongly."""
        missing = [name for name in (URL, MODEL) if not environment.get(name)]
        if missing:
            raise InputError(f"set {' and '.join(missing)} to an OpenAI-compatible endpoint (and {KEY} to its key)")
        key = environment.get(KEY, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise InputError(f"{KEY} has characters that no header can carry")
        return cls(_completions(environment[URL].strip()), environment[MODEL].strip(), key)


def _completions(url: str) -> str:
    """The address of the chat completions below a base address, or that address itself."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"{URL} is no http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(f"{URL} holds a user, a password, a query or a fragment; the key goes into {KEY}")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path += "/chat/completions"
    return f"{parts.scheme}://{parts.netloc}{path}"


class ClientSettings(Settings):
    """How an endpoint is asked; none of it changes what is asked.

    concurrency: calls at once. requests_per_minute: None: no limit.
    timeout: seconds that an answer may take, and that it may be silent.
    attempts: calls for one answer, where calls fail. backoff: seconds before the second attempt, doubled each time, of
        which a random part is waited (full jitter). longest_wait: seconds, of the backoff, and of a Retry-After that
        is obeyed; an endpoint that asks for more has failed.
    largest_answer: bytes.
    prices: US dollars a million tokens, prompt and completion; without them no cost is told.
    budget: US dollars that the whole run may cost. token_budget: tokens, prompt and completion together. Both hold for
        what the calls in flight could cost at most.
    """

    concurrency: PositiveInt = 4
    requests_per_minute: PositiveFloat | None = None
    timeout: PositiveFloat = 120.0
    attempts: PositiveInt = 6
    backoff: NonNegativeFloat = 1.0
    longest_wait: NonNegativeFloat = 120.0
    largest_answer: PositiveInt = 4 << 20
    prices: tuple[NonNegativeFloat, NonNegativeFloat] | None = None
    budget: PositiveFloat | None = None
    token_budget: PositiveInt | None = None


class AskSettings(Settings):
    """What is asked for.

    temperature: None where the model takes none. seed: None where the endpoint takes none.
    max_tokens: of one answer. token_limit: the name under which the endpoint takes it.
    response_format: how the endpoint is told the form of an answer; every answer is checked in any case.
    repairs: how often a model is told what is wrong with its answer, before that counts as a failure.
    """

    temperature: NonNegativeFloat | None = 0.0
    seed: int | None = None
    max_tokens: PositiveInt = 1024
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    repairs: NonNegativeInt = Field(default=2, le=10)
