"""A judge at an endpoint on loopback."""

import re
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from radtrace.llm import AskSettings, Cache, Chat, ClientSettings, Endpoint, Material
from radtrace.metrics.backing import Backing, Judge


@pytest.fixture
def open_judge(local_endpoint, tmp_path):
    """Opens a judge: what its texts are from, and settings of the client."""

    @contextmanager
    def opened(material="own", **client):
        settings = ClientSettings(**{"concurrency": 4, "backoff": 0, "attempts": 2, "timeout": 5} | client)
        endpoint = Endpoint(f"{local_endpoint.url}/chat/completions", "m")
        ask = AskSettings(repairs=0)
        with Chat(endpoint, Cache(tmp_path / "answers"), Material(source="own"), ask, settings) as chat:
            yield Judge(chat, Material(source=material), "m", settings.concurrency)

    return opened


@pytest.fixture
def judge(open_judge):
    with open_judge() as opened:
        yield opened


@pytest.fixture
def backing(judge):
    return Backing(judge=judge)


@pytest.fixture
def shown() -> Callable[[dict, str], str]:
    """What a request shows between these tags."""

    def between(request, name):
        return re.search(rf"<{name}>\n(.*?)\n</{name}>", request["messages"][1]["content"], re.DOTALL)[1]

    return between
