"""What a chat completion says, whether it has the form that was asked for, and how to say what is wrong with it."""

import json
import re
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from radtrace.llm.usage import Usage

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_FENCE = re.compile(r"```(?:json)?\s*\n?(.*?)```", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_LONGEST_QUOTE = 4000
"""Characters of a wrong answer that are shown to the model again."""


class WrongAnswerError(Exception):
    """An answer is not of the form that was asked for; the message tells the model why."""


def content_of(completion: dict[str, Any]) -> str:
    """The words of a completion.

    Raises:  WrongAnswerError where there are none, where they are cut off, or where several choices differ.
    """
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices:
        raise WrongAnswerError("there was no answer")
    words = {_words(choice) for choice in choices}
    if len(words) > 1:
        raise WrongAnswerError("there were several different answers")
    return words.pop()


def _words(choice: Any) -> str:
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str) or not content.strip():
        raise WrongAnswerError("the answer was empty")
    if choice.get("finish_reason") == "length":
        raise WrongAnswerError("the answer was too long and was cut off")
    return content


def usage_of(completion: dict[str, Any]) -> Usage | None:
    """Tokens as the endpoint counts them; None where it does not say."""
    told = completion.get("usage")
    if not isinstance(told, dict):
        return None
    prompt, answered = told.get("prompt_tokens"), told.get("completion_tokens")
    if type(prompt) is not int or type(answered) is not int or prompt < 0 or answered < 0:
        return None
    return Usage(prompt, answered)


def read(content: str, form: type[AnswerT]) -> AnswerT:
    """An answer of the form asked for: JSON, alone or in one code fence, after any `<think>` part.

    Raises:  WrongAnswerError, which names fields but repeats none of the words.
    """
    text = _THOUGHT.sub("", content).strip()
    fenced = {found.strip() for found in _FENCE.findall(text)}
    if len(fenced) == 1:
        text = fenced.pop()
    try:
        return form.model_validate(_one_object(text))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        told = [f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['msg']}" for problem in problems[:8]]
        raise WrongAnswerError("; ".join(told)) from None


def _one_object(text: str) -> Any:
    """The JSON object that the text holds; the same one twice is one."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
    begin = text.find("{")
    if begin < 0:
        raise WrongAnswerError("it holds no JSON object")
    found, at = [], begin
    try:
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            found.append(value)
            at = text.find("{", end)
            if at < 0:
                break
    except (ValueError, RecursionError):
        raise WrongAnswerError("it is not one whole JSON object") from None
    if any(value != found[0] for value in found[1:]):
        raise WrongAnswerError("it holds several different JSON objects")
    return found[0]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without doubled keys: which of the two values is meant cannot be known."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise WrongAnswerError("a key stands in it twice")
    return dict(pairs)


def _no_constant(_: str) -> NoReturn:
    raise WrongAnswerError("NaN and Infinity are no JSON")


def repair(content: str, why: str) -> list[dict[str, Any]]:
    """The turns that show a model its answer and what is wrong with it."""
    return [
        {"role": "assistant", "content": content[:_LONGEST_QUOTE]},
        {"role": "user", "content": f"That answer cannot be used: {why}. Answer again with only the JSON object."},
    ]


def response_format(form: type[BaseModel], way: str) -> dict[str, Any]:
    """What is added to a request so that an endpoint keeps to the form; nothing where `way` is "none"."""
    if way == "none":
        return {}
    if way == "json_object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": form.__name__, "strict": True, "schema": form.model_json_schema()}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
