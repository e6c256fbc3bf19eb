"""The chat client: a question and the form of its answer go in, a checked answer comes out."""

from types import TracebackType
from typing import Any, Self

from radtrace.llm.answers import AnswerT, WrongAnswerError, content_of, read, repair, response_format, usage_of
from radtrace.llm.cache import Cache, digest
from radtrace.llm.endpoint import AskSettings, ClientSettings, Endpoint
from radtrace.llm.faults import AnswerError
from radtrace.llm.permission import Material
from radtrace.llm.transport import Transport
from radtrace.llm.usage import Ledger, upper_bound

Message = dict[str, Any]
"""role and content, as the chat completions interface has it."""


class Chat:
    """A chat model behind an OpenAI-compatible endpoint; threads share one.

    material: what will be sent. A credentialed source without permission is refused at once; `Material.check` looks at
        ids too.
    What is asked again comes from the cache and costs nothing, wrong answers that were repaired included.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        cache: Cache,
        material: Material,
        ask: AskSettings | None = None,
        client: ClientSettings | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        material.check(())
        self._settings = ask or AskSettings()
        client = client or ClientSettings()
        self.ledger = ledger or Ledger(client)
        self._endpoint = endpoint
        self._cache = cache
        self._transport = Transport(endpoint, client, self.ledger)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transport.__exit__(kind, error, at)

    def stop(self) -> None:
        """Let the calls in flight end, and no other begin: whoever waits gets EndpointDownError."""
        self._transport.stop()

    def ask(self, messages: list[Message], form: type[AnswerT]) -> AnswerT:
        """An answer of the form asked for.

        The model is told at most `repairs` times what is wrong with its answer.

        Raises:  AnswerError where no answer had the form (those answers are forgotten, so that a later run asks anew),
                 EndpointDownError, EndpointRefusalError, BudgetError.
        """
        talk = list(messages)
        asked: list[str] = []
        why = ""
        for _ in range(1 + self._settings.repairs):
            request = self._request(talk, form)
            asked.append(digest(self._endpoint.url, request))
            content, why = self._content(asked[-1], request)
            if not why:
                try:
                    return read(content, form)
                except WrongAnswerError as error:
                    why = str(error)
            talk = [*messages, *repair(content or "(nothing)", why)]
        for name in asked:
            self._cache.drop(name)
        raise AnswerError(f"no answer of the form asked for after {self._settings.repairs} repairs; the last: {why}")

    def _content(self, name: str, request: dict[str, Any]) -> tuple[str, str]:
        """The words of an answer, and what is wrong with it as a completion; from the cache where it is known."""
        with self._cache.asking(name):
            known = self._cache.get(name)
            if known:
                self.ledger.count_cached()
                return known["content"], str(known.get("wrong", ""))
            extra = len(str(request.get("response_format", "")))
            most = upper_bound(request["messages"], extra, self._settings.max_tokens)
            completion, held = self._transport.post(request, most)
            try:
                content, wrong = content_of(completion), ""
            except WrongAnswerError as error:
                content, wrong = "", str(error)
            try:
                self._cache.put(name, {"content": content, "wrong": wrong})
            finally:
                self.ledger.settle(held, usage_of(completion) or held)
            return content, wrong

    def _request(self, messages: list[Message], form: type[AnswerT]) -> dict[str, Any]:
        settings = self._settings
        request: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": messages,
            settings.token_limit: settings.max_tokens,
            **response_format(form, settings.response_format),
        }
        if settings.temperature is not None:
            request["temperature"] = settings.temperature
        if settings.seed is not None:
            request["seed"] = settings.seed
        return request
