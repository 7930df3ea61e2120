"""A run that goes on, read from its folder: seconds, totals, what is left; and rows that are half written."""

import json
import os
import shutil
from contextlib import ExitStack, closing

import pytest

from loadgen import scenarios
from loadgen.collectors.live_readings import FILE, LiveReadings
from loadgen.generator.recorder import Recorder
from loadgen.run_progress import STARTING, RunProgress
from loadgen.run_seconds import MAX_KINDS, OPEN_SECONDS, OTHER_ERRORS
from loadgen.run_view import faults, line, sparkline, view
from tests.builders import ENVIRONMENT
from workbench.faults import KINDS
from workbench.request_schema import WRITTEN

SECOND_US = 1_000_000


def row(at_s, latency_ms=5.0, error=None, phase="measure", lag_ms=0.0):
    """A request whose response comes `at_s` after the start of the generator."""
    latency_us = round(1000 * latency_ms)
    start_us = round(SECOND_US * at_s) - latency_us
    given = {"user": 1, "sequence": 1, "endpoint": "search", "phase": phase, "start_us": start_us, "bytes": 0}
    given |= {"latency_us": latency_us, "scheduled_us": start_us - round(1000 * lag_ms), "error": error}
    return tuple(given.get(name) for name in WRITTEN.names)


class Going:
    """A run whose generator, readings and record the test writes."""

    def __init__(self, directory, scenario):
        self.directory, self.in_flight = directory, None
        self.write(scenarios.find(scenario))
        self.recorder = Recorder(directory, lambda *values: values, pytest.fail, lambda: self.in_flight)
        self.progress = RunProgress(directory)

    def write(self, scenario, status="running", **more):
        record = {
            "status": status, "valid": None, "reasons": [], "block": 0, "dataset": {}, "environment": ENVIRONMENT,
            "deployment": {"name": "tuned", "settings": {}}, "scenario": scenario.record(),
            **more,
        }  # fmt: skip
        (self.directory / "run.json").write_text(json.dumps(record))

    def send(self, *rows, in_flight=None):
        self.in_flight = in_flight
        for each in rows:
            self.recorder.add(each)
        self.recorder.flush()
        self.progress.poll()
        return self.progress.seconds(100)

    def close(self):
        self.recorder.close()
        self.progress.close()


@pytest.fixture
def start(tmp_path_factory):
    """Starts a run of a scenario, in a folder of its own."""
    with ExitStack() as stack:
        yield lambda scenario: stack.enter_context(closing(Going(tmp_path_factory.mktemp("run"), scenario)))


@pytest.fixture
def going(start):
    return start("sustained-20")


def test_percentiles_are_of_the_rows_of_a_second_and_failures_stand_beside_them(going):
    latencies_ms = [float(number) for number in range(1, 101)]
    rows = [row(2.0, latency_ms) for latency_ms in latencies_ms] + [row(2.0, 900.0, error="boom")]
    (second,) = [each for each in going.send(row(1.0, 1.0), *rows) if each.successes == 100]
    assert (second.failures, second.median_ms, round(second.p95_ms, 2)) == (1, 50.5, 95.05)
    assert going.progress.errors == [("boom", 1)]


def test_a_request_counts_in_the_second_of_its_response(going):
    seconds = going.send(row(1.0, 1.0), row(3.5, 2400.0))
    assert [each.successes for each in seconds] == [1, 0, 1]
    assert seconds[1].p95_ms is None


def test_what_was_read_is_not_read_again_and_later_rows_are_added(going):
    going.send(row(1.0, 1.0))
    assert going.send()[-1].successes == 1
    assert sum(each.successes for each in going.send(row(1.5), row(2.5))) == 3


def test_rows_that_are_half_written_wait_for_their_end(going):
    going.recorder.add(row(1.0))
    going.recorder.flush()
    going.recorder.add(row(1.1))
    going.recorder.flush()
    whole = going.recorder.path.read_bytes()
    for cut in range(0, len(whole), 37):
        going.recorder.path.write_bytes(whole[:cut])
        progress = RunProgress(going.directory)
        progress.poll()
        assert progress.successes <= 2
        going.recorder.path.write_bytes(whole)
        progress.poll()
        assert progress.successes == 2
        progress.close()


def test_a_stream_that_is_none_is_ignored(going):
    (going.directory / "requests-1.arrows").write_bytes(b"no stream" * 1000)
    assert going.send(row(1.0))[-1].successes == 1


def test_requests_in_flight_come_from_the_generator_also_when_no_response_comes(going):
    assert going.send(row(1.0, 1.0), in_flight=3)[-1].in_flight == 3
    assert going.send(in_flight=20)[-1].in_flight == 20
    assert going.send(row(4.0))[-1].in_flight is not None


def test_open_load_shows_response_times(start):
    going = start("open-50")
    assert going.send(row(1.0, 5.0, lag_ms=95.0))[-1].p95_ms == pytest.approx(100.0)
    assert going.progress.time_name == "response time"


def test_the_pool_of_all_workers_is_the_most_of_each_second(going):
    going.send(row(1.0, 1.0))
    readings = LiveReadings(going.directory)
    for at_s, used in ((1.1, 2), (1.5, 4), (2.2, 1), (3.0, 0)):
        workers = [{"checked_out": used, "pending": 1, "limit": 5}, {"checked_out": 1, "pending": 0, "limit": 5}]
        readings.add(round(at_s * SECOND_US), workers)
    seconds = going.send(row(3.5))
    assert [(each.pool_in_use, each.pool_waiting) for each in seconds] == [(5, 1), (2, 1), (None, None)]
    readings.remove()
    assert not (going.directory / FILE).exists()


