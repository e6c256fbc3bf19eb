"""The chat client against an endpoint on loopback that misbehaves on purpose."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from radtrace.errors import InputError, RadtraceError
from radtrace.llm import (
    AnswerError,
    AskSettings,
    BudgetError,
    Cache,
    Chat,
    ClientSettings,
    Endpoint,
    EndpointDownError,
    EndpointRefusalError,
    Ledger,
    Material,
)

KEY = "sk-secret-0451"
WORDS = "A private sentence about nobody."
QUESTION = [{"role": "user", "content": WORDS}]
GOOD = '{"winner": "first", "sure": 0.5}'


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    winner: Literal["first", "second"]
    sure: float


def answer(handler, status, content=b"{}", **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def status(code, **headers):
    return lambda handler, _: answer(handler, code, **headers)


def content(text, **more):
    """A completion that says this."""
    completion = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], **more}
    return lambda handler, _: answer(handler, 200, json.dumps(completion).encode())


def raw(text):
    return lambda handler, _: answer(handler, 200, text)


def closed(handler, _):
    """The connection ends before an answer."""
    handler.close_connection = True
    handler.connection.close()


def half(handler, _):
    """The connection ends within an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.close_connection = True


def silent(handler, _):
    time.sleep(0.6)
    answer(handler, 200, b"{}")


def dripping(handler, _):
    """A good answer, a byte now and then: no single silence is long."""
    choice = {"message": {"content": GOOD}, "finish_reason": "stop"}
    whole = b" " * 20 + json.dumps({"choices": [choice]}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    for at in range(20):
        handler.wfile.write(whole[at : at + 1])
        handler.wfile.flush()
        time.sleep(0.03)
    handler.wfile.write(whole[20:])


def chat(endpoint, tmp_path, ask=None, ledger=None, **client):
    settings = ClientSettings(**{"backoff": 0.01, "timeout": 5.0, "attempts": 4, **client})
    ledger = ledger or Ledger(settings)
    return Chat(
        Endpoint.from_environment(environment(endpoint.url)),
        Cache(tmp_path / "c"),
        Material(source="own words"),
        ask,
        settings,
        ledger,
    )


def environment(url, key=KEY):
    return {"RADTRACE_LLM_URL": url, "RADTRACE_LLM_MODEL": "judge-1", "RADTRACE_LLM_KEY": key}


def test_a_question_is_sent_as_the_interface_has_it_and_asked_once(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer) == Answer(winner="first", sure=0.5)
        assert model.ask(QUESTION, Answer).winner == "first"
        assert model.ledger.row() == {
            "calls": 1, "lost": 0, "estimated": 0, "cached": 1, "tokens": 110, "cost": None,
        }  # fmt: skip
    (sent,) = local_endpoint.requests
    assert (sent["model"], sent["messages"], sent["temperature"], sent["max_tokens"]) == ("judge-1", QUESTION, 0, 1024)
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["winner", "sure"]
    assert local_endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "act",
    [status(429), status(500), status(503), closed, half, raw(b'{"choices": ['), raw(b"[1]"), raw(b"\xff\xfe")],
    ids=["429", "500", "503", "closed", "half", "truncated", "array", "garbage"],
)
def test_what_fails_once_is_asked_again(local_endpoint, tmp_path, act):
    local_endpoint.words = lambda _: GOOD
    local_endpoint.acts.extend([act, act])
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).winner == "first"
    assert len(local_endpoint.requests) == 3


@pytest.mark.parametrize("act", [silent, dripping])
def test_an_answer_that_comes_too_slowly_is_given_up(local_endpoint, tmp_path, act):
    local_endpoint.words = lambda _: GOOD
    local_endpoint.acts.append(act)
    with chat(local_endpoint, tmp_path, timeout=0.2) as model:
        assert model.ask(QUESTION, Answer).winner == "first"
        assert model.ledger.row()["lost"] == 1  # it may have been billed


