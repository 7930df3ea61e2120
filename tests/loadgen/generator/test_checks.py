"""What counts as a clean refusal: a 503 whose Retry-After a client can read."""

from types import SimpleNamespace

import pytest

from loadgen.generator.checks import refusal


def answer(status, **headers):
    return SimpleNamespace(status_code=status, headers=headers, content=b"")


@pytest.mark.parametrize("value", ["0", "1", "120", "3600", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_refusal_is_clean_with_seconds_or_a_date(value):
    assert refusal(answer(503, **{"retry-after": value})) == "status 503"


@pytest.mark.parametrize(
    "value", ["soon", "-1", "1.5", "1 s", "1, 1", "3601", "999999999999", "\u0661", "31 Dec 1999", "1999-12-31"]
)
def test_refusal_is_not_clean_where_retry_after_is_neither_seconds_nor_a_date(value):
    assert refusal(answer(503, **{"retry-after": value})) == "status 503 with an invalid Retry-After"


@pytest.mark.parametrize("headers", [{}, {"retry-after": ""}])
def test_refusal_without_retry_after_is_not_clean(headers):
    assert refusal(answer(503, **headers)) == "status 503 without Retry-After"


def test_other_responses_are_no_refusal():
    assert refusal(answer(200)) is None
