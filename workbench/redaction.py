"""Removing passwords, tokens and keys from text that is shown or stored.

Two ways: by what a secret looks like (user info of a URL, `password=`, `"token": "…"`, a header), and by the values of
this process's own environment (`DATABASE_URL` and the like), wherever they occur.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

MARK = "***"
# Variables of the environment whose value is a URL with a password, and those whose value is a secret itself.
URL_VARIABLES = ("DATABASE_URL", "REDIS_URL", "TRACETRACK_DATABASE_URL", "TRACETRACK_REDIS_URL", "TRACETRACK_URL")
SECRET_VARIABLES = ("PGPASSWORD", "REDISCLI_AUTH", "TRACETRACK_SECRET_KEY")
MIN_SECRET_CHARACTERS, MIN_WORD_CHARACTERS = 6, 12  # shorter values, and shorter plain words, occur in ordinary text
_PLACEHOLDERS = ("password", MARK)  # in examples: postgresql://user:password@host

# The name of a secret ends with one of these, or has one of the short ones as its last word: api_key, apiKey.
_SECRET = (
    r"(?:(?i:[\w.-]{0,64}(?:password|passwd|passphrase|secret|token|credentials?|signature|apikey|accesskey)"
    r"|(?:[\w.-]{0,64}[_.-])?(?:auth|authorization|key|pass|pw|pwd|sig))|[\w.-]{0,64}[a-z](?:Auth|Key|Pass|Pwd|Sig))"
)
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ENCODED = "%(?:25)*"  # the beginning of a character that was encoded once or more
_ASSIGNMENTS = tuple(
    re.compile(rf"(?P<name>{name}{sign})(?P<value>{value})")
    for name, sign, value in (
        # In a query a value ends at the next &; in a connection string of libpq and elsewhere at white space.
        (rf"(?i:[?&]|{_ENCODED}(?:3f|26)){_SECRET}", f"(?i:=|{_ENCODED}3d)", rf"(?:(?!(?i:{_ENCODED}26))[^\s&\"'<>])+"),
        (rf"(?<![\w.-]){_SECRET}", r"\s*=\s*", rf"{_QUOTED}|(?:(?!&[\w.%-]+=)[^\s\"])+"),
        # JSON, also within a text of JSON, and the dictionaries of Python.
        (rf"\\?[\"']{_SECRET}", r"\\?[\"']\s*:\s*", rf"\\\".*?\\\"|{_QUOTED}|[^\s,}}\]\"']+"),
    )
)
_ENCODED_NAME = re.compile(r"(?P<name>[?&](?P<encoded>[\w.-]*%[\w.%-]+)=)(?P<value>[^\s&\"'<>]+)")
_HEADER = re.compile(
    r"(?i)\b(?P<name>(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token)\s*:\s*)(?P<value>[^\r\n\"']+)"
)
_BEARER = re.compile(r"(?i)\b(?P<name>(?:basic|bearer) +)(?P<value>[\w.~+/-]{8,}=*)")
_USER = r"(?P<name>\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/?#@:'\"<>]{0,256}:)"
_USER_INFO = (
    re.compile(rf"{_USER}(?P<value>[^\s/?#\"<>]{{0,256}})(?=@)"),
    # A password with a slash, a question mark or a number sign, as people paste it: what stands there is no port.
    re.compile(rf"{_USER}(?!\d{{1,5}}(?:[/?#\s]|$)|\*\*\*@)(?P<value>[^\s\"<>]{{0,256}})(?=@)"),
    re.compile(r"(?P<name>\b[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<value>[^\s/?#@:'\"<>]{16,256})(?=@)"),  # a token
    re.compile(
        rf"(?i)(?P<name>\b[a-z][a-z0-9+.-]{{0,30}}(?::|{_ENCODED}3a)(?:/|{_ENCODED}2f){{2}}[^\s/?#@&'\"<>]{{0,256}}?"
        rf"(?::|{_ENCODED}3a))(?P<value>[^\s/?#@&'\"<>]{{1,256}}?)(?={_ENCODED}40)"
    ),
)

# What every text with a secret has; most texts have none of it, and need no look at each pattern.
_HINT = re.compile(r"(?i)pass|pw|secret|token|auth|key|credential|sig|cookie|basic|bearer|://|%")


def redacted(text: str) -> str:
    """Return the text with every secret replaced by `***`; names, hosts and user names stay."""
    for secret in environment_secrets():
        text = text.replace(secret, MARK)
    if not _HINT.search(text):
        return text
    if "@" in text or "%" in text:
        for pattern in _USER_INFO:
            text = pattern.sub(_without_value, text)
    if "=" in text or ":" in text or "%" in text:
        for pattern in (*_ASSIGNMENTS, _HEADER):
            text = pattern.sub(_without_value, text)
        text = _ENCODED_NAME.sub(_without_encoded, text)
    return _BEARER.sub(_without_value, text)


def redacted_of_url(text: str, url: str) -> str:
    """The text without the secrets of this URL, in whatever form it has them, and without every other secret."""
    for secret in sorted(filter(None, _secrets_of_url(url)), key=len, reverse=True):
        text = text.replace(secret, MARK).replace(unquote(secret), MARK)
    return redacted(text)


def redacted_values(value: Any) -> Any:
    """Return a value of JSON with all of its texts redacted, and those under the name of a secret removed whole."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {
            name: MARK if isinstance(entry, str) and entry and is_secret_name(str(name)) else redacted_values(entry)
            for name, entry in value.items()
        }
    return [redacted_values(entry) for entry in value] if isinstance(value, list | tuple) else value


