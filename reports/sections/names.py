"""What the page calls set-ups, loads and optimisations, and what each optimisation costs.

Records and commands have names such as `as-measured` and `burst-50`; the page has one label for each of them.
"""

import re
from typing import NamedTuple

from workbench.arms import (
    ADVISED,
    AT_10_MS,
    BASELINE,
    CONSTRAINED,
    CONSTRAINED_GEVENT,
    CONSTRAINED_GEVENT_1_GIB,
    FOR_SOAK,
    FOR_SOAK_WITH_FILES,
    LABELS,
    LIMITED,
    MISSING_TABLE,
    ON_RDS,
    READS,
    SINGLE,
    START,
    TOGETHER,
    TUNED,
    TUNED_IN_512_MIB,
    WITH,
    WITHOUT,
)
from workbench.faults import KINDS, PREFIX

CLAIMS = ("checklist", "published-setup")  # the kinds of findings that are claims of the published report


class Optimisation(NamedTuple):
    """An optimisation of `tuned`: its name in a sentence, the change as an instruction, and its cost or risk.

    `without` follows `tuned` in the label of the set-up that lacks it.
    """

    name: str
    change: str
    cost: str
    without: str


OPTIMISATIONS = {
    "argon2": Optimisation(
        "the password hash",
        "Hash passwords with argon2id (7 MiB, 5 passes)",
        "Replaces scrypt (N=2^15, r=8, p=1). OWASP's Password Storage Cheat Sheet lists this argon2id, and that scrypt "
        "only with p=3. Accounts change at login.",
        "with scrypt",
    ),
    "workers": Optimisation(
        "the number of workers",
        "Run a gthread worker for each core",
        "The memory of each worker.",
        "on one worker",
    ),
    "cache": Optimisation(
        "the cache", "Cache dashboard and searches", "Answers are up to 10 or 30 s old.", "without caches"
    ),
    "pool": Optimisation(
        "the connection pool", "Keep a pool of 3 a worker", "Idle connections are held.", "without a pool"
    ),
    "index": Optimisation(
        "the trigram index",
        "Add trigram indexes for the search",
        "Disk space, slower writes.",
        "without trigram indexes",
    ),
    "aggregate": Optimisation(
        "the summary table",
        "Let triggers keep the dashboard's sums",
        "Each scan updates a counter.",
        "with a statement for each number",
    ),
    "hash limit": Optimisation(
        "the limit on hashes",
        "Hash one password at a time",
        "Logins wait for each other.",
        "with any number of hashes at once",
    ),
    "affinity": Optimisation(
        "the cores of the workers",
        "Keep each worker to a core",
        "An idle core helps no other worker.",
        "with workers on any core",
    ),
    "even connections": Optimisation(
        "the even connections",
        "Spread connections evenly over the workers",
        "A new connection may wait for 5 ms.",
        "with connections to the worker that wakes first",
    ),
    "shared sessions": Optimisation(
        "the shared sessions", "Keep sessions in Valkey", "A store to run.", "with sessions in files"
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
    "database sessions": "sessions in PostgreSQL",
    "pgbouncer": "PgBouncer",
    "cross region": "database in another region",
    "256 threads": "256 threads a worker",
}
_SET_UPS = {
    **LABELS,
    LIMITED: "tuned, limited, with admission control",
    ON_RDS: f"{LABELS[BASELINE]}: host name of RDS",
    f"{TUNED}{WITHOUT}pool{WITH}pgbouncer": f"{LABELS[TUNED]} with PgBouncer in the place of its pools",
    f"{ADVISED}-at-default": f"{LABELS[ADVISED]}, default number of connections",
    TUNED_IN_512_MIB: f"{LABELS[TUNED]}, 512 MiB of memory",
    AT_10_MS: f"{LABELS[TUNED]}, database 10 ms away",
    FOR_SOAK: f"{LABELS[TUNED]} with short lifetimes",
    FOR_SOAK_WITH_FILES: f"{LABELS[TUNED]} with short lifetimes and sessions in files",
    CONSTRAINED: f"{LABELS[BASELINE]}, 512 MiB of memory",
    CONSTRAINED_GEVENT: f"{LABELS[ADVISED]}, 512 MiB of memory",
    CONSTRAINED_GEVENT_1_GIB: f"{LABELS[ADVISED]}, 1 GiB of memory",
    "constrained-gevent-in-256-mib": f"{LABELS[ADVISED]}, 256 MiB of memory",
    "constrained-with-8-workers": f"{LABELS[BASELINE]}: 8 workers, 512 MiB of memory",
    "constrained-with-8-workers-with-preload": f"{LABELS[BASELINE]}: 8 preloaded workers, 512 MiB of memory",
    "cross-region": f"{LABELS[BASELINE]}: {DATABASE_CHANGES['cross region']}",
}
_LOADS = {
    SINGLE: "single requests",
    READS: "single reads",
    MISSING_TABLE: "a missing table",
    START: "start only",
    **{f"{PREFIX}{kind.name}": f"fault: {kind.title}" for kind in KINDS.values()},
}
# `burst-50-mix`: the kind of load, its size, and its variant.
_LOAD = re.compile(r"(burst|sustained|open|overload|upstream)-(\d+)(-[a-z-]+)?")
_SIZES = {
    "burst": "{} users at once",
    "sustained": "{} users with think time",
    "open": "{} requests/s",
    "overload": "{} times the base rate",
    "upstream": "{} users who wait for another service",
}
_LOAD_VARIANTS = {"-mix": ", mixed terms", "-shared-jar": ", one cookie jar", "-write": ", a fifth writes"}


def set_up(deployment: str) -> str:
    """The label of a set-up: `published set-up, run here: trigram index`; a name of others is its own label."""
    if deployment in _SET_UPS:
        return _SET_UPS[deployment]
    if deployment.startswith(TUNED + WITHOUT):
        return f"{LABELS[TUNED]} {_lacking(deployment.removeprefix(TUNED + WITHOUT))}"
    for base in (BASELINE, TUNED, ADVISED):
        if deployment.startswith(base + WITH):
            return f"{LABELS[base]}: {change(_spaced(deployment.removeprefix(base + WITH)))}"
    return deployment


def _lacking(names: str) -> str:
    """What follows `tuned` for one optimisation left out, or for two together."""
    pieces = (_spaced(name) for name in names.split(TOGETHER))
    return ", ".join(optimisation_of(name).without for name in pieces)


def _spaced(name: str) -> str:
    return name.replace("-", " ")


def change(name: str) -> str:
    """The label of another set-up, of an optimisation, or of a single change of the published set-up."""
    if name in LABELS:
        return LABELS[name]
    return OPTIMISATIONS[name].name if name in OPTIMISATIONS else DATABASE_CHANGES.get(name, name)


def optimisation_of(name: str) -> Optimisation:
    """The optimisation of this name; one that has no text here is called by its name."""
    return OPTIMISATIONS.get(name) or Optimisation(name, name, "not described", f"without {name}")


def load(scenario: str) -> str:
    """The label of a load: `50 users at once`; a name of others is its own label."""
    match = _LOAD.fullmatch(scenario)
    if scenario in _LOADS or match is None or (match[3] or "") not in ("", *_LOAD_VARIANTS):
        return _LOADS.get(scenario, scenario)
    return f"{_SIZES[match[1]].format(match[2])}{_LOAD_VARIANTS.get(match[3] or '', '')}"


def arm(deployment: str, scenario: str) -> str:
    """The label of a set-up under a load."""
    return f"{set_up(deployment)}; {load(scenario)}"


# Names in a sentence, the longest first; a name within that of a run is typed into commands and stays.
_NAME_IN_TEXT = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, _SET_UPS), key=len, reverse=True))})(?:-with(?:out)?-[a-z\d-]+)?"
    r"(?![\w-])"
)
_LOAD_IN_TEXT = re.compile(
    rf"(?<![\w-]){_LOAD.pattern}(?![\w-])|(?:(?<=, )|(?<=run of ))(?:{SINGLE}|{READS}|{START})(?= on )"
    rf"|(?<=under )(?:{SINGLE}|{READS}|{START}|{MISSING_TABLE})(?![\w-]| requests| reads)"
)
_IN_TEXT = {LABELS[BASELINE]: "the published set-up", LABELS[ADVISED]: "the published advice"}


def in_labels(text: str) -> str:
    """A sentence of a finding with labels in the place of the names of set-ups and loads."""
    text = _NAME_IN_TEXT.sub(lambda match: _in_sentence(set_up(match[0])), text)
    return _LOAD_IN_TEXT.sub(lambda match: load(match[0]), text)


def _in_sentence(label: str) -> str:
    for name, words in _IN_TEXT.items():
        label = label.replace(name, words)
    return label
