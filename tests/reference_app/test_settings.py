"""Settings: read from and written to the environment, checked, and shown without secrets."""

from dataclasses import fields, replace

import pytest

from loadgen import deployments
from reference_app.settings import AT_LEAST_ONE, Settings, SettingsError
from tests.reference_app.start_refusal import STARTABLE, refusal

SECRETS = {"database_url": "postgresql://u:hidden@h/db", "secret_key": "key"}


def environ(**values):
    return {f"TRACETRACK_{name.upper()}": value for name, value in {**SECRETS, **values}.items()}


@pytest.mark.parametrize("name", deployments.DEPLOYMENTS)
def test_the_environment_carries_a_deployment(name):
    settings = deployments.settings_for(name, **SECRETS, session_directory="/somewhere")
    assert Settings.from_env(environ=settings.to_env()) == settings
    assert Settings.from_env("OTHER_", settings.to_env("OTHER_")) == settings


def test_fields_that_are_not_set_keep_their_defaults():
    assert Settings.from_env(environ=environ()) == Settings(**SECRETS)


@pytest.mark.parametrize(("text", "value"), [("1", True), (" Yes ", True), ("on", True), ("FALSE", False)])
def test_a_boolean_is_read_in_any_usual_spelling(text, value):
    assert Settings.from_env(environ=environ(pool_pre_ping=text)).pool_pre_ping is value


def bad_values():
    kinds = {field.name: field.type for field in fields(Settings)}
    for name, kind in kinds.items():
        if kind in (int, float):
            yield from ((name, text) for text in ("many", "", "-1"))
        elif kind is bool:
            yield name, "perhaps"
        elif kind is not str:
            yield name, "carrier pigeon"
    yield from ((name, "0") for name in AT_LEAST_ONE)
    yield from (("pool_timeout_s", text) for text in ("nan", "inf"))


@pytest.mark.parametrize(("name", "text"), list(bad_values()))
def test_a_bad_value_is_refused_with_the_name_of_its_field(name, text):
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(environ=environ(**{name: text}))


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"server": "uvicorn"}, "set driver to psycopg3"),
        ({"server": "gevent", "driver": "psycopg3"}, "set driver to psycopg2"),
        ({"driver": "psycopg3", "deadlines": "true"}, "set deadlines to false"),
        ({"server": "uvicorn", "driver": "psycopg3", "preload": "true"}, "set preload to false"),
        ({"server": "uvicorn", "driver": "psycopg3", "sessions": "filesystem"}, "set sessions to shared or cookie"),
        ({"server": "uvicorn", "driver": "psycopg3", "threads": "4"}, "set threads to 1"),
        ({"server": "uvicorn", "driver": "psycopg3", "hash_limit": "0"}, "set hash_limit to at least 1"),
    ],
)
def test_settings_that_cannot_work_together_are_refused_with_what_to_set(changes, advice):
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(environ=environ(**changes))
    assert advice in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("missing", [True, False])
def test_settings_without_key_or_database_are_refused(name, missing):
    given = environ(**{name: ""})
    if missing:
        del given[f"TRACETRACK_{name.upper()}"]
    with pytest.raises(SettingsError, match=f"TRACETRACK_{name.upper()}"):
        Settings.from_env(environ=given)


def test_no_secret_is_printed_with_the_settings():
    shown = repr(Settings(**SECRETS, redis_url="redis://:hidden@h:1/0", run_token="a-hidden-token-of-a-run"))
    assert "hidden" not in shown
    assert "'key'" not in shown


def test_a_record_holds_no_secret():
    shown = Settings(**SECRETS, session_directory="/somewhere").public()
    assert shown["database_url"] == "postgresql://u:***@h/db"
    hidden = {"secret_key", "run_token", "redis_url", "store_prefix", "monitor_port", "monitor_url", "upstream_url"}
    hidden |= {"session_directory", "readings_file", "samples_file"}
    assert set(shown) == {field.name for field in fields(Settings)} - hidden


@pytest.mark.parametrize("changed", [{"cache": "shared"}, {"sessions": "shared"}, {"sessions": "flask-session-redis"}])
def test_a_shared_cache_or_session_needs_a_store(changed):
    assert refusal(replace(STARTABLE, **changed)).startswith("TRACETRACK_REDIS_URL is not set")


def test_session_files_need_a_folder(tmp_path):
    assert "TRACETRACK_SESSION_DIRECTORY" in refusal(replace(STARTABLE, sessions="filesystem"))
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "sessions")
    assert "session_directory" in refusal(replace(STARTABLE, sessions="filesystem", session_directory=folder))
