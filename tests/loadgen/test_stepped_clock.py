"""A wall clock that is stepped for the processes that have it, and for no other."""

import os
import subprocess
import sys
import time

import pytest

from loadgen.fault_needs import stepped_clock
from tests.processes import wait_until

pytestmark = pytest.mark.extra  # libfaketime is a Debian package

READ = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
STEP_S = 3600


@pytest.fixture
def ahead_s(tmp_path):
    """How far the clocks of a process with a clock of its own are ahead of this one's: wall clock, monotonic clock."""
    with stepped_clock.environ(tmp_path) as variables:
        child = subprocess.Popen(
            [sys.executable, "-c", READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **variables},
        )  # fmt: skip

        def ahead():
            child.stdin.write("\n")
            child.stdin.flush()
            wall_s, monotonic_s = map(float, child.stdout.readline().split())
            return wall_s - time.time(), monotonic_s - time.monotonic()

        with child:
            yield ahead
            child.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_wall_clock_is_an_hour_ahead_and_then_right_and_the_monotonic_clock_goes_on(ahead_s, tmp_path):
    for seconds in (0, STEP_S, 0):
        stepped_clock.step(tmp_path, seconds)
        wait_until(lambda: ahead_s() == pytest.approx((seconds, 0), abs=0.5))  # noqa: B023


def test_process_with_that_clock_sleeps_as_long_as_it_says(tmp_path):
    timed = "import time; begin = time.monotonic(); time.sleep(0.3); print(time.monotonic() - begin)"
    with stepped_clock.environ(tmp_path) as variables:
        environ = {**os.environ, **variables}
        finished = subprocess.run([sys.executable, "-c", timed], env=environ, capture_output=True, text=True)
    assert float(finished.stdout) >= 0.3, finished.stderr
