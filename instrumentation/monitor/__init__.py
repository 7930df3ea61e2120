"""The monitor: a process of its own that reads the workers' metrics and serves `/metrics` and `/monitor`.

| module | purpose |
| --- | --- |
| `__main__` | the command `python -m instrumentation.monitor` |
| `monitor_process` | `start(…)`: run that command beside an application |
| `monitor_app` | the ASGI application: routes, headers, login |
| `access` | tokens that let an administrator in |
| `readings` | reads the files of the workers, and keeps a minute of readings |
| `snapshot` | what the page shows, computed from two readings |
| `differences`, `quantile` | what happened between two readings |
| `time_series`, `problems` | the last ten minutes, and what was wrong since when |
| `session_count` | how many sessions are stored |
| `viewers` | pages that are open, each of which gets every snapshot |
| `openmetrics` | `/metrics` in OpenMetrics' format, with exemplars |

A viewer costs the application nothing: the workers write into memory whether anyone reads it or not.
"""
