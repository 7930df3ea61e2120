"""Configuration of this process of the generator, from the environment that `loadgen.locust_runner` sets.

TRACETRACK_RUN_DIRECTORY  where the rows go; where Locust was started manually, a run of its own
TRACETRACK_RUN_STARTED_NS the monotonic clock at the start of the run
TRACETRACK_PROCESS        number of this process of the generator, and how many there are: 0/1; a process of a Locust
                          that was started manually takes the next free number, see `manual_run`
TRACETRACK_SCENARIO       the scenario as JSON
TRACETRACK_SEED           seed of the users' random numbers
TRACETRACK_ROWS           rows by table, from which the users of TraceTrack draw existing ids, as JSON
TRACETRACK_WORD           path of the start signal: users start when this file exists, or at once without the variable
TRACETRACK_URL            of the target, for Locust's `--host`; it may hold a password, and a command line is public
TRACETRACK_USER_CLASSES   path of the locustfile with the user classes
TRACETRACK_TLS            how certificates are checked: empty for what the user classes say, `insecure`, or the path of
                          the certificate authority's file
TRACETRACK_SUCCESS        what counts as a success by endpoint, see `success_rules`, as JSON
TRACETRACK_REHEARSAL      set for a process that ends before its users start, see `rehearsal`
TRACETRACK_HOSTS          set where several hosts make the load
TRACETRACK_CLOCK_OFFSET_NS
                          this host's monotonic clock minus that of the run's host, on a host that joined the run
TRACETRACK_SESSION_LIFETIMES
                          how long a session of the application lasts without a request, and in all, in seconds, as
                          JSON; null where that is not known

`run_token` reads TRACETRACK_RUN_TOKEN itself.
"""

import json
import os
import time
from pathlib import Path

import gevent

from .interface import HOSTS, OFFSET

SIGNAL_INTERVAL_S = 0.005

GIVEN_DIRECTORY = os.environ.get("TRACETRACK_RUN_DIRECTORY", "")
IS_MANUAL = "TRACETRACK_PROCESS" not in os.environ
STARTED_NS = int(os.environ.get("TRACETRACK_RUN_STARTED_NS") or time.monotonic_ns())
PROCESS, PROCESSES = map(int, os.environ.get("TRACETRACK_PROCESS", "0/1").split("/"))
SCENARIO = json.loads(os.environ.get("TRACETRACK_SCENARIO", "{}"))
SEED = int(os.environ.get("TRACETRACK_SEED", "0"))
ROWS = json.loads(os.environ.get("TRACETRACK_ROWS", "{}"))
START_SIGNAL = os.environ.get("TRACETRACK_WORD")
URL = os.environ.get("TRACETRACK_URL", "")
USER_CLASSES = Path(os.environ.get("TRACETRACK_USER_CLASSES", ""))
HAS_OWN_USERS = USER_CLASSES.parent == Path(__file__).parent  # TraceTrack's, whose requests are named by endpoint alone
SESSION_LIFETIMES_S = json.loads(os.environ.get("TRACETRACK_SESSION_LIFETIMES", "null"))
SUCCESS = json.loads(os.environ.get("TRACETRACK_SUCCESS", "{}"))
TLS = os.environ.get("TRACETRACK_TLS", "")
OVER_HOSTS = HOSTS in os.environ
IS_REMOTE = OFFSET in os.environ  # the run's host is another one
CLOCK_OFFSET_NS = int(os.environ.get(OFFSET, "0"))


def wait_for_start_signal() -> None:
    """Return when the system under test is ready for the users."""
    while START_SIGNAL and not os.path.exists(START_SIGNAL):
        gevent.sleep(SIGNAL_INTERVAL_S)
