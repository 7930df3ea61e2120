"""Secrets do not survive in text, whatever their form; what only looks like one does."""

import time

import pytest

from workbench import redaction
from workbench.redaction import redacted, redacted_values

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in (*redaction.URL_VARIABLES, *redaction.SECRET_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    redaction.environment_secrets.cache_clear()
    yield
    redaction.environment_secrets.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://user:hunter2@host:5432/db", "postgresql://user:***@host:5432/db"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("amqp+ssl://u:hunter2@h", "amqp+ssl://u:***@h"),
        ("http://me:hunter2@127.0.0.1:8000/v1?mail=a@b.c", "http://me:***@127.0.0.1:8000/v1?mail=a@b.c"),
        ("postgresql://user:hun@hunter2@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:hun/hunter2@host/db", "postgresql://user:***@host/db"),
        ("http://u:hun?hunter2#x@host:80 is no target", "http://u:***@host:80 is no target"),
        ("https://hunter2hunter2hunter2@host/x", "https://***@host/x"),
        ("postgresql%3A%2F%2Fuser%3Ahunter2%40host", "postgresql%3A%2F%2Fuser%3A***%40host"),
        ("next=http%253A%252F%252Fu%253Ahunter2%2540h", "next=http%253A%252F%252Fu%253A***%2540h"),
        ("GET /login?user=me&password=hunter2&x=1", "GET /login?user=me&password=***&x=1"),
        ("/a?%70assword=hunter2&x=1", "/a?%70assword=***&x=1"),
        ("/a?next=%2Fb%3Ftoken%3Dhunter2%26a%3D1", "/a?next=%2Fb%3Ftoken%3D***%26a%3D1"),
        ("/a?X-Amz-Signature=hunter2&b=1", "/a?X-Amz-Signature=***&b=1"),
        ("host=h user=u password=hunter2 dbname=d", "host=h user=u password=*** dbname=d"),
        ("host=h password = 'hun \\' hunter2' dbname=d", "host=h password = '***' dbname=d"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("api_key=hunter2 apiKey=hunter2 client-secret=hunter2", "api_key=*** apiKey=*** client-secret=***"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("[parameters: {'token': 'hunter2'}]", "[parameters: {'token': '***'}]"),
        (r'{"message": "{\"token\": \"hunter2\"}"}', r'{"message": "{\"token\": \"***\"}"}'),
        ('{"message": "password=hunter2", "level": "x"}', '{"message": "password=***", "level": "x"}'),
        ("Authorization: Basic aHVudGVyMg==", "Authorization: ***"),
        ("sent Bearer hunter2hunter2", "sent Bearer ***"),
        ("Cookie: session=hunter2; other=1", "Cookie: ***"),
    ],
)
def test_redacted_replaces_a_secret_and_nothing_else(text, expected):
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "it looks like postgresql://user:password@host:5432/database",
        "http://host:8000/path?mail=a@b.c",
        "http://me@host/",
        "p95 of all reads below 50 ms, sustained-100 on tuned (p95 of all reads 2.1 ms)",
        "DETAIL: Key (username)=(me) already exists.",
        "monkey=banana keyboard=us author=me password_hash=argon2id workers=4",
        "the key: value, the password: none",
        "data/postgres and data/runs",
    ],
)
def test_redacted_leaves_other_text(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u:Tr0ub%2Fador@h/d", "Tr0ub/ador, Tr0ub%2Fador"),
        ("postgresql://u:Tr0ub/ador@h/d", 'could not translate host name "Tr0ub/ador"'),
        ("postgresql://u@h/d?sslpassword=Tr0ubador", "bad decrypt with Tr0ubador"),
        ("postgresql://correcthorse:correcthorsebattery@h/d", "correcthorsebattery"),
    ],
)
def test_redacted_replaces_the_secrets_of_the_environment_anywhere(monkeypatch, url, message):
    monkeypatch.setenv("DATABASE_URL", url)
    for secret in ("Tr0ub", "ador", "battery"):
        assert secret not in redacted(message)


@pytest.mark.parametrize("password", ["postgres", "small", "100", "u"])
def test_redacted_keeps_ordinary_words_that_are_a_password_too(monkeypatch, password):
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{password}@h/d")
    assert redacted("data/postgres, scale small, open-100 u") == "data/postgres, scale small, open-100 u"


def test_redacted_values_walks_a_record():
    record = {"url": "http://u:hunter2@h", "api_key": "x", "n": 1, "reasons": ["password=hunter2", None, True]}
    assert redacted_values(record) == {
        "url": "http://u:***@h", "api_key": "***", "n": 1, "reasons": ["password=***", None, True],
    }  # fmt: skip


@pytest.mark.parametrize("piece", ["a", "a=b ", "a://", "://:", '"', "'a", "?a", "?%25", "%3a", "password='", "a:@"])
def test_redacted_takes_time_in_proportion_to_the_length(piece):
    begun_s = time.process_time()
    redacted(piece * (100_000 // len(piece)))
    assert time.process_time() - begun_s < 2.0
