"""The trace of a request, as its caller says."""

import asyncio

import pytest

from instrumentation.asgi_timing import TimedAsgiApplication
from instrumentation.server_timing import Timing
from instrumentation.trace_id import trace_id_of
from instrumentation.worker_metrics import WorkerMetrics

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("header", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-more"])
def test_a_valid_header_names_its_trace(header):
    assert trace_id_of(header) == TRACE


@pytest.mark.parametrize(
    "header",
    [
        None, "", "00", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f'00-{TRACE[:-1]}"-{SPAN}-01',
        f"00-{TRACE}-{SPAN}-01\n", f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-{'x' * 500}",
    ],
)  # fmt: skip
def test_any_other_header_names_none(header):
    assert trace_id_of(header) is None


def test_the_timing_of_a_traced_request_names_the_trace():
    timing = Timing(10, 5)
    assert "trace;" not in timing.header(0)
    timing.trace_id = TRACE
    assert timing.header(0).endswith(f', trace;desc="{TRACE}"')


@pytest.mark.parametrize(("header", "is_named"), [(f"00-{TRACE}-{SPAN}-01", True), ("00-x", False)])
def test_an_asgi_application_names_the_trace_of_a_request(header, is_named):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    sent = []

    async def send(message):
        sent.append(message)

    timed = TimedAsgiApplication(application, 0, None, WorkerMetrics.private().slot(0))
    scope = {"type": "http", "headers": [(b"traceparent", header.encode())]}
    asyncio.run(timed(scope, None, send))
    ((name, value),) = sent[0]["headers"]
    assert name == b"server-timing"
    assert value.decode().endswith(f', trace;desc="{TRACE}"') is is_named
