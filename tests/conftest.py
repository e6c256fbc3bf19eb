"""Fixtures shared by all tests."""

import json
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Test processes share the cores: threads that wait for each other are slower than one. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on the machine.
settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real films and reports; tests that need it skip where it is not named."""
    folder = os.environ.get("RADTRACE_DATA")
    if not folder:
        pytest.skip("RADTRACE_DATA is unset: it names the folder with the real films and reports")
    return Path(folder)


Act = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


class LocalEndpoint:
    """An OpenAI-compatible endpoint on loopback that misbehaves as it is told.

    acts: what it does to the next requests, one each; then, and where an act is None, it answers `words(request)`.
    requests: bodies, in the order in which they came. served: those that were answered whole.
    """

    def __init__(self) -> None:
        self.acts: deque[Act | None] = deque()
        self.words: Callable[[dict[str, Any]], str] = lambda _: "{}"
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.served: list[dict[str, Any]] = []
        self.usage: dict[str, Any] | None = {"prompt_tokens": 100, "completion_tokens": 10}
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    act = outer.acts.popleft() if outer.acts else None
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    with suppress(OSError):
                        (act or outer.answer)(self, body)
                finally:
                    with outer.lock:
                        outer.at_once -= 1

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """A client that was killed is no fault of ours."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """A completion with these words."""
        message = {"role": "assistant", "content": self.words(body)}
        completion = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": self.usage}
        reply(handler, 200, json.dumps(completion).encode())
        with self.lock:
            self.served.append(body)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, content: bytes = b"{}", **headers: str) -> None:
    """One whole HTTP answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def local_endpoint(tmp_path, monkeypatch) -> Iterator[LocalEndpoint]:
    """An endpoint on loopback, and a cache folder of the test's own."""
    monkeypatch.setenv("RADTRACE_CACHE", str(tmp_path / "cache"))
    served = LocalEndpoint()
    yield served
    served.close()