def test_closed_seconds_keep_their_counts_and_late_rows_are_named(going):
    going.send(row(1.0, 1.0), row(2.5 + OPEN_SECONDS))
    seconds = going.send(row(1.2, 700.0, error="late"))
    assert (seconds[0].successes, seconds[0].failures) == (1, 1)
    assert list(going.progress.notes()) == ["1 rows came so late that their second's percentiles lack them."]


def test_kinds_of_errors_are_bounded(going):
    going.send(*(row(1.0, error=f"kind {number}") for number in range(MAX_KINDS + 5)))
    kinds = dict(going.progress.errors)
    assert (len(kinds), kinds[OTHER_ERRORS]) == (MAX_KINDS + 1, 5)


def test_an_absurd_time_costs_its_own_row_only(going):
    month_ms = 30 * 86_400 * 1000.0
    assert len(going.send(row(1.0, 1.0), row(2.0 + month_ms / 1000, month_ms))) <= 3600
    assert going.progress.successes == 2


def test_the_time_left_counts_from_the_load_and_a_burst_has_requests_left(going, start):
    assert going.progress.phase == STARTING
    going.send(row(1.0, 1.0, phase="start"), row(3.9, phase="start"), row(5.0, 5.0, phase="warmup"))
    assert going.progress.phase == "warmup"
    assert going.progress.left_s == pytest.approx(35.0, abs=1.1)
    burst = start("burst-8")
    burst.send(row(1.0))
    assert (burst.progress.left_s, burst.progress.expected_requests) == (None, 24)
    assert "23 requests left" in line(burst.progress)


def test_a_fault_that_is_in_force_lasts_until_now_and_then_as_long_as_it_did(start):
    going = start("fault-bags-locked")
    made = {"name": "bags-locked", "begin_us": 3 * SECOND_US, "end_us": None, "reason": ""}
    other = {"name": "store-away", "begin_us": None, "end_us": None, "reason": "no store"}
    going.write(scenarios.find("fault-bags-locked"), faults=[made, other])
    going.send(row(1.0, latency_ms=0.0), row(5.5))
    (band,) = going.progress.faults
    assert (band.title, band.start_s, band.end_s) == (KINDS["bags-locked"].title, 2.0, going.progress.elapsed_s)
    assert faults(going.progress) == [f"fault from 2.0 s to {band.end_s:.1f} s: {band.title}"]
    going.write(scenarios.find("fault-bags-locked"), faults=[made | {"end_us": 8 * SECOND_US}])
    going.send(row(9.0))
    (band,) = going.progress.faults
    assert (band.start_s, band.end_s) == (2.0, 7.0)


def test_the_end_is_seen_and_what_was_read_stays(going):
    going.send(row(1.0))
    going.write(scenarios.find("sustained-20"), status="complete")
    going.recorder.path.unlink()
    going.progress.poll()
    assert not going.progress.is_going
    assert going.progress.successes == 1
    assert "complete" in line(going.progress)


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"status": "running"}', '{"scenario": 1}'])
def test_a_record_that_is_damaged_leaves_the_state_before(going, damaged):
    going.send(row(1.0))
    (going.directory / "run.json").write_text(damaged)
    assert going.send(row(1.5))[-1].successes == 2
    assert going.progress.deployment == "tuned"


def test_without_a_folder_it_is_starting(tmp_path):
    progress = RunProgress(tmp_path / "not" / "there")
    progress.poll()
    assert (progress.is_going, progress.seconds(10), line(progress)) == (
        True, [], "starting: 0 s, 0 successful, 0 failed"
    )  # fmt: skip


@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
def test_the_picture_fits_into_any_terminal(going, width):
    from rich.console import Console

    going.send(*(row(1.0 + number / 10, error="x\x1b[31m" + "y" * 200) for number in range(100)))
    console = Console(width=width, record=True, file=(going.directory / "out").open("w"))
    console.print(view(going.progress, width))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    if width >= 40:
        assert "p95" in shown
    console.file.close()


def test_a_sparkline_begins_at_0():
    assert sparkline([1.0, None, 8.0, 4.0]) == "▂ █▅"
    assert sparkline([None]) == " "
    assert sparkline([0.0]) == "▁"


def test_a_record_that_is_damaged_or_gone_leaves_the_last_state_and_is_named(going):
    going.send(row(1.0))
    record = going.directory / "run.json"
    content = record.read_text()
    record.write_text("{")
    going.progress.poll()
    assert "run.json is not readable JSON" in "".join(going.progress.notes())
    assert going.progress.successes == 1
    record.write_text(content)
    os.utime(record, (1, 1))
    going.progress.poll()
    assert list(going.progress.notes()) == []
    shutil.rmtree(going.directory)
    going.progress.poll()
    (note,) = going.progress.notes()
    assert note == f"What is shown is the last that could be read: its folder {going.directory} is gone."
    assert going.progress.successes == 1


def test_a_run_that_has_not_begun_lacks_nothing(tmp_path):
    for directory in (tmp_path, tmp_path / "none"):
        progress = RunProgress(directory)
        progress.poll()
        assert (list(progress.notes()), progress.problem, progress.phase) == ([], "", STARTING)
