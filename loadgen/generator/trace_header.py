"""The `traceparent` header of each request, where `TRACETRACK_TRACE=1` asks for it.

Its ids follow from the run, the user and the sequence (`workbench.trace_context`). One that a locustfile sends itself
is kept.
"""

from functools import cache

from workbench.trace_context import HEADER, is_requested, run_key, traceparent

from .destination import destination

IS_SENT = is_requested()


@cache
def _key() -> str:
    directory = destination().directory
    return run_key(directory.parent.name, directory.name)


def header(user: int, sequence: int) -> dict[str, str]:
    """The header of a request; empty where none is sent."""
    return {HEADER: traceparent(_key(), user, sequence)} if IS_SENT else {}


def header_line(user: int, sequence: int, text: str) -> str:
    """The same as a line of the request's text; empty where the text has the header."""
    if not IS_SENT or f"\r\n{HEADER}:" in text.lower():
        return ""
    return f"{HEADER}: {traceparent(_key(), user, sequence)}\r\n"
