"""Running the command line as a user does."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def radtrace(tmp_path) -> Run:
    """Run `radtrace` with some arguments in an empty folder."""

    def run(*arguments: object, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "radtrace", *map(str, arguments)]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment}
        )

    return run
