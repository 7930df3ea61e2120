"""The deployments of the profile `operations`: other servers, and what runs around the application.

They are rows of `loadgen.deployments.DEPLOYMENTS` like all others.
"""

from workbench.arms import TUNED

from .deployment import Deployment

SERVERS = {
    "tuned-with-sync-workers": Deployment(
        "Tuned with a sync worker for each core, which serves one request at a time.",
        TUNED,
        {"server": "sync", "threads": 1},
    ),
    "tuned-with-gevent": Deployment("Tuned with a gevent worker for each core.", TUNED, {"server": "gevent"}),
}
OPERATIONS = {**SERVERS}
