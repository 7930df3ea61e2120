"""What counts as a secret of a request: names, forms and random texts, and few ordinary values."""

import base64
import random
import time
import uuid

import pytest

from loadgen.app_draft.secret_names import has_secret_name
from loadgen.app_draft.secret_values import is_secret, looks_secret

ORDINARY = [
    "", "1", "true", "BAG", "M444-00012", "SB00012", "performance-report-2026", "getUserProfileInformationV2",
    "2026-11-30",
    "2026-11-30T08:33:55.000Z", "1764491635", "de-DE", "application/json", "a title of a post", "created_at:desc",
    "internationalization-settings", "/api/v1/items/list", "https://shop.example/orders/open", "51.5074,-0.1278",
]  # fmt: skip
SECRET = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1rwW1", "550e8400-e29b-41d4-a716-446655440000",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "AKIAIOSFODNN7EXAMPLE", "JBSWY3DPEHPK3PXP", "507f1f77bcf86cd799439011",
    "Bearer abcdefgh12345678", "https://ann:hunter2@shop.example/", "https%3A%2F%2Fann%3Ahunter2%40shop.example",
    "https%253A%252F%252Fann%253Ahunter2%2540shop.example", "https://shop.example/?token=short", "ann@shop.example",
    "4111 1111 1111 1111", "5555555555554444", "ABCD-1234-EFGH-5678", '{"password": "hunter2"}', "%25252525252541",
    "-----BEGIN KEY----- MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "93847562093847562093847",
]  # fmt: skip


@pytest.mark.parametrize("value", ORDINARY)
def test_ordinary_value_stays(value):
    assert not looks_secret(value)


@pytest.mark.parametrize("value", SECRET)
def test_value_in_the_form_of_a_secret_is_one(value):
    assert looks_secret(value)
    assert is_secret("anything", value)


@pytest.mark.parametrize(
    "name",
    ["password", "user_password", "newPassword", "token", "access_token", "api_key", "apiKey", "X-Api-Key",
     "client_secret",
     "sid", "PHPSESSID", "session_id", "csrf_token", "authenticity_token", "__RequestVerificationToken", "jwt", "otp",
     "email", "user[email]", "user[password]", "card_number", "sig", "pass%77ord", "x" * 300,
     "securityCode", "cvv", "CVV2", "secretAnswer", "security-answer", "mothers_maiden_name", "verificationCode",
     "verification_code", "smsCode", "code", "user[code]", "dob", "birthDate", "dateOfBirth", "pin", "userPIN",
     "PINCode", "passcode", "username", "user_name", "login", "user", "firstName", "password_2", "email2"],
)  # fmt: skip
def test_name_of_a_secret_is_one_whatever_its_value(name):
    assert has_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "q",
        "limit",
        "page",
        "sort",
        "title",
        "body",
        "id",
        "bag_id",
        "description",
        "assessment",
        "country_code",
        "zipCode",
        "codec",
        "spin",
        "pinned",
        "user_id",
        "userCount",
        "email_template",
        "ticket_id",
        "loginCount",
        "state",
        "birdhouse",
        "stand",
        "max_tokens",
    ],
)
def test_ordinary_name_is_none(name):
    assert not has_secret_name(name)


def random_tokens(generator):
    """Tokens of the usual forms, of 16 random bytes or characters."""
    content = generator.randbytes(16)
    yield content.hex()
    yield base64.b64encode(content).decode()
    yield base64.urlsafe_b64encode(content).decode().rstrip("=")
    yield base64.b32encode(content).decode().rstrip("=")
    yield base64.b32encode(content).decode().rstrip("=").lower()
    yield str(uuid.UUID(bytes=content, version=4))
    yield "".join(generator.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=16))
    yield f"key_{content.hex()}"


def test_random_tokens_of_all_usual_forms_are_secrets():
    generator = random.Random(20)
    tokens = [token for _ in range(2_000) for token in random_tokens(generator)]
    missed = [token for token in tokens if not looks_secret(token)]
    assert len(missed) <= 0.0005 * len(tokens), missed[:20]


def test_text_of_many_spaces_is_looked_through_at_once():
    started_s = time.process_time()
    assert not looks_secret("a" + " " * 20_000 + "b")
    assert time.process_time() - started_s < 1.0


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rememberPassword", "true", False), ("user", "5", False), ("user", "ann", True), ("username", "5", True),
        ("state", "open", False), ("state", "in_progress", False), ("state", "af0ifjsldkj", True),
    ],
)  # fmt: skip
def test_value_decides_where_its_name_may_be_ordinary(name, value, expected):
    assert is_secret(name, value) == expected
