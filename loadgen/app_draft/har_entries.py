"""The entries of a HAR file: what a browser sent to one host, as far as a load can send it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from workbench.errors import UsageError
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from . import document_source
from .draft_request import METHODS

MAX_BYTES = 256 * 1024 * 1024
MAX_ENTRIES = 100_000
MAX_URL_CHARACTERS = 8_000
MAX_SHOWN = 60
PORTS = {"http": 80, "https": 443}
STATIC_TYPES = ("image/", "font/", "video/", "audio/", "text/css", "text/javascript", "application/javascript",
                "application/x-javascript", "application/font", "application/wasm")  # fmt: skip
STATIC_RESOURCES = ("image", "stylesheet", "script", "font", "media", "texttrack", "manifest")  # of Chromium
_STATIC_PATH = re.compile(
    r"(?i)\.(?:css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp4|webm|mp3|ogg|wasm|webmanifest)$"
)


@dataclass(frozen=True)
class Entry:
    """A request and its response.

    origin: scheme, host and port, as `https://shop.example`
    started_s: seconds since 1970; None where it is not recorded
    headers, response_headers: names in small letters, with values
    """

    method: str
    url: SplitResult
    origin: str
    status: int
    started_s: float | None
    duration_s: float
    headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    media_type: str
    resource: str
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_static(self) -> bool:
        """Whether the response is a file that no code makes, such as an image."""
        return (
            self.resource in STATIC_RESOURCES
            or self.media_type.startswith(STATIC_TYPES)
            or _STATIC_PATH.search(self.url.path) is not None
        )

    def problem(self) -> str:
        """Why a load cannot have this request, as the end of `left out: 3 …`; empty where it can."""
        if self.method not in METHODS or self.method == "OPTIONS":
            return "of methods that no task sends, such as OPTIONS"
        if self.status == 101 or self.media_type == "text/event-stream":
            return "of connections that stay open"
        if self.status >= 400:
            return "with an error in response"
        return "" if self.status >= 200 else "without a response"


def read(given: str) -> list[Entry]:
    """The entries in the order in which they were sent. Raises `UsageError` for a file that is no HAR."""
    document = document_source.parsed(given, document_source.read(given, MAX_BYTES))
    log = document.get("log") if isinstance(document, dict) else None
    listed = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(listed, list):
        raise error(given, "", "this is no HAR file, which has log.entries; save a recording of your browser's network "
                    "tools as HAR")  # fmt: skip
    if len(listed) > MAX_ENTRIES:
        raise error(given, "log.entries", f"there are more than {MAX_ENTRIES} requests; give a shorter recording")
    entries = [_Reader(given, f"log.entries[{number}]").entry(each) for number, each in enumerate(listed)]
    return sorted(filter(None, entries), key=lambda entry: entry.started_s or 0.0)


def error(given: str, place: str, problem: str) -> UsageError:
    """The error for a place of the file."""
    return UsageError(f"{document_source.shown(given)}{', ' if place else ''}{place}: {problem}")


@dataclass(frozen=True)
class _Reader:
    """Reads an entry; what it lacks is left out, what has another type is an error."""

    given: str
    place: str

    def entry(self, value: Any) -> Entry | None:
        """The entry; None for a request that is not of HTTP."""
        entry = self._table(value, "")
        request, response = (
            self._table(entry.get("request"), ".request"),
            self._table(entry.get("response", {}), ".response"),
        )
        url = self._url(self._text(request, "url", ".request"))
        if not url:
            return None
        content = self._table(response.get("content") or {}, ".response.content")
        return Entry(
            self._text(request, "method", ".request").upper(), url, _origin(url),
            int(self._number(response, "status", ".response")),
            self._started_s(entry), max(0.0, self._number(entry, "time", "")) / 1000,
            self._headers(request, ".request"), self._headers(response, ".response"),
            self._text(content, "mimeType", ".response.content", default="").partition(";")[0].strip().lower(),
            self._text(entry, "_resourceType", "", default=""),
            self._table(request.get("postData") or {}, ".request.postData"),
        )  # fmt: skip

    def _url(self, text: str) -> SplitResult | None:
        try:
            url = urlsplit(text)
            is_usable = url.scheme in PORTS and bool(url.hostname) and url.port != 0 and len(text) <= MAX_URL_CHARACTERS
        except ValueError:
            return None
        return url if is_usable else None

    def _started_s(self, entry: Mapping[str, Any]) -> float | None:
        text = self._text(entry, "startedDateTime", "", default="")
        try:
            started = datetime.fromisoformat(text)
            return (started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, OSError):
            return None

    def _headers(self, holder: Mapping[str, Any], place: str) -> tuple[tuple[str, str], ...]:
        listed = holder.get("headers") or []
        if not isinstance(listed, list):
            raise self._error(f"{place}.headers", listed, "a list")
        tables = [self._table(each, f"{place}.headers") for each in listed]
        return tuple(
            (
                self._text(each, "name", f"{place}.headers").lower(),
                self._text(each, "value", f"{place}.headers", default=""),
            )
            for each in tables
        )

    def _table(self, value: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._error(place, value, "an object")
        return value

    def _text(self, holder: Mapping[str, Any], key: str, place: str, default: str | None = None) -> str:
        value = holder.get(key)
        value = default if value is None else value
        if not isinstance(value, str):
            raise self._error(f"{place}.{key}", value, "a text")
        return value

    def _number(self, holder: Mapping[str, Any], key: str, place: str) -> float:
        value = holder.get(key) or 0
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
            raise self._error(f"{place}.{key}", value, "a number")
        return float(value)

    def _error(self, place: str, value: Any, wanted: str) -> UsageError:
        text = cleaned(redacted(str(value)), Target.LINE, MAX_SHOWN)
        problem = f"it is missing, and has to be {wanted}" if value is None else f"{text} is not {wanted}"
        return error(self.given, f"{self.place}{place}", f"{problem}; record it once more")


def _origin(url: SplitResult) -> str:
    """Scheme, host and port, this one only where it is not that of the scheme."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port and url.port != PORTS[url.scheme] else "")
