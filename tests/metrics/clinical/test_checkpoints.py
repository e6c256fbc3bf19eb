import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from radtrace.errors import InputError, MissingExtraError
from radtrace.metrics.clinical.checkpoints import find_weights, from_hub, hub_repository, read_tensors

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_what_is_a_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here" / "there").mkdir(parents=True)
    assert hub_repository("owner/name") == "owner/name"
    assert hub_repository("owner/name/file.tar.gz") == "owner/name"
    for given in ("name", "/owner/name", "./owner/name", "~/name", "here/there", "a/b/c/d", "owner//name", ""):
        assert hub_repository(given) is None


def test_the_first_name_that_is_there_is_read(tmp_path):
    (tmp_path / "b").touch()
    assert find_weights(str(tmp_path), ["a", "b"], "x") == tmp_path / "b"
    assert find_weights(str(tmp_path / "b"), ["a"], "x") == tmp_path / "b"
    (tmp_path / "a").touch()
    assert find_weights(str(tmp_path), ["a", "b"], "x") == tmp_path / "a"


def test_without_the_extra_the_line_that_installs_it_is_said(tmp_path, monkeypatch):
    (tmp_path / "weights.pth").touch()
    for module in ("torch", "safetensors.torch", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, module, None)
    for call in (
        lambda: read_tensors(tmp_path / "weights.pth", "x"),
        lambda: read_tensors(tmp_path / "weights.safetensors", "x"),
        lambda: from_hub("owner/name", "weights.pth", "x"),
    ):
        with pytest.raises(MissingExtraError, match=r"x needs the extra 'nets': pip install 'radtrace\[nets\]'"):
            call()


def test_a_folder_without_the_package_radgraph(tmp_path, monkeypatch):
    from radtrace.metrics.clinical.radgraph_model import load_radgraph

    (tmp_path / "weights.th").touch()
    monkeypatch.setitem(sys.modules, "radgraph", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'radtrace\[radgraph\]'"):
        load_radgraph(str(tmp_path))


def test_a_file_that_is_no_weights(tmp_path):
    pytest.importorskip("torch")
    for name in ("weights.pth", "weights.safetensors"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(InputError, match=f"x: .*{name}: damaged"):
            read_tensors(tmp_path / name, "x")


SCRIPT = """
from radtrace.errors import InputError
from radtrace.metrics.clinical.checkpoints import find_weights
print(find_weights("owner/name", ["absent", "weights.pth"], "x").read_text())
print(find_weights("owner/name/other", ["weights.pth"], "x").read_text())
try:
    find_weights("owner/nothing", ["weights.pth"], "x")
except InputError as error:
    print(error)
"""


def test_the_cache_of_the_hub_is_enough_without_a_network(tmp_path):
    pytest.importorskip("huggingface_hub")
    kept = tmp_path / "models--owner--name"
    (kept / "snapshots" / COMMIT).mkdir(parents=True)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    (kept / "snapshots" / COMMIT / "weights.pth").write_text("these")
    (kept / "snapshots" / COMMIT / "other").write_text("those")
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == [
        "these",
        "those",
        "x: the hub's owner/nothing is out of reach, or holds none of weights.pth",
    ]


class Hub(BaseHTTPRequestHandler):
    """A hub on loopback with one repository of two files."""

    FILES: ClassVar = {"weights.pth": b"these", "other": b"those"}
    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        owner, _, name = path.partition("/resolve/main/")
        body, found = b"", True
        if path.startswith("/api/models/owner/name/tree/"):
            body = json.dumps([{"type": "file", "path": name, "size": 5, "oid": "x"} for name in self.FILES]).encode()
        elif owner == "/owner/name" and name in self.FILES:
            body = self.FILES[name]
        else:
            found = False
        self.send_response(200 if found else 404)
        for key, value in {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        if not found:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_hub_is_asked_once_for_its_files_and_for_no_file_that_it_lacks(tmp_path):
    pytest.importorskip("huggingface_hub")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            **os.environ,
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "HF_HUB_CACHE": str(tmp_path),
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
        )
        server.shutdown()
    assert done.stdout.splitlines() == [
        "these",
        "those",
        "x: owner/nothing: not to be had from the hub (RepositoryNotFoundError)",
    ]
    assert not [path for path in Hub.asked if "absent" in path]
    assert sum("/name/tree/" in path for path in Hub.asked) == 1
