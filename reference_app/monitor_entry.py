"""The monitor of the deployment: what this worker writes for it, and the way of an administrator to it.

`GET /admin/monitor` signs a token for an administrator and redirects to the monitor, which is a process of its own
(see `instrumentation.monitor`) and has no users.
"""

from flask import Blueprint, Flask, g, jsonify, redirect
from flask.typing import ResponseReturnValue

from instrumentation.monitor.access import derive_key, issue_token
from instrumentation.monitor_file import MonitorFile, companion
from instrumentation.recorded_wsgi import RECORDER, flask_request_id
from instrumentation.request_recorder import RequestRecorder

from .guards import login_required
from .settings import Settings, current_settings
from .worker_number import worker_number

ADMIN = "admin"

blueprint = Blueprint("monitor_entry", __name__)


@blueprint.get("/admin/monitor")
@login_required
def open_monitor() -> ResponseReturnValue:
    """A redirect to the monitor with a token that is valid for a minute; 403 for a user who is no administrator."""
    if g.user["role"] != ADMIN:
        return jsonify(success=False, error="only an administrator may see the monitor"), 403
    settings = current_settings()
    token = issue_token(derive_key(settings.secret_key), g.user["username"])
    return redirect(f"{monitor_url(settings)}/monitor?token={token}", 303)


def monitor_url(settings: Settings) -> str:
    """Where browsers find the monitor."""
    return settings.monitor_url.rstrip("/") or f"http://127.0.0.1:{settings.monitor_port}"


def init_app(app: Flask, settings: Settings) -> None:
    """Create the recorder of this worker, where the deployment has a monitor."""
    if not settings.monitor:
        return
    if settings.readings_file:
        file, worker = MonitorFile.open(companion(settings.readings_file)), worker_number()
    else:
        file, worker = MonitorFile.private(), 0
    if worker >= file.sections:
        file, worker = MonitorFile.private(), 0  # as `worker_metrics` does, which warns
    app.extensions[RECORDER] = RequestRecorder(file.section(worker), flask_request_id)