def _without_value(match: re.Match[str]) -> str:
    """The match with the mark in place of its value, in the quotes that this had."""
    value = match["value"]
    if value in _PLACEHOLDERS:
        return match[0]
    quotation = re.match(r"\\?[\"']|", value)
    quotes = quotation[0] if quotation else ""
    return f"{match['name']}{quotes}{MARK}{quotes}"


def _without_encoded(match: re.Match[str]) -> str:
    """The match without its value, if its percent-encoded name is that of a secret."""
    return _without_value(match) if is_secret_name(unquote(unquote(match["encoded"]))) else match[0]


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is a secret: of an assignment, a key of JSON, a parameter, a field."""
    return re.fullmatch(_SECRET, name) is not None


@cache
def environment_secrets() -> tuple[str, ...]:
    """The secrets of this process's environment in every form in which they may be shown, the longest first.

    They are read once: reading the environment for each text would cost more than redacting it.
    """
    urls = [os.environ.get(name, "") for name in URL_VARIABLES]
    secrets = {secret for url in urls for secret in _secrets_of_url(url)}
    secrets |= {os.environ.get(name, "") for name in SECRET_VARIABLES}
    forms = {form for secret in secrets for form in (secret, unquote(secret), quote(unquote(secret), safe=""))}
    return tuple(sorted(filter(_is_distinct, forms), key=len, reverse=True))


def _secrets_of_url(url: str) -> Iterator[str]:
    """The password of a URL, also one with unescaped characters, and the values of its secret parameters."""
    _, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    for text in (authority, rest):
        user_info, at, _ = text.rpartition("@")
        user, _, password = user_info.partition(":")
        if at and password != user:
            yield password
    for name, _, value in (pair.partition("=") for pair in re.split(r"[?&]", rest)):
        if is_secret_name(unquote(name)):
            yield value


def _is_distinct(secret: str) -> bool:
    """True if a secret is unlike an ordinary word or number, so that it can be replaced wherever it occurs."""
    is_word = secret.isdecimal() or (secret.isalpha() and secret.islower())
    return len(secret) >= (MIN_WORD_CHARACTERS if is_word else MIN_SECRET_CHARACTERS)
