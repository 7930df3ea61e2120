"""Sends messages to an OTLP receiver over HTTP, as JSON."""

import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from workbench.errors import UsageError, UserError
from workbench.text_cleaning import Target, cleaned

from .otlp_spans import message_text

PATH = "/v1/traces"
HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"  # keys of a receiver, as OpenTelemetry's own exporters take them
CONNECT_S, ANSWER_S = 5.0, 30.0
MAX_ANSWER_BYTES = 64 * 2**10
BUSY = (429, 502, 503, 504)  # after which OTLP's specification lets a client try again
RETRIES, BACKOFF_S, MAX_WAIT_S = 4, 0.5, 10
MAX_SHOWN = 200  # characters of the receiver's message


class OtlpReceiver:
    """A receiver by its URL; one without a path gets `PATH`. Raises `UsageError` for what is no URL of HTTP."""

    def __init__(self, url: str):
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable:
            raise UsageError(f"--to {url}: this is no URL of a receiver; give http://HOST:4318{PATH}")
        user_info, _, host = parts.netloc.rpartition("@")
        path = parts.path if parts.path.strip("/") else PATH
        self.name = host
        self._url = urlunsplit(parts._replace(netloc=host, path=path))
        self._headers = {"Content-Type": "application/json", **_given_headers()}
        if user_info:
            self._headers |= urllib3.make_headers(basic_auth=unquote(user_info))
        # A redirect is none of OTLP's answers: what was recorded goes to this receiver and to no other.
        retries = urllib3.Retry(
            RETRIES,
            redirect=False,
            connect=0,
            read=0,
            status_forcelist=BUSY,
            allowed_methods=None,
            backoff_factor=BACKOFF_S,
            backoff_max=MAX_WAIT_S,
            retry_after_max=MAX_WAIT_S,
            raise_on_status=False,
        )
        timeout = urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S)
        self._pool = urllib3.PoolManager(retries=retries, timeout=timeout)

    def send(self, messages: Iterable[Mapping[str, Any]]) -> tuple[int, list[str]]:
        """Send the messages one after the other.

        Returns the number of accepted spans, and the receiver's reasons for rejected ones. Raises
        `UserError` where it cannot be reached or refuses a message.
        """
        taken, rejections = 0, []
        for message in messages:
            number = _spans(message)
            rejected, reason = self._post(message, taken)
            taken += number - rejected
            if rejected or reason:
                rejections.append(f"{rejected} of {number} spans: {reason or 'no reason'}")
        return taken, rejections

    def _post(self, message: Mapping[str, Any], taken: int) -> tuple[int, str]:
        """Send one message; the number of spans that were rejected, and why."""
        sent = f"after {taken} spans" if taken else "for the first spans"
        try:
            body = message_text(message)
            response = self._pool.request("POST", self._url, body=body, headers=self._headers, preload_content=False)
            answer = _answer(response)
        except (HTTPError, OSError) as error:
            reason = str(getattr(error, "reason", None) or error).split(": ")[-1]
            raise UserError(
                f"the receiver {self.name} cannot be reached {sent}: {cleaned(reason, Target.LINE)}"
            ) from None
        except ValueError as error:  # a header that cannot be one
            raise UsageError(f"{HEADERS_VARIABLE} cannot be sent: {str(error).partition(':')[0]}") from None
        if not 200 <= response.status < 300:
            text = cleaned(answer.decode(errors="replace"), Target.LINE, MAX_SHOWN)
            raise UserError(f"the receiver {self.name} answered {response.status} {sent}{f': {text}' if text else ''}")
        return _partial_success(answer)


def _answer(response: BaseHTTPResponse) -> bytes:
    """The body, as far as it is no longer and takes no longer than an answer may."""
    content, deadline_s = b"", time.monotonic() + ANSWER_S
    while len(content) < MAX_ANSWER_BYTES and (chunk := response.read1(4096)):
        content += chunk
        if time.monotonic() > deadline_s:
            raise TimeoutError("its answer did not end in time")
    response.release_conn() if not chunk else response.close()
    return content


def _partial_success(answer: bytes) -> tuple[int, str]:
    """What a receiver that took a message says of the spans that it rejected."""
    try:
        partial = json.loads(answer or b"{}").get("partialSuccess") or {}
        return int(partial.get("rejectedSpans") or 0), cleaned(
            partial.get("errorMessage") or "", Target.LINE, MAX_SHOWN
        )
    except (ValueError, AttributeError, TypeError):
        return 0, ""


def _spans(message: Mapping[str, Any]) -> int:
    return sum(len(scope["spans"]) for resource in message["resourceSpans"] for scope in resource["scopeSpans"])


def _given_headers() -> dict[str, str]:
    """The headers of the environment: `name=value` with commas between them, percent-encoded."""
    pairs = (pair.partition("=") for pair in os.environ.get(HEADERS_VARIABLE, "").split(","))
    return {name.strip(): unquote(value.strip()) for name, sign, value in pairs if sign and name.strip()}
