"""Secret keys: guessable ones are refused, others accepted."""

import random
from dataclasses import replace

import pytest

from reference_app.secret_key import DEFAULT_KEYS
from tests.reference_app.start_refusal import STARTABLE, refusal

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


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_guessable_key_is_refused(key):
    assert refusal(replace(STARTABLE, secret_key=key)).startswith("TRACETRACK_SECRET_KEY")


@pytest.mark.parametrize("length", [16, 24, 32])
def test_a_random_key_is_accepted(length):
    numbers = random.Random(length)
    for _ in range(500):
        replace(STARTABLE, secret_key=numbers.randbytes(length).hex()).require_startable()


@pytest.mark.parametrize("key", ["correct horse battery staple", "12345678-secret-of-hamburg", "secret-key-of-2 crows"])
def test_a_key_of_other_words_is_accepted(key):
    replace(STARTABLE, secret_key=key).require_startable()
