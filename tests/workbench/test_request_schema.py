"""The columns of a request row agree with what the application reports and the load generator writes."""

import pytest

from instrumentation import server_timing
from instrumentation.server_timing import Timing
from workbench import request_schema
from workbench.request_schema import COLUMNS, DURATION, PARTS


def test_the_parts_are_those_of_the_instrumentation():
    assert PARTS == server_timing.PARTS


def test_every_metric_of_a_column_is_in_the_header():
    timing = Timing(10, 5)
    timing.use_connection(1)
    metrics = {part.partition(";")[0].strip() for part in timing.header(0).split(",")}
    assert {column.metric for column in COLUMNS if column.metric} == metrics


@pytest.mark.parametrize("column", [column for column in COLUMNS if column.of_metric == DURATION], ids=lambda c: c.name)
def test_a_duration_is_named_after_its_metric_with_its_unit(column):
    assert column.name == f"{column.metric}_us"


def test_a_row_is_written_with_the_columns_of_the_generator_and_the_header():
    assert request_schema.WRITTEN.names == [
        "user", "sequence", "endpoint", "phase", "scheduled_us", "user_wait_us", "start_us", "latency_us", "status",
        "error", "bytes", "server_timing",
    ]  # fmt: skip
