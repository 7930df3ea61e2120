"""URLs of the database and the store: unusable ones are refused, and no password is shown."""

from dataclasses import replace

import pytest

from reference_app.service_urls import redacted
from tests.reference_app.start_refusal import STARTABLE, refusal

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


@pytest.mark.parametrize("url", BAD_STORES)
def test_an_unusable_store_url_is_refused(url):
    assert refusal(replace(STARTABLE, redis_url=url)).startswith("TRACETRACK_REDIS_URL cannot be used")


@pytest.mark.parametrize("url", BAD_DATABASES)
def test_an_unusable_database_url_is_refused(url):
    assert refusal(replace(STARTABLE, database_url=url)).startswith("TRACETRACK_DATABASE_URL cannot be used")


@pytest.mark.parametrize(
    "url", ["postgresql:///database", "postgres://h/db", "postgresql+psycopg2://u:p%40@[::1]:5432/db?sslmode=require"]
)
@pytest.mark.parametrize("store", ["", "rediss://:p%40@host", "unix:///run/valkey.sock?db=1", "redis://[::1]:6379/3"])
def test_other_urls_are_accepted(url, store):
    replace(STARTABLE, database_url=url, redis_url=store).require_startable()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:hidden@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:hid@den@h/db", "postgresql://u:***@h/db"),
        ("postgresql://h/db?password=hidden", "postgresql://h/db"),
        ("host=h password=hidden", "***"),
        ("postgresql://h/db", "postgresql://h/db"),
        ("", "***"),
    ],
)
def test_a_redacted_url_shows_no_password(url, shown):
    assert redacted(url) == shown
