"""The deployments of the profile `operations`: other servers, and what runs around the application.

They are rows of `loadgen.deployments.DEPLOYMENTS` like all others.
"""

from workbench.arms import BASELINE, MONITORED, TUNED

from .deployment import Deployment

SERVERS = {
    "tuned-with-sync-workers": Deployment(
        "Tuned with a sync worker for each core, which serves one request at a time.",
        TUNED,
        {"server": "sync", "threads": 1},
    ),
    "tuned-with-gevent": Deployment("Tuned with a gevent worker for each core.", TUNED, {"server": "gevent"}),
}
SESSIONS = {
    "tuned-with-database-sessions": Deployment("Tuned with sessions in PostgreSQL.", TUNED, {"sessions": "database"}),
    "as-measured-with-database-sessions": Deployment(
        "The baseline with sessions in PostgreSQL, which the published report says its files save.",
        BASELINE,
        {"sessions": "database"},
    ),
}
MONITORING = {
    MONITORED: Deployment(
        "Tuned with the monitor beside it: a process that shows the workers' metrics, and what they record for it.",
        TUNED,
        {"monitor": True},
    ),
}
OPERATIONS = {**SERVERS, **SESSIONS, **MONITORING}