def test_a_huge_answer_is_not_read_to_its_end(local_endpoint, tmp_path):
    local_endpoint.acts.extend([content("x" * 3_000_000)] * 4)
    with chat(local_endpoint, tmp_path, largest_answer=100_000) as model:
        with pytest.raises(EndpointDownError, match="larger than"):
            model.ask(QUESTION, Answer)
        assert model.ledger.row()["lost"] == 4


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed_by_all_threads(local_endpoint, tmp_path, form):
    local_endpoint.words = lambda _: GOOD
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # a whole second is cut off
    local_endpoint.acts.append(status(429, Retry_After="0.7" if form == "seconds" else later))
    begin = time.monotonic()
    with chat(local_endpoint, tmp_path) as model:
        model.ask(QUESTION, Answer)
    assert time.monotonic() - begin >= 0.65


def test_a_retry_after_beyond_all_patience_is_a_failure(local_endpoint, tmp_path):
    local_endpoint.acts.append(status(429, Retry_After="3600"))
    with chat(local_endpoint, tmp_path) as model, pytest.raises(EndpointDownError, match="asks to wait 3600 s"):
        model.ask(QUESTION, Answer)
    assert len(local_endpoint.requests) == 1


@pytest.mark.parametrize("value", ["nan", "inf", "-5", "soon", ""])
def test_a_retry_after_that_says_nothing_is_passed_over(local_endpoint, tmp_path, value):
    local_endpoint.words = lambda _: GOOD
    local_endpoint.acts.append(status(503, Retry_After=value))
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).winner == "first"


def test_attempts_end(local_endpoint, tmp_path):
    local_endpoint.acts.extend([status(500)] * 9)
    with chat(local_endpoint, tmp_path) as model, pytest.raises(EndpointDownError, match="no answer after 4 attempts"):
        model.ask(QUESTION, Answer)
    assert len(local_endpoint.requests) == 4


def test_an_endpoint_that_is_down_is_told(local_endpoint, tmp_path):
    local_endpoint.close()
    with chat(local_endpoint, tmp_path) as model, pytest.raises(EndpointDownError, match="no connection"):
        model.ask(QUESTION, Answer)


@pytest.mark.parametrize("code", [401, 402, 403, 404, 405])
def test_a_refusal_is_not_asked_again(local_endpoint, tmp_path, code):
    local_endpoint.acts.append(status(code))
    with chat(local_endpoint, tmp_path) as model, pytest.raises(EndpointRefusalError, match=str(code)):
        model.ask(QUESTION, Answer)
    assert len(local_endpoint.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(local_endpoint, tmp_path, code):
    local_endpoint.acts.append(status(code, Location=f"{local_endpoint.url}/elsewhere"))
    with chat(local_endpoint, tmp_path) as model, pytest.raises(EndpointRefusalError, match="redirects"):
        model.ask(QUESTION, Answer)
    assert len(local_endpoint.requests) == 1


def test_no_proxy_of_the_environment_is_used(local_endpoint, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).winner == "first"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I think the first.", "no JSON object"),
        ('{"winner": "third", "sure": 1}', "winner: Input should be"),
        ('{"winner": "first"}', "sure: Field required"),
        ('{"winner": "first", "sure": 1, "note": 2}', "note: Extra inputs"),
        ('{"winner": "first", "sure": NaN}', "NaN and Infinity"),
        ('{"winner": "first", "winner": "second", "sure": 1}', "a key stands in it twice"),
        ('{"winner": "first", "sure": 1} {"winner": "second", "sure": 1}', "several different JSON objects"),
        ('{"winner": "first", "sure"', "not one whole JSON object"),
        ("", "the answer was empty"),
    ],
)
def test_a_wrong_answer_is_repaired_by_telling_what_is_wrong(local_endpoint, tmp_path, text, why):
    local_endpoint.words = lambda _: GOOD
    local_endpoint.acts.append(content(text))
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).winner == "first"
    asked, repaired = (request["messages"] for request in local_endpoint.requests)
    assert repaired[: len(asked)] == asked
    assert why in repaired[-1]["content"]


@pytest.mark.parametrize(
    "text",
    [GOOD, f"```json\n{GOOD}\n```", f"<think>{{maybe}}</think>{GOOD}", f"Here: {GOOD} Done.", f"{GOOD}\n{GOOD}"],
    ids=["plain", "fenced", "thought", "wrapped", "doubled"],
)
def test_answers_in_the_usual_wrappings_are_read(local_endpoint, tmp_path, text):
    local_endpoint.words = lambda _: text
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).sure == 0.5
    assert len(local_endpoint.requests) == 1


