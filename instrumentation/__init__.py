"""What a Flask application on PostgreSQL needs to be measured; it knows nothing of the application.

| module | purpose |
| --- | --- |
| `server_timing` | `init_app(app, worker_number, run_token)`: `Server-Timing` for a run; `part("db")` books a block |
| `timed_pool` | `TimedQueuePool` for `create_engine`, and `PoolStatistics(slot).watch(engine)` |
| `worker_metrics` | `init_app(app, path, worker, counters)`: one file for the metrics of all workers |
| `prometheus_exporter` | `create_blueprint(families)`: `/metrics` for all workers |
| `request_recorder`, `recorded_wsgi` | record each request and statement for the monitor, in `monitor_file` |
| `monitor` | `python -m instrumentation.monitor`: a process with `/metrics` and `/monitor` |
| `deadlines` | `install(True)`: every wait of psycopg2 can have a deadline |

The application declares its own counters (see `worker_metrics`) and exports them by a function of its own (see
`prometheus_exporter`).
"""
