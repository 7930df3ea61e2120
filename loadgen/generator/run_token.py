"""The token of the run, which opens the application's `Server-Timing` to this load generator.

It comes in the environment variable `TRACETRACK_RUN_TOKEN`, as it does to the application, and goes with each request
to this machine and to the target, and to no other host.
"""

import os
import re
import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any
from urllib.parse import urlsplit

from locust.clients import HttpSession
from locust.env import Environment

from ..addresses import is_local_host

VARIABLE = "TRACETRACK_RUN_TOKEN"
HEADER = "X-Run-Token"
VALID = re.compile(r"[A-Za-z0-9_-]{16,200}")

TOKEN = os.environ.get(VARIABLE, "")
_targets: set[str] = set()

if TOKEN and not VALID.fullmatch(TOKEN):
    sys.exit(f"{VARIABLE} must have 16 to 200 letters, digits, _ or -; set it to the application's own")


def install(environment: Environment) -> None:
    """Let requests to the hosts that the environment and its user classes name carry the token."""
    urls = [environment.host, *(user_class.host for user_class in environment.user_classes)]
    _targets.update(urlsplit(url).hostname or "" for url in urls if url)
    header.cache_clear()
    header_line.cache_clear()
    HttpSession.rebuild_auth = _with_token_rebuilt(HttpSession.rebuild_auth)  # type: ignore[method-assign]


@lru_cache
def header(host: str) -> dict[str, str]:
    """The token's header in a request to this host; empty where it must not go, or there is none."""
    return {HEADER: TOKEN} if TOKEN and (host.lower() in _targets or is_local_host(host)) else {}


@lru_cache
def header_line(host: str) -> str:
    """The same as a line of the request's text."""
    return "".join(f"{name}: {value}\r\n" for name, value in header(host).items())


def _with_token_rebuilt(rebuild_auth: Callable[..., None]) -> Callable[..., None]:
    """The method by which requests takes credentials off a redirected request, for the token too."""

    @wraps(rebuild_auth)
    def rebuild(self: Any, request: Any, response: Any) -> None:
        rebuild_auth(self, request, response)
        if not header(urlsplit(request.url).hostname or ""):
            request.headers.pop(HEADER, None)

    return rebuild
