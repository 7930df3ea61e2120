"""Settings with which the application starts, and how it and its server refuse others."""

import os
import subprocess

import pytest

from loadgen.app_code import OWN
from loadgen.server_commands import command
from loadgen.services import free_port
from reference_app import create_app
from reference_app.settings import PREFIX, Settings, SettingsError
from workbench.paths import REPOSITORY

STARTABLE = Settings(
    database_url="postgresql://user:hidden@127.0.0.1:1/database",
    secret_key="hidden key of the tests",
    sessions="cookie",
    pool_size=1,
)


def refusal(settings):
    """The message with which the application refuses settings; it has none of their secrets."""
    with pytest.raises(SettingsError) as refused:
        create_app(settings)
    assert "hid" not in str(refused.value)
    return str(refused.value)


def refused_start(settings, **environ):
    """Start the server of the settings, which must fail with one line of output: that line."""
    variables = {f"{PREFIX}{name.upper()}": str(value) for name, value in environ.items()}
    finished = subprocess.run(
        command(settings, OWN),
        env={**os.environ, **settings.to_env(), "TRACETRACK_BIND": f"127.0.0.1:{free_port()}", **variables},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 1
    (line,) = (finished.stdout + finished.stderr).splitlines()
    assert "hidden" not in line
    return line
