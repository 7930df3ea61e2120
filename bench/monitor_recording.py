"""CPU time that recording for the monitor adds to a request, in a loop without a server: a cached read of *tuned*.

The request is what the monitor sees of a cached read: a statement, which looks up the account, and a response with ten
headers. What it costs without the recording is measured in turn, and subtracted.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from instrumentation.monitor_file import MonitorFile
from instrumentation.recorded_wsgi import RECORDER, RecordedApplication
from instrumentation.request_recorder import RequestRecorder

REQUESTS, REPEATS = 20_000, 9
HEADERS = [*((f"Header-{number}", "value") for number in range(9)), ("X-Request-ID", "0123456789abcdef")]
MAX_US = 10.0


def main() -> None:
    """Print the CPU time that the recording adds to a request."""
    costs_us = measure(RecordedApplication, RequestRecorder)
    print(f"monitor's recording in a loop, {REPEATS} repeats of {REQUESTS:,} requests with a statement:")
    spread = f"range {min(costs_us):.2f}–{max(costs_us):.2f}"
    print(f"  CPU a request    median {statistics.median(costs_us):.2f} µs ({spread}; at most {MAX_US:.0f} µs)")


def measure(
    application: Callable[[Any], Any], recorder: Callable[[memoryview], Any], repeats: int = REPEATS
) -> list[float]:
    """The CPU time in µs that these classes add to a request, for each repeat."""
    plain, recorded = _plain(), _recorded(application, recorder)
    return [_cpu_us(recorded) - _cpu_us(plain) for _ in range(repeats)]


def _plain() -> Callable[[dict[str, Any]], object]:
    """A request without the recording."""
    answer = _answering(_execute)
    return lambda environ: answer(environ, _start_response)


def _recorded(
    application: Callable[[Any], Any], recorder: Callable[[memoryview], Any]
) -> Callable[[dict[str, Any]], object]:
    """A request with the recording, of a worker of its own."""
    own = recorder(MonitorFile.private().section(0))
    dialect = SimpleNamespace(do_execute=_execute, do_execute_no_params=_execute, do_executemany=_execute)
    own.watch(SimpleNamespace(dialect=dialect))
    app: Any = SimpleNamespace(extensions={RECORDER: own}, wsgi_app=_answering(dialect.do_execute))
    recorded = application(app)
    return lambda environ: recorded(environ, _start_response)


def _answering(execute: Callable[..., None]) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start_response: Callable[..., None]) -> Iterable[bytes]:
        execute(None, "SELECT 1", None)
        start_response("200 OK", HEADERS)
        return ()

    return answer


def _execute(cursor: object, statement: str, parameters: object, context: object = None) -> None:
    """A statement that takes no time."""


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
    """A server that sends nothing."""


def _cpu_us(request: Callable[[dict[str, Any]], object]) -> float:
    """The mean CPU time of a request."""
    rule = SimpleNamespace(rule="/api/dashboard/stats")
    environ = {"REQUEST_METHOD": "GET", "werkzeug.request": SimpleNamespace(url_rule=rule)}
    started_s = time.process_time()
    for _ in range(REQUESTS):
        request(environ)
    return (time.process_time() - started_s) / REQUESTS * 1e6
