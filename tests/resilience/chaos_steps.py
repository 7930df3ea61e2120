"""The steps of a chaos test: requests of clients, faults with requests around them, and how both are drawn.

The representation of a step is the Python that makes it: a sequence that failed is kept in `chaos_cases` as printed.
"""

from typing import NamedTuple

from hypothesis import strategies as st

from loadgen import toxics

CLIENTS, USERS, KEYS, BAGS = 4, 4, 5, 3
TERMS = ("M444-0000001", "BAG", "000", "zzz")
MIN_STEPS, MAX_STEPS = 3, 6
MAX_HOLD_MS, MAX_PAUSE_MS = 900, 2500

DATABASE, STORE, WORKER = "database", "store", "worker"


class Login(NamedTuple):
    """A client logs in as a user; its session until then becomes invalid."""

    client: int
    user: int


class Logout(NamedTuple):
    """A client ends its session."""

    client: int


class Dashboard(NamedTuple):
    """A client reads the counts and the last scans."""

    client: int


class Ended(NamedTuple):
    """A client reads the dashboard with the session that it had before its present one, as a thief would."""

    client: int


class Search(NamedTuple):
    """A client searches for `TERMS[term]`."""

    client: int
    term: int


class Scan(NamedTuple):
    """A client scans a bag under a key: few keys, so that one comes again, of the same user and of others."""

    client: int
    key: int
    bag: int


Request = Login | Logout | Dashboard | Ended | Search | Scan


class Together(NamedTuple):
    """Requests at the same time."""

    requests: tuple[Request, ...]


class Toxic(NamedTuple):
    """A toxic of the proxy before the database or the store."""

    concerns: str
    kind: str
    direction: str
    attributes: tuple[tuple[str, int], ...]


class Injected(NamedTuple):
    """A fault of `loadgen.fault_injection`, by name."""

    concerns: str
    name: str


Fault = Toxic | Injected


class Under(NamedTuple):
    """Faults that are in force together for a time, with requests before, during and after: one after another."""

    faults: tuple[Fault, ...]
    hold_ms: int
    requests: tuple[Request, ...]


class Pause(NamedTuple):
    """Nothing is sent for a time: answers in caches grow old."""

    ms: int


Step = Request | Together | Under | Pause
Steps = tuple[Step, ...]

INJECTED = {
    DATABASE: (
        "idle-backends-terminated",
        "busy-backends-terminated",
        "bags-locked",
        "database-stopped",
        "failover",
        "backend-frozen",
        "connections-used-up",
        "black-hole",
        "black-hole-cold-pool",
    ),
    STORE: ("store-away", "store-frozen"),
    WORKER: ("worker-killed", "worker-stuck"),
}
DIRECTIONS = (toxics.UPSTREAM, toxics.DOWNSTREAM, toxics.BOTH)
VALUES = {
    toxics.LATENCY: {"latency_ms": (5, 400), "jitter_ms": (0, 50)},
    toxics.BANDWIDTH: {"rate_kb_s": (1, 50)},
    toxics.TIMEOUT: {"timeout_ms": (0, 500)},
    toxics.RESET_PEER: {"timeout_ms": (0, 300)},
    toxics.SLOW_CLOSE: {"delay_ms": (0, 500)},
    toxics.LIMIT_DATA: {"bytes": (0, 2000)},
    toxics.DOWN: {},
}

clients = st.integers(0, CLIENTS - 1)
scans = st.builds(Scan, clients, st.integers(0, KEYS - 1), st.integers(0, BAGS - 1))
requests = st.one_of(
    st.builds(Dashboard, clients),
    scans,
    scans,
    st.builds(Search, clients, st.integers(0, len(TERMS) - 1)),
    st.builds(Login, clients, st.integers(0, USERS - 1)),
    st.builds(Logout, clients),
    st.builds(Ended, clients),
)


@st.composite
def toxic(draw: st.DrawFn, concerns: str) -> Toxic:
    """A toxic with attributes from the ranges of `VALUES`."""
    kind = draw(st.sampled_from(tuple(VALUES)))
    direction = toxics.BOTH if kind == toxics.DOWN else draw(st.sampled_from(DIRECTIONS))
    return Toxic(
        concerns, kind, direction, tuple((name, draw(st.integers(*span))) for name, span in VALUES[kind].items())
    )


def injected(concerns: str) -> st.SearchStrategy[Injected]:
    """A fault of the catalogue."""
    return st.sampled_from(INJECTED[concerns]).map(lambda name: Injected(concerns, name))


FAULTS = {
    DATABASE: st.one_of(toxic(DATABASE), injected(DATABASE)),
    STORE: st.one_of(toxic(STORE), injected(STORE)),
    WORKER: injected(WORKER),
}


@st.composite
def faults(draw: st.DrawFn) -> tuple[Fault, ...]:
    """One fault, or two that concern different parts."""
    parts = draw(st.lists(st.sampled_from(tuple(FAULTS)), min_size=1, max_size=2, unique=True))
    return tuple(draw(FAULTS[part]) for part in parts)


under = st.builds(
    Under, faults(), st.integers(100, MAX_HOLD_MS), st.lists(requests, min_size=4, max_size=12).map(tuple)
)
together = st.builds(Together, st.lists(requests, min_size=2, max_size=8).map(tuple))
sequences: st.SearchStrategy[Steps] = st.lists(
    st.one_of(requests, together, under, under, st.builds(Pause, st.integers(0, MAX_PAUSE_MS))),
    min_size=MIN_STEPS,
    max_size=MAX_STEPS,
).map(tuple)