@pytest.mark.parametrize(("second", "requests"), [(GOOD, 1), (GOOD.replace("first", "second"), 2)])
def test_doubled_choices_count_only_where_they_agree(local_endpoint, tmp_path, second, requests):
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in (GOOD, second)]
    local_endpoint.acts.append(raw(json.dumps({"choices": choices}).encode()))
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path) as model:
        assert model.ask(QUESTION, Answer).winner == "first"
    assert len(local_endpoint.requests) == requests


def test_repairs_are_counted_and_their_failure_is_forgotten(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: "no"
    with chat(local_endpoint, tmp_path, AskSettings(repairs=1)) as model:
        for _ in range(2):  # a later run asks anew
            with pytest.raises(AnswerError, match="after 1 repairs") as caught:
                model.ask(QUESTION, Answer)
        assert WORDS not in str(caught.value)
    assert len(local_endpoint.requests) == 4


def test_a_repaired_answer_costs_nothing_the_second_time(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: GOOD
    local_endpoint.acts.append(content("no"))
    for _ in range(2):
        with chat(local_endpoint, tmp_path) as model:
            assert model.ask(QUESTION, Answer).winner == "first"
    assert len(local_endpoint.requests) == 2


def test_a_cut_off_answer_is_wrong_even_where_it_parses(local_endpoint, tmp_path):
    choice = {"message": {"content": GOOD}, "finish_reason": "length"}
    local_endpoint.acts.append(raw(json.dumps({"choices": [choice]}).encode()))
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path) as model:
        model.ask(QUESTION, Answer)
    assert "cut off" in local_endpoint.requests[1]["messages"][-1]["content"]


def test_threads_with_one_question_pay_once(local_endpoint, tmp_path):
    def slowly(_):
        time.sleep(0.1)
        return GOOD

    local_endpoint.words = slowly
    with chat(local_endpoint, tmp_path) as model, ThreadPoolExecutor(8) as pool:
        assert {each.winner for each in pool.map(lambda _: model.ask(QUESTION, Answer), range(8))} == {"first"}
    assert len(local_endpoint.requests) == 1


def test_concurrency_and_rate_are_kept(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: time.sleep(0.03) or GOOD
    questions = [[{"role": "user", "content": str(number)}] for number in range(8)]
    begin = time.monotonic()
    with chat(local_endpoint, tmp_path, concurrency=2, requests_per_minute=600) as model, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda question: model.ask(question, Answer), questions))
    assert time.monotonic() - begin >= 0.69  # the last of eight begins 7 x 60 s / 600 after the first
    assert local_endpoint.most_at_once <= 2


def test_cost_by_hand(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path, prices=(2.0, 10.0)) as model:
        model.ask(QUESTION, Answer)
        # 100 prompt tokens at $2 and 10 completion tokens at $10 a million: 200 + 100 millionths
        assert model.ledger.row()["cost"] == pytest.approx(300e-6)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "7", "completion_tokens": 1}, {"prompt_tokens": -1}])
def test_without_usage_the_most_that_it_can_be_counts(local_endpoint, tmp_path, usage):
    local_endpoint.words, local_endpoint.usage = lambda _: GOOD, usage
    with chat(local_endpoint, tmp_path, AskSettings(response_format="none", max_tokens=50)) as model:
        model.ask(QUESTION, Answer)
        row = model.ledger.row()
    assert row["estimated"] == 1
    assert row["tokens"] == len(WORDS) + 16 + 50  # a byte a token, what a template adds, the longest answer


def test_a_budget_is_never_passed_and_going_on_keeps_what_was_bought(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: GOOD
    questions = [[{"role": "user", "content": str(number)}] for number in range(9)]
    ask = AskSettings(response_format="none", max_tokens=10)
    # a call uses 110 tokens and may use 1 + 16 + 10 by our count of bytes: the ninth does not fit into 900
    with chat(local_endpoint, tmp_path, ask, token_budget=900) as model:
        for question in questions[:8]:
            model.ask(question, Answer)
        with pytest.raises(BudgetError, match="900 tokens do not cover another call"):
            model.ask(questions[8], Answer)
    assert len(local_endpoint.requests) == 8
    with chat(local_endpoint, tmp_path, ask, token_budget=2000) as model:
        for question in questions:
            model.ask(question, Answer)
    assert len(local_endpoint.requests) == 9


def test_calls_wait_for_the_budget_that_others_hold(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: time.sleep(0.02) or GOOD
    local_endpoint.usage = {"prompt_tokens": 5, "completion_tokens": 5}
    questions = [[{"role": "user", "content": str(number)}] for number in range(8)]
    ask = AskSettings(response_format="none", max_tokens=100)
    # a call may use 1 + 16 + 100 tokens, so two do not fit at once, but eight use 80
    with chat(local_endpoint, tmp_path, ask, token_budget=200) as model, ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda question: model.ask(question, Answer), questions))) == 8
    assert local_endpoint.most_at_once == 1


