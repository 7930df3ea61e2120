"""Sequences that are run always, those that failed once among them. Add what a failure prints, under a name."""

from tests.resilience.chaos_steps import (
    DATABASE,
    STORE,
    WORKER,
    Dashboard,
    Ended,
    Injected,
    Login,
    Logout,
    Pause,
    Scan,
    Search,
    Steps,
    Together,
    Toxic,
    Under,
)

CASES: dict[str, Steps] = {
    "same keys of two users at the same time": (
        Together((Scan(0, 0, 0), Scan(0, 0, 0), Scan(1, 0, 0), Scan(1, 0, 1), Dashboard(0), Dashboard(1))),
        Login(0, 1),
        Together((Scan(0, 0, 0), Scan(1, 0, 0), Dashboard(0), Dashboard(1))),
    ),
    "sessions are used after their logout and after another login": (
        Logout(0),
        Ended(0),
        Login(1, 2),
        Ended(1),
        Under((Injected(STORE, "store-frozen"),), 400, (Logout(2), Login(3, 0), Dashboard(2), Dashboard(3))),
        Together((Ended(0), Ended(1), Ended(2), Ended(3))),
    ),
    "idle connections are ended by the server": (
        Together(
            tuple(Dashboard(client) for client in (0, 1, 2, 3)) + tuple(Scan(client, 0, 0) for client in (0, 1, 2, 3))
        ),
        Under(
            (Injected(DATABASE, "idle-backends-terminated"),),
            200,
            (*(Scan(client, 1, 0) for client in (0, 1, 2, 3)), *(Dashboard(client) for client in (0, 1, 2, 3))),
        ),
    ),
    "answers of scans are lost": (
        Under(
            (Toxic(DATABASE, "limit_data", "downstream", (("bytes", 300),)),),
            300,
            (Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1), Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1)),
        ),
        Together((Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1))),
    ),
    "answers are too old while new ones are computed slowly": (
        Together((Dashboard(0), Dashboard(1), Search(0, 0), Search(1, 0))),
        Scan(0, 0, 0),
        Pause(2300),
        Under(
            (Toxic(DATABASE, "latency", "downstream", (("latency_ms", 100), ("jitter_ms", 0))),),
            800,
            (Scan(2, 0, 0), *(Dashboard(client) for client in (0, 1, 2, 3, 0, 1)), *(Search(3, 0),) * 4),
        ),
    ),
    "a worker is stuck until it is replaced": (
        Under(
            (
                Toxic(DATABASE, "latency", "downstream", (("latency_ms", 200), ("jitter_ms", 0))),
                Injected(WORKER, "worker-stuck"),
            ),
            4500,
            (Scan(0, 0, 0), Scan(1, 0, 0), Scan(2, 0, 0), Scan(3, 0, 0)) * 6,
        ),
        Together((*(Scan(client, 0, 0) for client in (0, 1, 2, 3)), *(Dashboard(client) for client in (0, 1, 2, 3)))),
    ),
    "a worker is killed while the store is away": (
        Under(
            (Injected(WORKER, "worker-killed"), Injected(STORE, "store-away")),
            300,
            (Scan(0, 0, 0), Logout(1), Login(2, 3), Dashboard(3), Search(0, 1), Scan(3, 0, 0)),
        ),
        Together((Dashboard(0), Dashboard(1), Dashboard(2), Dashboard(3))),
    ),
}
