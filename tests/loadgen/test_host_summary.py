"""The closing lines about the hosts of a run."""

from loadgen import host_summary

HOST = {
    "name": "w1", "address": "10.0.0.2", "rows": 1_234, "lost": "", "clock_error_ms": 0.25,
    "clock": {"offset_ns": 3_600_000_000_000, "uncertainty_ns": 150_000, "rounds": 60},
}  # fmt: skip


def test_lines_have_the_rows_and_the_clock_of_each_host():
    lost = HOST | {"name": "w2\x1b[1m", "lost": "was silent for 10 s"}
    first, second = host_summary.lines({"hosts": [HOST, lost]})
    assert first == (
        "host w1 (10.0.0.2): 1,234 rows, its monotonic clock +3,600.000 s ± 0.150 ms from the run's, "
        "known to 0.250 ms until the end"
    )
    assert "was silent for 10 s" in second
    assert "\x1b" not in second


def test_lines_of_a_load_from_one_host_are_none():
    assert list(host_summary.lines({})) == []
