"""Log lines: JSON from the application and from its instrumentation."""

import json
import logging
import re

import pytest

from reference_app.logs import HEADER, LOGGERS


@pytest.mark.parametrize("name", ["reference_app.store", "instrumentation.timed_pool"])
def test_a_warning_is_one_json_line(app, capfd, name):
    logging.getLogger(name).warning("connection held", extra={"held_s": 5.5})
    (line,) = capfd.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["held_s"]) == ("connection held", "WARNING", 5.5)
    assert record["request_id"] is None
    assert record["worker"] == 0


@pytest.mark.parametrize(
    ("given", "logged"), [(f"00-{'4b' * 16}-{'0f' * 8}-01", "4b" * 16), ('00-"}\n{"', None), ("", None)]
)
def test_a_line_of_a_request_names_the_trace_of_its_caller(app, capfd, given, logged):
    with app.test_request_context(environ_overrides={"HTTP_TRACEPARENT": given}):
        logging.getLogger("reference_app.store").warning("late")
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["trace_id"] == logged


def test_the_loggers_are_those_of_both_packages():
    assert LOGGERS == ("reference_app", "instrumentation")


@pytest.mark.parametrize("given", ["a-Z.0_9", "x" * 64])
def test_the_id_of_a_request_is_kept(client, given):
    assert client.get("/login", headers={HEADER: given}).headers[HEADER] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b', "a,b", "<b>", "\xfc"])
def test_an_id_of_another_form_is_replaced(client, given):
    sent = client.get("/login", headers={HEADER: given}).headers[HEADER]
    assert re.fullmatch("[0-9a-f]{16}", sent)
