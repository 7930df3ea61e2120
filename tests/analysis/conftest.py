"""The commands of `python -m analysis`, on the data of a test."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner, Result

from analysis.__main__ import main
from tests.otlp_receiver import receiver  # noqa: F401 -- a fixture
from workbench.paths import REPOSITORY


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in this process, which is faster than `process`."""
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """The command as a process of its own."""

    def run(*arguments: str) -> CompletedProcess[str]:
        command = [sys.executable, "-m", "analysis", *arguments]
        environ = {**os.environ, "TRACETRACK_DATA_DIR": str(tmp_path)}
        return subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=60)

    return run
