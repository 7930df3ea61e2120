"""Log lines: JSON from the application and from its instrumentation."""

import json
import logging

import pytest

from reference_app.logs import LOGGERS


@pytest.mark.parametrize("name", ["reference_app.store", "instrumentation.timed_pool"])
def test_a_warning_is_one_json_line(app, capfd, name):
    logging.getLogger(name).warning("connection held", extra={"held_s": 5.5})
    (line,) = capfd.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["held_s"]) == ("connection held", "WARNING", 5.5)
    assert record["request_id"] is None
    assert record["worker"] == 0


def test_the_loggers_are_those_of_both_packages():
    assert LOGGERS == ("reference_app", "instrumentation")
