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
        "Replaces scrypt (N = 2^15, p = 1). OWASP lists 7 MiB × 5 among its minimums for argon2id, and asks p = 3 of "
        "scrypt at 2^15. An account changes at its next login.",
    ),
    "workers": Optimisation(
        "the number of workers",
        "Run a gthread worker for each core, 64 threads each",
        "The memory of one more process a core.",
    ),
    "cache": Optimisation(
        "the cache", "Cache the dashboard for 10 s and searches for 30 s", "Answers are up to 10 or 30 s old."
    ),
    "pool": Optimisation(
        "the connection pool", "Keep a pool of 3 connections a worker", "Connections are held while idle."
    ),
    "index": Optimisation(
        "the trigram index", "Add trigram indexes for the search", "Disk space, and slower writes of bags."
    ),
    "aggregate": Optimisation(
        "the statement of the dashboard",
        "Read the dashboard from a table that triggers keep",
        "Each scan updates a counter.",
    ),
    "hash limit": Optimisation(
        "the limit on hashes",
        "Compute one password hash at a time in a worker",
        "Logins wait for each other; reads do not.",
    ),
    "shared sessions": Optimisation(
        "the shared sessions", "Keep sessions in Valkey", "A store to run; several hosts can then share the sessions."
    ),
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
