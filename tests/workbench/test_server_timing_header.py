"""What of a `Server-Timing` header gets into a row: only values that fit into the latency of their request."""

from collections import Counter

import pyarrow as pa
import pytest

from workbench.request_schema import COLUMNS, PARTS
from workbench.server_timing_header import ROUNDING_US, columns

LATENCY_US = 5_000
GOOD = {"queue": 0.5, "app": 4.0, "pool": 0.1, "db": 2.0, "hash": 0.5, "cache": 0.2, "session": 0.3, "loop": 0.1}


def header(**durations_ms):
    return ", ".join(f"{name};dur={value}" for name, value in (GOOD | durations_ms).items() if value is not None)


def read(text, latency_us=LATENCY_US):
    """The columns with a value, and the numbers of discarded values by column."""
    discarded = Counter()
    arrays = columns(pa.array([text], pa.string()), pa.array([latency_us], pa.int32()), discarded)
    values = {spec.name: arrays[spec.name][0].as_py() for spec in COLUMNS if spec.metric}
    return {name: value for name, value in values.items() if value is not None}, discarded


def test_timings_that_fit_are_kept():
    values, discarded = read(header())
    assert values == {f"{name}_us": round(1000 * value) for name, value in GOOD.items()}
    assert not discarded


WITHIN = {"app_us", *(f"{part}_us" for part in PARTS)}
EDGE_MS = LATENCY_US / 1000
TOO_LONG_MS = (LATENCY_US + ROUNDING_US + 1) / 1000


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        pytest.param(header(app=90_000, queue=None), WITHIN, id="app above the latency"),
        pytest.param(header(app=TOO_LONG_MS, queue=None), WITHIN, id="app just above the latency"),
        pytest.param(header(db=99_000), WITHIN, id="a part above the app"),
        pytest.param(header(db=3.5), WITHIN, id="parts that add up to more than the app"),
        pytest.param(header(app=None, db=99_000), WITHIN - {"app_us"}, id="parts above the latency, without an app"),
        pytest.param(header(queue=-0.5), {"queue_us"}, id="negative queue"),
        pytest.param(header(queue=7), {"queue_us"}, id="queue above the latency"),
        pytest.param(header(queue=1.5), {"queue_us"}, id="queue and app above the latency"),
        pytest.param(header(app="fast"), WITHIN, id="no number"),
        pytest.param(header(app="NaN"), WITHIN, id="not a number"),
        pytest.param(header(db="-1"), WITHIN, id="negative part"),
        pytest.param(header(db=""), WITHIN, id="empty"),
        pytest.param(header(db="1e3"), WITHIN, id="with an exponent"),
        pytest.param(header(db="1.5.2"), WITHIN, id="with two points"),
        pytest.param(header(db="٣"), WITHIN, id="digits of another script"),
        pytest.param(header(app="12345678"), WITHIN, id="more digits than a request can take"),
        pytest.param(header(app="9" * 400), WITHIN, id="huge"),
        pytest.param(header() + ", app;dur=1", WITHIN, id="metric twice"),
        pytest.param(header() + ",app;dur=4.0", WITHIN, id="metric twice with the same value"),
        pytest.param(header(db="2.0;dur=1"), WITHIN, id="parameter twice"),
        pytest.param(header() + ", queue;dur=0.1", {"queue_us"}, id="queue twice"),
    ],
)
def test_a_timing_that_cannot_be_is_null_and_counted(text, lost):
    values, discarded = read(text)
    given = {f"{name}_us" for name in GOOD if f"{name};" in text}
    assert values.keys() == given - lost
    assert discarded == Counter(dict.fromkeys(lost, 1))


def test_values_at_the_edge_of_rounding_are_kept():
    values, discarded = read(header(app=EDGE_MS + ROUNDING_US / 1000, queue=None))
    assert values["app_us"] == LATENCY_US + ROUNDING_US
    assert not discarded


@pytest.mark.parametrize("text", [None, "", "miss", "total;dur=5", "db;desc=query", ";;,,==", "appx;dur=99999"])
def test_headers_of_other_applications_discard_nothing(text):
    assert read(text) == ({}, Counter())


def test_a_number_that_fits_no_column_is_null():
    assert "db_calls" not in read('app;dur=1, db;dur=0.5;desc="12345"')[0]
    assert read('app;dur=1, db;dur=0.5;desc="1234"')[0]["db_calls"] == "1234"
