"""What a Flask application on PostgreSQL needs to be measured; it knows nothing of the application.

| module | purpose |
| --- | --- |
| `server_timing` | `init_app(app, worker_number, run_token)`: `Server-Timing` for a run; `part("db")` books a block |
| `asgi_timing` | `TimedAsgiApplication`: the same for an ASGI application |
| `fair_pool` | `FairQueuePool` in the place of `TimedQueuePool`, where many requests wait for a connection |
| `timed_pool` | `TimedQueuePool` for `create_engine`, and `PoolStatistics(slot).watch(engine)` |
| `worker_metrics` | `init_app(app, path, worker, counters)`: one file for the metrics of all workers |
| `prometheus_exporter` | `create_blueprint(families)`: `/metrics` for all workers |
| `request_recorder`, `recorded_wsgi` | record each request and statement for the monitor |
| `section_writer`, `monitor_file` | where that is written, and how it is read |
| `monitor` | `python -m instrumentation.monitor`: a process with `/metrics` and `/monitor` |
| `deadlines` | `install(True)`: every wait of psycopg2 can have a deadline |

The application declares its own counters (see `worker_metrics`) and exports them by a function of its own (see
`prometheus_exporter`).

An application of one's own needs two lines: see `instrument` and `instrument_asgi`.
"""

from collections.abc import Callable
from typing import Any


def instrument(
    app: Any, engine: Any = None, *, port: int | None = None, is_admin: Callable[[], bool] | None = None
) -> None:
    """Instrument a Flask application: `Server-Timing`, the timed pool, `/metrics` and `/monitor`.

    Call it before the first request and the first use of `engine`, an engine of SQLAlchemy with any pool; without one
    there are no metrics of a pool. With its first request a worker starts the monitor on 127.0.0.1, on `port`,
    INSTRUMENTATION_PORT or 9464, unless another worker has; it ends with the last of them.

    `/monitor` of the application redirects administrators to the monitor: requests for which `is_admin()` is true, by
    default requests from a browser on this machine to this machine. `Server-Timing` goes to requests that carry the
    token of a run, TRACETRACK_RUN_TOKEN, which the workbench sets for the commands that it serves.
    """
    from .drop_in import instrument_flask

    instrument_flask(app, engine, port=port, is_admin=is_admin)


def instrument_asgi(
    app: Any, engine: Any = None, *, port: int | None = None, is_admin: Callable[[dict], bool] | None = None
) -> Any:
    """Instrument an ASGI application as `instrument` does; returns the application to serve.

    A Quart application is changed in place. `engine` may be an `AsyncEngine`; `is_admin` is called with the scope. The
    route of a request is known of Quart; another application may put it into `scope["instrumentation.route"]`.
    """
    from .drop_in_asgi import instrument_asgi_application

    return instrument_asgi_application(app, engine, port=port, is_admin=is_admin)
