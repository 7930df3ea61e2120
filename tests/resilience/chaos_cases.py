"""Sequences that are run always, those that failed once among them. Add what a failure prints, under a name."""

from tests.resilience.chaos_steps import (
    DATABASE,
    STORE,
    WORKER,
    Dashboard,
    Injected,
    Login,
    Logout,
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
    "answers of scans are lost": (
        Under(
            (Toxic(DATABASE, "limit_data", "downstream", (("bytes", 300),)),),
            300,
            (Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1), Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1)),
        ),
        Together((Scan(0, 0, 0), Scan(1, 0, 0), Scan(0, 1, 1))),
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
