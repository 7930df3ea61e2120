"""The trace of a request, as its caller says."""

import pytest

from instrumentation.server_timing import Timing
from instrumentation.trace_id import trace_id_of

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
