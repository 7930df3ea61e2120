"""Recognises secret keys that others can guess: placeholders of documentation, and keys that are too simple."""

import re

MIN_LENGTH = 16
MIN_DISTINCT_CHARACTERS = 8
# From Flask's own documentation, tutorials and templates: those that are long enough, and more than these words.
DEFAULT_KEYS = (
    "you-will-never-guess", "this-is-a-secret-key", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
)  # fmt: skip
# None of them consists of letters of hexadecimal digits only.
PLACEHOLDER_WORDS = (
    "app", "change", "default", "dev", "development", "django", "example", "flask", "for", "here", "in", "insecure",
    "is", "it", "key", "long", "me", "my", "not", "password", "placeholder", "please", "prod", "production", "random",
    "replace", "secret", "session", "some", "something", "string", "super", "test", "testing", "the", "this", "to",
    "token", "use", "value", "very", "with", "your",
)  # fmt: skip


def is_guessable(secret_key: str) -> bool:
    """True if a key is short, simple, or made of nothing but words of placeholders, however they are put together."""
    key = secret_key.strip().lower()
    letters = re.sub(r"[\W\d_]", "", key)
    return (
        key in DEFAULT_KEYS
        or len(key) < MIN_LENGTH
        or len(set(key)) < MIN_DISTINCT_CHARACTERS
        or re.fullmatch(f"(?:{'|'.join(PLACEHOLDER_WORDS)})+", letters) is not None
    )
