"""One question over HTTP: attempts, waiting, limits. Nothing but the endpoint that the user named is contacted."""

import json
import random
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from radtrace.errors import MissingExtraError
from radtrace.llm.endpoint import KEY, ClientSettings, Endpoint
from radtrace.llm.faults import EndpointDownError, EndpointRefusalError
from radtrace.llm.usage import Ledger, Usage

if TYPE_CHECKING:
    import httpx2

_LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same question may be asked again, and that nobody is billed for."""
_REFUSALS = {
    401: f"the key is refused; see {KEY}",
    402: "the endpoint wants to be paid first",
    403: "the key may not use this model",
    404: "there is no such address or model",
    405: "the address takes no questions",
}


class UnservableError(EndpointDownError):
    """The endpoint will not answer this very question, whoever asks how often."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt without an answer. wait: seconds that the endpoint asked for. billed: it may have been paid for."""

    why: str
    wait: float = 0.0
    billed: bool = False


class Pace:
    """When the next call may begin; threads share one."""

    def __init__(self, requests_per_minute: float | None) -> None:
        self._gap = 60 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._stopped = threading.Event()

    def turn(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            begin = max(time.monotonic(), self._next)
            self._next = begin + self._gap
        self.sleep(begin - time.monotonic())

    def hold(self, seconds: float) -> None:
        """The endpoint wants to be left alone by everybody."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the client is closed. Raises EndpointDownError then."""
        if self._stopped.wait(max(0.0, seconds)):
            raise EndpointDownError("stopped")

    def stop(self) -> None:
        """Wake up whoever waits, for good."""
        self._stopped.set()


class Transport:
    """Questions to one endpoint; threads share one.

    Redirects are not followed, and neither proxies nor passwords of the environment are used.
    """

    def __init__(self, endpoint: Endpoint, settings: ClientSettings, ledger: Ledger) -> None:
        try:
            import httpx2
        except ModuleNotFoundError as error:
            raise MissingExtraError("llm", "asking an endpoint") from error
        self._endpoint = endpoint
        self._settings = settings
        self._ledger = ledger
        self._pace = Pace(settings.requests_per_minute)
        self._places = threading.Semaphore(settings.concurrency)
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if endpoint.key:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        self._client = httpx2.Client(
            headers=headers,
            timeout=settings.timeout,
            follow_redirects=False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=settings.concurrency),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pace.stop()
        self._client.close()

    def stop(self) -> None:
        """Let the calls in flight end, and no other begin."""
        self._pace.stop()

    def post(self, request: Mapping[str, Any], most: Usage) -> tuple[dict[str, Any], Usage]:
        """The endpoint's answer to a request, and what was set aside for it, which the caller must settle.

        Args:    most: what one call can use.
        Raises:  EndpointDownError where no attempt brought one, EndpointRefusalError where none will, BudgetError.
        """
        body = json.dumps(request).encode()
        failed = _Failed("no attempt")
        for attempt in range(self._settings.attempts):
            if attempt:
                self._wait(attempt, failed)
            with self._places:
                self._pace.turn()
                held = self._ledger.reserve(most)
                answer = self._attempt(body, held)
            if not isinstance(answer, _Failed):
                return answer, held
            failed = answer
        raise EndpointDownError(f"no answer after {self._settings.attempts} attempts; the last: {failed.why}")

    def _wait(self, attempt: int, failed: _Failed) -> None:
        """Full jitter (Brooker, AWS Architecture Blog, 2015); all calls keep away for as long as the endpoint asked."""
        if failed.wait > self._settings.longest_wait:
            raise EndpointDownError(f"{failed.why}: it asks to wait {failed.wait:.0f} s, more than client.longest_wait")
        longest = min(self._settings.longest_wait, self._settings.backoff * 2 ** (attempt - 1))
        self._pace.hold(failed.wait)
        self._pace.sleep(random.uniform(0, longest))  # noqa: S311

    def _attempt(self, body: bytes, held: Usage) -> dict[str, Any] | _Failed:
        """One call; what was set aside stays so only where there is an answer."""
        settled = False
        try:
            answer = self._call(body)
            if isinstance(answer, _Failed):
                if answer.billed:
                    self._ledger.settle(held, None)
                    settled = True
            else:
                settled = True
            return answer
        finally:
            if not settled:
                self._ledger.release(held)

    def _call(self, body: bytes) -> dict[str, Any] | _Failed:
        import httpx2

        deadline = time.monotonic() + self._settings.timeout
        try:
            with self._client.stream("POST", self._endpoint.url, content=body) as response:
                failed = self._status(response)
                if failed:
                    return failed
                content = bytearray()
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > self._settings.largest_answer:
                        return _Failed("the answer is larger than client.largest_answer", billed=True)
                    if time.monotonic() > deadline:
                        return _Failed("the answer came too slowly", billed=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            return _Failed(f"no connection ({type(error).__name__})")
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return _Failed(f"the call broke off ({type(error).__name__})", billed=True)
        return _completion(bytes(content))

    def _status(self, response: "httpx2.Response") -> _Failed | None:
        """None where an answer follows. Raises EndpointRefusalError; UnservableError where only this one is refused."""
        status = response.status_code
        if status == 200:
            return None
        if status in _LATER or status >= 500:
            return _Failed(f"status {status}", wait=_retry_after(response.headers.get("Retry-After", "")))
        if 300 <= status < 400:
            raise EndpointRefusalError(
                "the endpoint redirects elsewhere, and texts are sent only to the address you named"
            )
        if status in _REFUSALS:
            raise EndpointRefusalError(f"the endpoint answers {status}: {_REFUSALS[status]}")
        hint = "; if to all, try another response_format, token_limit or temperature" if status in (400, 422) else ""
        raise UnservableError(f"the endpoint answers {status} to this question{hint}")


def _retry_after(value: str) -> float:
    """Seconds, of a number or a date (RFC 9110, 10.2.3); 0 where it is neither."""
    with suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if seconds < float("inf") else 0.0
    with suppress(ValueError):
        date = parsedate_to_datetime(value)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


def _completion(content: bytes) -> dict[str, Any] | _Failed:
    """The JSON object of a finished call. What cannot be read was paid for all the same."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return _Failed("the answer is cut off or is no JSON", billed=True)
    return answer if isinstance(answer, dict) else _Failed("the answer is no JSON object", billed=True)
