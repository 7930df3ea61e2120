"""The faults that runs are put under, by name: what each is, how long it lasts, and what an application owes meanwhile.

`loadgen.faults` makes them; the scenario `fault-<name>` puts a load under each. The record of a run has what happened
under `KEY`, a list with an entry for each fault:

    {"name": "black-hole", "begin_us": 8012345, "end_us": 18034567, "reason": ""}

The times are those of the request rows, µs since the start of the run; `end_us` is null for a fault that was still in
force when the run ended. `begin_us` is null, and `reason` says why, for one that could not be made.
"""

from typing import Literal, NamedTuple

KEY = "faults"  # in the record of a run
PREFIX = "fault-"  # of the scenarios' names

# What an application owes its users under a fault:
# no failure at all; clean refusals only, a 503 with Retry-After; besides them failures of the requests that were in
# flight in the worker; or nothing, as the run itself ends.
Promise = Literal["no failure", "clean refusals", "in-flight failures", "run ends"]
NO_FAILURE: Promise = "no failure"
CLEAN: Promise = "clean refusals"
IN_FLIGHT: Promise = "in-flight failures"
RUN_ENDS: Promise = "run ends"

# The kind of failure of a clean refusal, and the beginning of that of any other response of this status.
REFUSED = "status 503"

DATABASE, STORE, APPLICATION, RECORDING, CLOCK = "database", "store", "application", "recording", "clock"


class FaultKind(NamedTuple):
    """A fault: what happens, what it concerns, how many seconds it lasts (0: an instant), and what is promised.

    `title` is its name on the page, `description` the sentence there.
    """

    name: str
    title: str
    description: str
    concerns: str
    duration_s: float
    promise: Promise = CLEAN


KINDS = {
    kind.name: kind
    for kind in (
        FaultKind(
            "idle-backends-terminated",
            "idle backends terminated",
            "The server ends every session of the application that waits for a statement.",
            DATABASE,
            0.0,
            NO_FAILURE,
        ),
        FaultKind(
            "busy-backends-terminated",
            "busy backends terminated",
            "Statements wait for a lock for a second; then the server ends the sessions that wait.",
            DATABASE,
            1.0,
        ),
        FaultKind(
            "database-stopped",
            "PostgreSQL stopped at once",
            "PostgreSQL is stopped without a checkpoint, and started again after 4 s.",
            DATABASE,
            4.0,
        ),
        FaultKind(
            "failover",
            "PostgreSQL away for 20 s",
            "PostgreSQL ends its sessions and stops, as in a failover, and is started again after 20 s.",
            DATABASE,
            20.0,
        ),
        FaultKind(
            "black-hole",
            "black hole, warm pool",
            "Nothing passes between application and PostgreSQL for 10 s; no connection is closed.",
            DATABASE,
            10.0,
        ),
        FaultKind(
            "black-hole-cold-pool",
            "black hole, cold pool",
            "All connections to PostgreSQL are closed; then nothing passes for 10 s.",
            DATABASE,
            10.0,
        ),
        FaultKind(
            "backend-frozen",
            "frozen backend",
            "The process of one session of the application stands still for 10 s (SIGSTOP).",
            DATABASE,
            10.0,
        ),
        FaultKind(
            "connections-used-up",
            "max_connections used up",
            "The server ends the application's sessions, and others take every free one for 6 s.",
            DATABASE,
            6.0,
        ),
        FaultKind("bags-locked", "lock on bags", "Another session locks the table of bags for 5 s.", DATABASE, 5.0),
        FaultKind(
            "slow-statement",
            "one slow statement",
            "For 6 s one scan at a time takes 20 s in PostgreSQL, while all others stay fast.",
            DATABASE,
            6.0,
        ),
        FaultKind("store-away", "Valkey away", "Connections to Valkey are closed and refused for 6 s.", STORE, 6.0),
        FaultKind("store-frozen", "Valkey frozen", "Valkey stands still for 6 s (SIGSTOP).", STORE, 6.0),
        FaultKind(
            "worker-killed", "worker killed", "A worker of the application is killed.", APPLICATION, 0.0, IN_FLIGHT
        ),
        FaultKind(
            "worker-out-of-memory",
            "worker out of memory",
            "The memory of the application is used up until the kernel ends a worker, for 10 s at most.",
            APPLICATION,
            10.0,
            IN_FLIGHT,
        ),
        FaultKind(
            "worker-stuck",
            "worker stuck",
            "A worker of the application stands still (SIGSTOP) until it is replaced, for 15 s at most.",
            APPLICATION,
            15.0,
            IN_FLIGHT,
        ),
        FaultKind(
            "sessions-full",
            "session folder full",
            "The disk with the session files is full for 5 s.",
            APPLICATION,
            5.0,
        ),
        FaultKind(
            "generator-killed",
            "load generator killed",
            "The process of the load generator is killed.",
            RECORDING,
            0.0,
            RUN_ENDS,
        ),
        FaultKind(
            "kernel-killed",
            "notebook kernel killed",
            "The kernel of the notebook that measures is killed.",
            RECORDING,
            0.0,
            RUN_ENDS,
        ),
        FaultKind(
            "recording-disk-full",
            "disk full while recording",
            "The disk that the run is recorded on is full, and stays so.",
            RECORDING,
            0.0,
            RUN_ENDS,
        ),
        FaultKind(
            "clock-stepped",
            "wall clock stepped",
            "The wall clock of the application is an hour ahead for 6 s, then goes back.",
            CLOCK,
            6.0,
            NO_FAILURE,
        ),
    )
}


def kind_of(scenario: str) -> FaultKind | None:
    """The fault of a scenario `fault-<name>`; None for any other scenario."""
    return KINDS.get(scenario.removeprefix(PREFIX)) if scenario.startswith(PREFIX) else None
