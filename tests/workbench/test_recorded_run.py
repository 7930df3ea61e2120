"""A run that is read back from the disk: whole, cut off, and without some of its files."""

import pytest

from tests.workbench.one_line import require_one_line
from workbench.recording import RecordingError

PARTS_US = {"pool_us": 1000, "db_us": 20_000, "hash_us": 3000, "cache_us": 500, "session_us": 1500}


def test_a_complete_run_is_read_as_it_was_written(builder):
    (run,) = builder.experiment(builder.run("tuned", "burst-50", block=2)).runs
    assert (run.name, run.deployment, run.scenario, run.block) == ("3-01-tuned-burst-50", "tuned", "burst-50", 2)
    assert (run.status, len(run.requests)) == ("complete", 150)
    assert set(run.process["role"]) == {"generator", "server", "database"}
    assert set(run.pool["worker"]) == {0, 1}
    assert set(run.database["source"]) == {"activity", "database", "statement"}
    assert run.log == []


def test_times_are_milliseconds_once_read(builder):
    recorded = builder.run()
    recorded.rows = [recorded.rows[0] | {"start_us": 2_000_250, "latency_us": 1500, "queue_us": 250}]
    (row,) = builder.experiment(recorded).runs[0].requests.to_dict("records")
    assert (row["start_ms"], row["latency_ms"], row["queue_ms"]) == (2000.25, 1.5, 0.25)
    assert not [name for name in row if name.endswith("_us")]


def test_the_rest_is_the_application_less_its_parts_and_the_residual_what_nobody_accounts_for(builder):
    recorded = builder.run()
    recorded.rows = [recorded.rows[0] | PARTS_US | {"latency_us": 100_000, "queue_us": 58_000, "app_us": 40_000}]
    requests = builder.experiment(recorded).runs[0].requests
    assert requests["rest_ms"].tolist() == [14.0]
    assert requests["residual_ms"].tolist() == [2.0]


def test_a_part_that_was_not_measured_counts_as_nothing_but_without_app_there_is_no_rest(builder):
    recorded = builder.run()
    first, second = recorded.rows[:2]
    recorded.rows = [first | PARTS_US | {"app_us": 40_000, "hash_us": None}, second | {"app_us": None}]
    requests = builder.experiment(recorded).runs[0].requests
    assert requests["rest_ms"][0] == 17.0
    assert requests[["rest_ms", "residual_ms"]].loc[1].isna().all()


def test_the_warm_up_is_among_the_requests_and_not_among_the_measured(builder):
    (run,) = builder.experiment(builder.run("as-measured", "single")).runs
    assert (len(run.requests), len(run.measured)) == (93, 90)
    assert run.measured["latency_ms"].max() == 100


def test_a_run_that_was_cut_off_says_so_and_is_read_from_its_streams(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    assert run.status == "cut off"
    assert not (run.directory / "requests.parquet").exists()
    assert len(run.measured) == 150
    assert run.requests["latency_ms"].iloc[0] == 100


def test_missing_readings_are_empty(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    (run.directory / "gunicorn.log").unlink()
    assert run.process.empty
    assert run.database.empty
    assert run.pool.empty
    assert run.log == []


def test_a_run_that_was_cut_off_before_its_first_row_has_none_to_read(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    for stream in run.directory.glob("requests-*.arrows"):
        stream.write_bytes(b"torn")
    with pytest.raises(RecordingError) as excinfo:
        _ = run.requests
    require_one_line(excinfo, run.name, "ended before its first request")


def test_log_lines_that_are_no_json_are_skipped(builder):
    recorded = builder.run()
    recorded.log = ["[INFO] Starting gunicorn", '{"request_id": "0-2"}', "{'of': 'python'}", '{"torn": ', "{}", ""]
    assert builder.experiment(recorded).runs[0].log == [{"request_id": "0-2"}, {}]
