"""The named deployments: which fields differ from the published set-up."""

from dataclasses import fields

from analysis.problem import Problem
from reference_app.settings import Settings

AS_MEASURED: dict = {}  # the defaults of Settings are what the published run really had
AS_CLAIMED = {"cache": "process"}
TUNED = {
    "server": "gthread",
    "workers": 2,
    "threads": 64,
    "pool_size": 3,
    "pool_max_overflow": 0,
    "cache": "process",
    "sessions": "cookie",
    "password_hash": "argon2id",
    "hash_limit": 2,
    "indexes": "trigram",
}

DEPLOYMENTS: dict[str, tuple[str, dict]] = {
    "as-measured": ("what the published run really had: one sync worker, caches not in force", AS_MEASURED),
    "as-claimed": ("the same with the caches in force", AS_CLAIMED),
    "tuned": ("ours: several workers, argon2id, caches, trigram index", TUNED),
}


def find(name: str, **given) -> Settings:
    """The settings of a named deployment; `given` are the fields that a run decides (URL, key, scale, …)."""
    if name not in DEPLOYMENTS:
        raise Problem(f"there is no deployment {name!r}; choose one of {', '.join(DEPLOYMENTS)}")
    return Settings(**{"database_url": "", "secret_key": "", **DEPLOYMENTS[name][1], **given})


def differences(name: str) -> dict[str, tuple]:
    """The fields in which a deployment differs from `as-measured`: field to (theirs, its own)."""
    base, other = find("as-measured"), find(name)
    pairs = {field.name: (getattr(base, field.name), getattr(other, field.name)) for field in fields(base)}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
