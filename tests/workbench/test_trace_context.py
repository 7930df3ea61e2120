"""Trace ids follow from the run, the user and the sequence."""

import re

import pytest

from workbench import trace_context
from workbench.trace_context import run_key, trace_ids, traceparent

LARGEST = 2**31 - 1


@pytest.mark.parametrize(("user", "sequence"), [(0, 1), (7, 12), (LARGEST, LARGEST)])
def test_the_header_has_the_form_of_w3c(user, sequence):
    key = run_key("20260101-a", "1-01-tuned-burst-50")
    ids, header = trace_ids(key, user, sequence), traceparent(key, user, sequence)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", header)
    assert header == f"00-{ids.trace}-{ids.client}-01"
    assert int(ids.client, 16) > 0
    assert re.fullmatch("[0-9a-f]{16}", ids.server)


def test_no_two_requests_and_no_two_runs_share_an_id():
    keys = {run_key(experiment, run) for experiment in ("a", "b") for run in ("1", "2", "b/1")}
    assert len(keys) == 6
    ids = [trace_ids(key, user, sequence) for key in keys for user in (0, 1, 256) for sequence in (1, 2, 256)]
    assert len({each.trace for each in ids}) == len(ids)
    of_one_run = ids[:9]
    assert len({span for each in of_one_run for span in (each.client, each.server)}) == 18


@pytest.mark.parametrize(("value", "is_requested"), [(None, False), ("", False), ("0", False), ("1", True)])
def test_the_header_is_sent_where_the_environment_asks_for_it(monkeypatch, value, is_requested):
    monkeypatch.delenv(trace_context.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(trace_context.VARIABLE, value)
    assert trace_context.is_requested() is is_requested
