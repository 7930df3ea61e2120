"""What optimisations are called on the page, and what each of them costs."""

from typing import NamedTuple

CLAIMS = ("checklist", "published-setup")  # the kinds of findings that are claims of the published report


class Optimisation(NamedTuple):
    """An optimisation of `tuned`: its name in a sentence, the change as an instruction, and its cost or risk."""

    name: str
    change: str
    cost: str


OPTIMISATIONS = {
    "argon2": Optimisation(
        "the password hash",
        "Hash passwords with argon2id (7 MiB, 5 passes)",
        "Replaces scrypt (N = 2^15, p = 1), which is below OWASP's minimum; this is one of them. Accounts change at "
        "login.",
    ),
    "workers": Optimisation(
        "the number of workers",
        "Run a gthread worker for each core",
        "The memory of each worker.",
    ),
    "cache": Optimisation("the cache", "Cache dashboard and searches", "Answers are up to 10 or 30 s old."),
    "pool": Optimisation("the connection pool", "Keep a pool of 3 a worker", "Idle connections are held."),
    "index": Optimisation("the trigram index", "Add trigram indexes for the search", "Disk space, slower writes."),
    "aggregate": Optimisation(
        "the statement of the dashboard",
        "Let triggers keep the dashboard's sums",
        "Each scan updates a counter.",
    ),
    "hash limit": Optimisation(
        "the limit on hashes",
        "Hash one password at a time",
        "Logins wait for each other.",
    ),
    "shared sessions": Optimisation("the shared sessions", "Keep sessions in Valkey", "A store to run."),
}

# Single changes of the published set-up.
DATABASE_CHANGES = {
    "autocommit": "reads without a transaction",
    "no pool": "no connection pool",
    "no pre ping": "no check of pooled connections",
    "separate": "a statement for each number",
    "summary": "summary table for the dashboard",
    "trigram": "trigram index",
}
