"""Which values of a request may be secrets or personal, by their name and by what they look like.

A draft is kept in a repository, so that a value which only resembles a secret is left out too.
"""

import re
from urllib.parse import unquote

from workbench.redaction import redacted

from .secret_names import has_secret_name, may_be_id

MIN_RANDOM_CHARACTERS = 16  # letters and digits; shorter random texts are like ordinary ones
MIN_VOWEL_SHARE = 0.2  # of the letters of a word
MIN_WORD_SHARE = 0.75  # of the letters and digits of a text that is made of words
MAX_WORD_LETTERS = 20  # of one word, all in capitals or none
MAX_DECODED = 3  # times that a value is percent-encoded
_TOKEN = re.compile(r"[A-Za-z0-9+/_=~.-]+")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_DIGITS_WITHIN = re.compile(r"[A-Za-z]\d+[A-Za-z]")
_WORD = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_CONSONANTS = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{4}")
_VOWELS = re.compile(r"(?i)[aeiouy]")
_NUMBERED = re.compile(r"[A-Za-z]{0,4}\d{1,19}(?:[-_./~]\d{1,19})*")  # 2026-11-30, M444-00012
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_STATE = re.compile(r"\d{0,3}|[A-Za-z]+(?:[ ,_-][A-Za-z]+)*")  # open, in_progress; long ones look as random texts do
_PHONE = re.compile(r"(?<![\w+])\+[1-9][\d ()/-]{6,18}\d(?!\w)")
# A field in a text, as of GraphQL: `password: "x"`, `pin: 4711`, `user=ann`; `password: $password` has no value.
_FIELD = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{1,200})\\?[\"']?\s{0,9}"
    r"(?::\s{0,9}(?:[\w!]{1,80}\s{0,9}=\s{0,9})?(?:\\?[\"'](?!\\?[\"'])|\d)|=\s{0,9}[^\s&=]"
    r"|>\s{0,9}[^\s<]|\s{1,9}is\s{1,9}\S)"
)
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")  # an e-mail address


def is_secret(name: str, value: str) -> bool:
    """Whether the value under this name has to stay out of a file."""
    is_harmless = value in ("true", "false") or (value.isdecimal() and may_be_id(name))
    return (has_secret_name(name) and not is_harmless) or _is_opaque_state(name, value) or looks_secret(value)


def _is_opaque_state(name: str, value: str) -> bool:
    """Whether a `state` is that of a sign-in (OAuth 2), and not one as `open`."""
    return name.lower() == "state" and _STATE.fullmatch(value) is None


def looks_secret(value: str) -> bool:
    """Whether a text has a part that looks like a token, a key, a password in a URL, or personal data."""
    for _ in range(MAX_DECODED):
        if _has_secret(value):
            return True
        decoded = unquote(value)
        if decoded == value:
            return False
        value = decoded
    return True  # encoded more often than any ordinary value


def _has_secret(value: str) -> bool:
    return (
        redacted(value) != value
        or _PERSONAL.search(value) is not None
        or _PHONE.search(value) is not None
        or any(has_secret_name(match["name"]) for match in _FIELD.finditer(value))
        or any(_is_card(match[0]) for match in _CARD.finditer(value))
        or any(map(_is_random, _TOKEN.findall(value)))
    )


def _is_random(token: str) -> bool:
    """Whether a text without spaces is made of no words: most letters and digits of a random one are in none."""
    characters = sum(map(str.isalnum, token))
    if characters < MIN_RANDOM_CHARACTERS or _NUMBERED.fullmatch(token):
        return False
    if any(map(_is_mixed, _RUN.findall(token))):
        return True
    in_words = sum(len(word) for word in _WORD.findall(token) if not _is_scrambled(word))
    return in_words < MIN_WORD_SHARE * characters


def _is_mixed(run: str) -> bool:
    """Whether letters and digits without a separator are of no name: digits among letters, or letters without end."""
    is_one_word = run.isalpha() and run[1:] in (run[1:].lower(), run[1:].upper())
    return _DIGITS_WITHIN.search(run) is not None or (is_one_word and len(run) > MAX_WORD_LETTERS)


def _is_scrambled(text: str) -> bool:
    """Whether letters follow each other as in no word."""
    return _CONSONANTS.search(text) is not None or len(_VOWELS.findall(text)) < MIN_VOWEL_SHARE * len(text)


def _is_card(text: str) -> bool:
    """Whether the check digit of a payment card fits (ISO/IEC 7812, Luhn)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
