"""What must not be started says so in one line, and does not start."""

import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from loadgen.application import CONFIGURATION
from loadgen.services import free_port
from reference_app import create_app
from reference_app.settings import DEFAULT_KEYS, PREFIX, Settings, SettingsError
from workbench.paths import REPOSITORY

KEY = "hidden key of the tests"
PLACEHOLDERS = [
    "your-secret-key-here", "your_secret_key_here", "my-secret-key-here", "change-me-in-production",
    "changeme-in-production", "dev-secret-key-change-in-production", "super-secret-key", "dev-secret-key-change-me",
    "your-secret-key-change-this", "change-this-secret-key", "supersecretkey123", "secretsecretsecret",
    "Please, change this session key 1!", "very long random string",
]  # fmt: skip
BAD_KEYS = [
    *DEFAULT_KEYS, DEFAULT_KEYS[0].upper(), f" {DEFAULT_KEYS[0]} ", *PLACEHOLDERS, PLACEHOLDERS[0].upper(),
    "hidden key", "h" * 15, "a" * 16, "abcdefg" * 9, " " * 40,
]  # fmt: skip
BAD_STORES = [
    "hidden",
    "http://:hidden@host:6379/0",
    "redis://:hidden@host:port/0",
    "redis://:hidden@host:99999/0",
    "redis://:hid/den@host:6379/0",
    "redis://:hidden@host:6379/0?socket_timeout=hidden",
    "redis://:hidden@host:6379/0?hidden=1",
    "rediss://:hidden@host:6379/0?ssl_cert_reqs=hidden",
    "redis://[::1",
]
BAD_DATABASES = [
    "hidden",
    "postgresql://user:hidden@host:port/database",
    "postgresql://user:hidden@host/database?hidden=1",
    "mysql://user:hidden@host/database",
    "host=h password=hidden",
]


@pytest.fixture
def settings():
    return Settings(
        database_url="postgresql://user:hidden@127.0.0.1:1/database", secret_key=KEY, sessions="cookie", pool_size=1
    )


def refusal(settings):
    with pytest.raises(SettingsError) as refused:
        create_app(settings)
    assert "hid" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_others_know_is_refused(settings, key):
    assert refusal(replace(settings, secret_key=key)).startswith("TRACETRACK_SECRET_KEY")


@pytest.mark.parametrize("length", [16, 24, 32])
def test_a_random_key_never_is(settings, length):
    numbers = random.Random(length)
    for _ in range(500):
        replace(settings, secret_key=numbers.randbytes(length).hex()).require_startable()


@pytest.mark.parametrize("key", ["correct horse battery staple", "12345678-secret-of-hamburg", "secret-key-of-2 crows"])
def test_other_words_are_no_placeholder(settings, key):
    replace(settings, secret_key=key).require_startable()


@pytest.mark.parametrize("changed", [{"cache": "shared"}, {"sessions": "shared"}, {"sessions": "flask-session-redis"}])
def test_what_is_shared_needs_a_store(settings, changed):
    assert refusal(replace(settings, **changed)).startswith("TRACETRACK_REDIS_URL is not set")


@pytest.mark.parametrize("url", BAD_STORES)
def test_a_store_must_have_a_url_that_can_be_used(settings, url):
    assert refusal(replace(settings, redis_url=url)).startswith("TRACETRACK_REDIS_URL cannot be used")


@pytest.mark.parametrize("url", BAD_DATABASES)
def test_a_database_must_have_a_url_that_can_be_used(settings, url):
    assert refusal(replace(settings, database_url=url)).startswith("TRACETRACK_DATABASE_URL cannot be used")


@pytest.mark.parametrize(
    "url", ["postgresql:///database", "postgres://h/db", "postgresql+psycopg2://u:p%40@[::1]:5432/db?sslmode=require"]
)
@pytest.mark.parametrize("store", ["", "rediss://:p%40@host", "unix:///run/valkey.sock?db=1", "redis://[::1]:6379/3"])
def test_other_urls_can(settings, url, store):
    replace(settings, database_url=url, redis_url=store).require_startable()


def test_files_of_sessions_need_a_folder(settings, tmp_path):
    assert "TRACETRACK_SESSION_DIRECTORY" in refusal(replace(settings, sessions="filesystem"))
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "sessions")
    assert "session_directory" in refusal(replace(settings, sessions="filesystem", session_directory=folder))


def start(settings, **environ):
    """Gunicorn that is expected to end: its code, and all that it said."""
    own = {f"{PREFIX}{name.upper()}": value for name, value in environ.items()}
    finished = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION)],
        env={**os.environ, **settings.to_env(), "TRACETRACK_BIND": f"127.0.0.1:{free_port()}", **own},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return finished.returncode, finished.stdout + finished.stderr


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"secret_key": "your-secret-key-here"}, "TRACETRACK_SECRET_KEY is a default, under 16 characters"),
        ({"database_url": BAD_DATABASES[1]}, "TRACETRACK_DATABASE_URL cannot be used"),
        ({"sessions": "shared"}, "TRACETRACK_REDIS_URL is not set"),
        ({"redis_url": BAD_STORES[6]}, "TRACETRACK_REDIS_URL cannot be used"),
        ({"sessions": "filesystem", "session_directory": "/dev/null/sessions"}, "session_directory /dev/null/sessions"),
        ({"workers": "many"}, "workers is 'many'; it takes a number"),
        ({"bind": ""}, "TRACETRACK_BIND is not set"),
    ],
)
def test_gunicorn_ends_with_one_line_that_names_the_setting(settings, environ, named):
    code, said = start(settings, **environ)
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith(f"not started: {named}")
    assert "hidden" not in said


def test_a_deployment_beyond_its_database_ends_with_one_line(settings, server, database):
    code, said = start(settings, database_url=server.url_of(database), workers="90", pool_size="20")
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith("over the connection budget: 90 workers")
    assert not any(secret in said for secret in ("hidden", server.url, server.url.partition("@")[0]))
