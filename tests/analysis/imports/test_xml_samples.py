"""Columns of samples: each value as it would be by itself, whatever stands beside it."""

import pytest

from analysis.imports import xml_samples
from analysis.imports.staged_rows import integer

ODD = ("", " 12", "-5", "1e3", "0x10", "12.7", "nan", "1_000", "９", "9" * 19, "9" * 40)


@pytest.mark.parametrize("odd", ODD)
def test_a_number_is_what_it_is_alone(odd):
    samples = [{"t": "20", "ts": "1767225600000"}, {"t": odd, "ts": odd}, {"by": odd}]
    columns = xml_samples.columns(samples, stamps_end=False)
    assert columns["latency_us"].to_pylist() == [20_000, integer(odd, 1000), None]
    assert columns["at_us"].to_pylist() == [1767225600000_000, integer(odd, 1000), None]
    assert columns["bytes"].to_pylist() == [None, None, integer(odd)]


def test_long_names_stand_in_where_short_ones_are_missing():
    samples = [{"lb": "a", "rc": "200"}, {"label": "b", "responseCode": "404", "responseMessage": "gone"}, {}]
    columns = xml_samples.columns(samples, stamps_end=False)
    assert columns["endpoint"] == ["a", "b", "all requests"]
    assert columns["status"] == [200, 404, None]
    assert columns["error"] == ["200", "404 gone", None]


def test_a_stamp_of_the_end_becomes_the_send_where_the_time_is_known():
    samples = [{"t": "20", "ts": "1000"}, {"t": "", "ts": "1000"}, {"t": "20"}]
    assert xml_samples.columns(samples, stamps_end=True)["at_us"].to_pylist() == [980_000, 1_000_000, None]