def test_an_image_in_a_question_is_sent_and_counted(local_endpoint, tmp_path):
    local_endpoint.words, local_endpoint.usage = lambda _: GOOD, None
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    question = [{"role": "user", "content": [{"type": "text", "text": WORDS}, image]}]
    with chat(local_endpoint, tmp_path, AskSettings(response_format="none", max_tokens=50)) as model:
        model.ask(question, Answer)
        assert model.ledger.row()["tokens"] == len(WORDS) + 4096 + 16 + 50
    assert local_endpoint.requests[0]["messages"] == question


def test_a_client_for_credentialed_texts_is_not_made(local_endpoint, tmp_path):
    endpoint = Endpoint.from_environment(environment(local_endpoint.url))
    with pytest.raises(EndpointRefusalError, match="sent nowhere"):
        Chat(endpoint, Cache(tmp_path), Material(source="MIMIC-CXR"))


def test_a_budget_in_dollars_needs_prices():
    with pytest.raises(InputError, match="needs client"):
        Ledger(ClientSettings(budget=1.0))
    with pytest.raises(InputError, match="needs client"):
        Ledger(ClientSettings(budget=1.0, token_budget=5))


def test_a_damaged_cache_entry_is_asked_again(local_endpoint, tmp_path):
    local_endpoint.words = lambda _: GOOD
    with chat(local_endpoint, tmp_path) as model:
        model.ask(QUESTION, Answer)
    (entry,) = (tmp_path / "c").glob("*/*.json")
    assert entry.stat().st_mode & 0o077 == 0
    entry.write_text('{"content": ')
    with chat(local_endpoint, tmp_path) as model:
        model.ask(QUESTION, Answer)
    assert len(local_endpoint.requests) == 2


def test_stopping_wakes_who_waits(local_endpoint, tmp_path):
    local_endpoint.acts.append(status(429, Retry_After="60"))
    with chat(local_endpoint, tmp_path) as model, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(model.ask, QUESTION, Answer)
        threading.Timer(0.2, model.stop).start()
        with pytest.raises(EndpointDownError, match="stopped"):
            waiting.result(timeout=10)


def test_neither_key_nor_words_are_ever_shown(local_endpoint, tmp_path, capfd):
    endpoint = Endpoint.from_environment(environment(local_endpoint.url))
    assert KEY not in repr(endpoint)
    acts = [status(500), status(401), status(400), status(302, Location="/x"), content("x"), closed, half]
    for act in acts:
        local_endpoint.acts.extend([act] * 9)
        with chat(local_endpoint, tmp_path) as model, pytest.raises(RadtraceError) as caught:
            model.ask(QUESTION, Answer)
        local_endpoint.acts.clear()
        assert not re.search(f"{KEY}|{WORDS}", str(caught.value))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://h:8000/v1", "http://h:8000/v1/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("http://[::1]:80", "http://[::1]:80/chat/completions"),
    ],
)
def test_addresses(url, address):
    assert Endpoint.from_environment(environment(url)).url == address


@pytest.mark.parametrize("url", ["h/v1", "ftp://h/v1", "http://", "http://u:p@h/v1", "http://h/v1?key=x", "http://h:x"])
def test_wrong_addresses_are_refused_without_showing_them(url):
    with pytest.raises(InputError, match="RADTRACE_LLM_URL"):
        Endpoint.from_environment(environment(url))


def test_an_endpoint_must_be_named():
    with pytest.raises(InputError, match="set RADTRACE_LLM_URL and RADTRACE_LLM_MODEL"):
        Endpoint.from_environment({})
    with pytest.raises(InputError, match="no header can carry"):
        Endpoint.from_environment(environment("http://h", key="a\nb"))
