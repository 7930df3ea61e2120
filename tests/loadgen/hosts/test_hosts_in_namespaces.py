"""A load over three network namespaces: far away, with another clock, and with a line that is cut."""

import re

import pytest

from loadgen.fault_needs import stepped_clock
from tests.loadgen.finished_run import directory_of, reasons_apart_from_lag
from tests.loadgen.hosts import namespaces
from tests.loadgen.hosts.namespaces import FAR_MS, HOUR_S, IN_ANOTHER_TIME, Namespaces
from tests.loadgen.hosts.over_hosts import TWO_TASKS, assert_same_counts, recorded
from workbench.request_schema import STREAMS

pytestmark = pytest.mark.skipif(not namespaces.are_allowed(), reason="this machine allows no private namespaces")
OPEN = ("--scenario", "open-40", "--arrivals", "constant", "--seed", "7", "--duration", "3", "--warmup", "1")
CUT = f"""
until [ -n "$(find "$DATA" -name '{STREAMS}' -size +20k)" ]; do sleep 0.1; done
sleep 1
ip link set wire2 down
"""


@pytest.fixture
def lab(own_command, tmp_path):
    return Namespaces(own_command, tmp_path, TWO_TASKS)


def host_at(record, address):
    (host,) = (host for host in record["hosts"] if host["address"] == address)
    return host


def test_a_load_over_three_namespaces_equals_that_of_one_host_in_its_counts(lab):
    """Worker 2 is 40 ms away from the run, and its monotonic clock an hour ahead."""
    finished = lab.run(*OPEN, before_2=IN_ANOTHER_TIME, far_2=True)
    assert finished.returncode in (0, 3), finished.stderr + lab.worker_log(1) + lab.worker_log(2)
    served = lab.served()
    record, rows = recorded(directory_of(finished))
    _, alone = recorded(directory_of(lab.run(*OPEN, hosts=0)))
    assert_same_counts(rows, alone)
    assert (len(rows), reasons_apart_from_lag(record)) == (160, [])
    near, far = host_at(record, "10.77.1.2"), host_at(record, "10.77.2.2")
    assert abs(near["clock"]["offset_ns"]) <= near["clock"]["uncertainty_ns"]
    for clock in (far["clock"], far["clock_at_end"]):
        assert abs(clock["offset_ns"] - HOUR_S * 10**9) <= clock["uncertainty_ns"]
        assert clock["uncertainty_ns"] >= 0.4 * FAR_MS * 1e6
    # The requests themselves take the direct way, and the hour is in no time.
    assert rows["latency_us"].between(0, 5_000_000).all()
    assert rows["response_us"].between(0, 5_000_000).all()
    assert rows["queue_us"].isna().all()
    assert served == ["untimed"] * (len(rows) + 3)  # each host checks once whether the target is up
    assert rows["scheduled_us"].between(0, 60_000_000).all()
    assert rows.groupby(rows["user"] % 2)["scheduled_us"].min().diff().abs().max() < 500_000


def test_a_cut_line_is_named_and_the_rows_before_it_are_kept(lab):
    arguments = ("--scenario", "open-40", "--duration", "60", "--warmup", "0")
    finished = lab.run(*arguments, beside=CUT.replace("$DATA", str(lab.folder / "data")))
    assert finished.returncode == 1, finished.stderr
    assert "(10.77.2.2, process" in finished.stderr.splitlines()[-1]
    assert "was silent for 10 s" in finished.stderr.splitlines()[-1]
    (folder,) = (lab.folder / "data" / "runs" / "single-runs").iterdir()
    record, rows = recorded(folder)
    lost, kept = host_at(record, "10.77.2.2"), host_at(record, "10.77.1.2")
    assert (lost["status"], kept["status"], record["valid"]) == ("lost", "complete", False)
    assert len(rows) == lost["rows"] + kept["rows"]
    assert 0 < lost["rows"] < kept["rows"]
    assert "was silent for 10 s; the rows of this host are in" in lab.worker_log(2)


@pytest.mark.resilience
def test_a_line_that_is_cut_for_a_while_costs_no_row(lab):
    """Requests on the line fail meanwhile or are late; every one of them has its row in the end."""
    for_a_while = CUT.replace("sleep 1", "sleep 0.2") + "sleep 3\nip link set wire2 up\n"
    arguments = ("--scenario", "open-40", "--arrivals", "constant", "--duration", "15", "--warmup", "0")
    finished = lab.run(*arguments, beside=for_a_while.replace("$DATA", str(lab.folder / "data")))
    assert finished.returncode in (0, 3), finished.stderr + lab.worker_log(2)
    record, rows = recorded(directory_of(finished))
    assert [host["status"] for host in record["hosts"]] == ["complete", "complete"]
    assert len(rows) == record["generator"]["requests"] == 600


@pytest.mark.extra
def test_a_host_whose_wall_clock_is_an_hour_ahead_is_refused(lab, tmp_path):
    with stepped_clock.environ(tmp_path) as variables:
        stepped_clock.step(tmp_path, HOUR_S)
        stepped = "env " + " ".join(f"{name}={value}" for name, value in variables.items())
        finished = lab.run(*OPEN, "--wait-hosts", "15", before_2=stepped)
    assert finished.returncode == 1
    reason = r"its wall clock is 3,(599|600) s ahead of that of the run's host, .*; set it"
    assert re.search(reason, lab.worker_log(2).splitlines()[-1])
    assert re.search(reason, finished.stderr)
    assert "1 of 2 hosts came" in finished.stderr.splitlines()[-1]
    assert not (lab.folder / "data" / "runs").exists()
